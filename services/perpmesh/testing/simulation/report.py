"""What the lives came to, for people."""

from collections.abc import Iterable, Sequence

from perpmesh.testing.simulation.lives import Outcome

PERCENTILES = (50, 99)


def failure(outcome: Outcome) -> str:
    """Return a life's plan and what was violated in it, and how to live it again."""
    plan = [f"  {line}" for line in outcome.plan.lines()]
    wrong = [f"  VIOLATED {line}" for line in outcome.violations] or ["  nothing was violated"]
    seed = outcome.plan.seed
    return "\n".join([f"seed {seed} ({outcome.digest}): make replay SEED={seed}", *plan, *wrong])


def table(outcomes: Sequence[Outcome], wall_seconds: float) -> str:
    """Return the sums over many lives."""
    tallies = [outcome.tally for outcome in outcomes]
    naked = sorted(ms for tally in tallies for ms in tally.naked_ms)
    hours = sum(tally.virtual_seconds for tally in tallies) / 3600
    rows: list[tuple[str, object]] = [
        ("lives", len(outcomes)),
        ("kills", sum(tally.kills for tally in tallies)),
        ("entries accepted", sum(tally.entries for tally in tallies)),
        ("trades booked", sum(tally.trades for tally in tallies)),
        ("trips answered", sum(tally.trips for tally in tallies)),
        ("without a stop, ms", ", ".join(_marks(naked))),
        ("of it with a fair chance, at most, ms", max((tally.worst_fair_ms for tally in tallies), default=0)),
        ("lives with a violation", sum(bool(outcome.violations) for outcome in outcomes)),
        ("virtual hours", f"{hours:.2f}, {hours / max(wall_seconds, 1e-9):.3f} in a second"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _marks(sorted_ms: Sequence[int]) -> Iterable[str]:
    if not sorted_ms:
        return ["none"]
    at = [sorted_ms[min(len(sorted_ms) - 1, len(sorted_ms) * percent // 100)] for percent in PERCENTILES]
    return [*(f"p{percent} {ms}" for percent, ms in zip(PERCENTILES, at, strict=True)), f"max {sorted_ms[-1]}"]
