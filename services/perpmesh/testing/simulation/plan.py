"""What will go wrong, and when: drawn from a seed before anything runs, so that it can be printed and repeated."""

from dataclasses import dataclass, field
from enum import Enum
from random import Random

LENGTH_SECONDS = 45.0
PEACE_SECONDS = 40.0  # without faults, at the end: what is unknown must be known then, and balanced
SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Fault(Enum):
    """What may befall one request to the exchange."""

    LOST = "lost"  # it never arrives
    UNANSWERED = "unanswered"  # it is done, and the answer is lost
    LATE = "late"  # it arrives after whoever asked has given up
    UNKNOWN_DONE = "-1007, done"  # the exchange says that it does not know, and it was done
    UNKNOWN_NOT_DONE = "-1007, not done"
    OVERLOADED = "-1008"  # 503: not done
    BANNED = "429"  # queries and entries are refused; exits are not
    STOP_REFUSED = "stop refused"
    PARTS = "fills in parts"
    TRIGGER_REJECTED = "rejected when triggered"


@dataclass(frozen=True, slots=True)
class Window:
    """A share of the requests between two moments meets a fault."""

    fault: Fault
    begins: float
    ends: float
    share: float
    code: int = 0
    methods: tuple[str, ...] = ()  # of the Venue; none named: whatever the fault can befall


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that befalls a process, a message path or the market at one moment, for some seconds."""

    kind: str
    at: float
    seconds: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that the engine, a person or the market does."""

    kind: str
    at: float
    symbol: str
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One life."""

    seed: int
    windows: tuple[Window, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    wishes: tuple[Wish, ...] = ()
    latency_ms: int = 5
    bus_ms: int = 5
    skew_ms: int = 0
    repeats: float = 0.0  # share of messages that come twice
    drops: float = 0.0  # share of messages, and of user events, that do not come
    reorders: float = 0.0  # share that comes late, behind its successors
    length: float = LENGTH_SECONDS
    policies: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the plan for people, in the order in which it happens."""
        timed: list[tuple[float, str]] = [
            *((w.begins, f"{w.fault.value} {w.code or ''} until {w.ends:.1f} s, {w.share:.0%}") for w in self.windows),
            *((m.at, f"{m.kind} {m.seconds:.1f} s {m.count or ''}") for m in self.mishaps),
            *((w.at, f"{w.kind} {w.symbol} x{w.size:.2f}") for w in self.wishes),
        ]
        head = (
            f"latency {self.latency_ms} ms, bus {self.bus_ms} ms, wall clock {self.skew_ms:+d} ms, messages repeated "
            f"{self.repeats:.0%}, dropped {self.drops:.0%}, reordered {self.reorders:.0%}"
        )
        return [head, *(f"{at:7.2f} s  {text.rstrip()}" for at, text in sorted(timed))]


STOP_CODES = (-2021, -4045, -4120, -1111, -1001)
WINDOW_KINDS = tuple(Fault)
MISHAPS = (
    "kill execution", "kill risk_safety", "kill execution at a call", "kill risk_safety at a call", "pause execution",
    "pause risk_safety", "bus down", "prices down", "user stream down", "lease stream cut", "execution's disk full",
    "risk_safety's disk full", "exchange down", "slow disk",
)  # fmt: skip
WISHES: tuple[tuple[str, float], ...] = (
    ("long", 6), ("short", 6), ("close", 3), ("amplify", 1), ("request entry", 3), ("request exit", 2),
    ("partial exit", 1), ("flatten", 0.6), ("trip", 0.7), ("trip and flatten", 0.4), ("by hand", 0.5), ("funding", 0.5),
    ("jump", 1.2), ("late decision", 1), ("pause entries", 0.3),
)  # fmt: skip


def draw_plan(seed: int) -> Plan:
    """Return the plan of a seed. The first one in eight is calm: it shows that the machine trades at all."""
    chance = Random(seed)  # noqa: S311 - a seeded life
    calm = seed % 8 == 0
    many = 0 if calm else 1 + chance.randrange(4)
    return Plan(
        seed=seed,
        windows=tuple(_window(chance) for _ in range(many)),
        mishaps=() if calm else tuple(_mishap(chance) for _ in range(1 + chance.randrange(6))),
        wishes=_wishes(chance),
        latency_ms=chance.choice((1, 5, 20, 60)),
        bus_ms=chance.choice((1, 5, 30)),
        skew_ms=0 if calm else chance.choice((0, 0, 0, 300, -300, 5_000, -5_000)),
        repeats=0.0 if calm else chance.choice((0.0, 0.1, 0.4)),
        drops=0.0 if calm else chance.choice((0.0, 0.1, 0.3)),
        reorders=0.0 if calm else chance.choice((0.0, 0.1, 0.3)),
    )


def _window(chance: Random) -> Window:
    fault = chance.choice(WINDOW_KINDS)
    begins = chance.uniform(2, LENGTH_SECONDS - 10)
    length = chance.uniform(1, 20)
    code = chance.choice(STOP_CODES) if fault is Fault.STOP_REFUSED else 0
    return Window(fault, begins, min(begins + length, LENGTH_SECONDS), chance.choice((0.1, 0.3, 0.6)), code)


def _mishap(chance: Random) -> Mishap:
    kind = chance.choice(MISHAPS)
    return Mishap(kind, chance.uniform(3, LENGTH_SECONDS - 8), chance.uniform(0.2, 8), 1 + chance.randrange(12))


def _wishes(chance: Random) -> tuple[Wish, ...]:
    kinds, weights = [kind for kind, _ in WISHES], [weight for _, weight in WISHES]
    at, found = 3.0, []
    while at < LENGTH_SECONDS:
        kind = chance.choices(kinds, weights)[0]
        found.append(Wish(kind, at, chance.choice(SYMBOLS), chance.uniform(0.2, 1.0)))
        at += chance.expovariate(1 / 1.5)
    return tuple(found)
