"""What time it is at the exchange, reckoned from our boot clock and a few questions."""

from collections import deque
from dataclasses import dataclass

KEPT = 9
FRESH_MS = 120_000
DRIFT_PPM = 200  # by how much two clocks may run apart: twice what a poor quartz does


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of GET time: our boot clock before and after, the exchange's clock between."""

    before_ms: int
    server_ms: int
    after_ms: int

    @property
    def offset_ms(self) -> int:
        """Exchange clock minus boot clock, taking the answer to come from the middle."""
        return self.server_ms - (self.before_ms + self.after_ms) // 2

    @property
    def error_ms(self) -> int:
        """How far off the offset can be: half the round trip, and a millisecond for rounding."""
        return (self.after_ms - self.before_ms + 1) // 2 + 1


class ExchangeClock:
    """Keeps the newest samples. The median of their offsets holds; the widest doubt among its neighbours bounds it."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)

    def forget(self) -> None:
        """The exchange says that our idea is wrong."""
        self._samples.clear()

    def is_known(self, boot_ms: int) -> bool:
        return bool(self._samples) and boot_ms - self._samples[-1].after_ms <= FRESH_MS

    def now_ms(self, boot_ms: int) -> int:
        """Return the exchange's time; the caller has asked whether it is known."""
        return boot_ms + self._median().offset_ms

    def error_ms(self, boot_ms: int) -> int:
        """How far `now_ms` can be from the truth: the doubt of the sample it rests on, and the drift since then."""
        sample = self._median()
        drift_ms = -((sample.before_ms - boot_ms) * DRIFT_PPM // 1_000_000)  # rounded up
        return sample.error_ms + drift_ms

    def _median(self) -> Sample:
        ordered = sorted(self._samples, key=lambda sample: sample.offset_ms)
        return ordered[len(ordered) // 2]
