"""Market time as a function of real time: how far the replay is due at a given moment."""

from dataclasses import dataclass, replace

UNBOUNDED = 0  # the speed that means: as fast as the machine can


@dataclass(frozen=True, slots=True)
class ReplayClock:
    """A straight line through an anchor. Pausing, stepping and changing speed move the anchor, never the past."""

    anchor_real_ms: int
    anchor_market_ms: int
    speed: float
    paused: bool = False

    def market_ms(self, real_ms: int) -> int:
        """Return the market time due at `real_ms`; without a bound on the speed, no more than the anchor is."""
        if self.paused or self.speed == UNBOUNDED:
            return self.anchor_market_ms
        return self.anchor_market_ms + max(int((real_ms - self.anchor_real_ms) * self.speed), 0)

    def real_ms(self, market_ms: int) -> int:
        """Return when `market_ms` is due; far in the future while paused, at once when the speed has no bound."""
        if self.paused:
            return self.anchor_real_ms + 86_400_000 * 365
        if self.speed == UNBOUNDED:
            return self.anchor_real_ms
        return self.anchor_real_ms + int((market_ms - self.anchor_market_ms) / self.speed)

    def at_speed(self, speed: float, real_ms: int) -> "ReplayClock":
        return ReplayClock(real_ms, self.market_ms(real_ms), speed, self.paused)

    def pause(self, real_ms: int) -> "ReplayClock":
        return ReplayClock(real_ms, self.market_ms(real_ms), self.speed, paused=True)

    def resume(self, real_ms: int) -> "ReplayClock":
        return ReplayClock(real_ms, self.market_ms(real_ms), self.speed) if self.paused else self

    def moved_to(self, market_ms: int, real_ms: int) -> "ReplayClock":
        """Let it be `market_ms` now."""
        return replace(self, anchor_real_ms=real_ms, anchor_market_ms=market_ms)

    def step(self, market_ms: int) -> "ReplayClock":
        """Move market time on by a given span at once; meant for a paused replay."""
        return replace(self, anchor_market_ms=self.anchor_market_ms + market_ms)


def first_position(now_ms: int, data_start_ms: int, lead_ms: int) -> tuple[int, int]:
    """Return (position, shift): where in the data to begin, and the whole days that move it to `now_ms`.

    The position is the first moment at least `lead_ms` into the data with now's time of day, so that market
    time begins exactly now and every hour, day and funding boundary of the data stays where it was.
    """
    day = 86_400_000
    earliest = data_start_ms + lead_ms
    position = earliest + (now_ms - earliest) % day
    return position, now_ms - position
