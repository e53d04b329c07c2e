"""What the gate would have made of past entries under other policies: the same gate, asked again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from perpmesh.execution.domain import gate
from perpmesh.execution.domain.admission import EntryWish, Limits, Market, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One entry as the gate judged it: everything it looked at, and every reason it named."""

    client_id: str
    world: World
    market: Market
    wish: EntryWish
    reasons: tuple[str, ...]  # none: admitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One entry judged again."""

    judgement: Judgement
    proposed: tuple[str, ...]  # the reasons under the proposed limits; none: it would be admitted

    @property
    def newly_refused(self) -> bool:
        return bool(self.proposed) and not self.judgement.reasons

    @property
    def newly_admitted(self) -> bool:
        return bool(self.judgement.reasons) and not self.proposed


def judged_again(judgement: Judgement, limits: Limits) -> Verdict:
    """Ask the gate with other limits, on what was known then. Reasons that are not the gate's own stand."""
    before = _words(judgement, judgement.world)
    others = [word for word in judgement.reasons if word not in before]
    after = _words(judgement, replace(judgement.world, limits=limits))
    return Verdict(judgement=judgement, proposed=(*after, *others))


def _words(judgement: Judgement, world: World) -> tuple[str, ...]:
    return tuple(refusal.word for refusal in gate.refusals(world, judgement.market, judgement.wish))


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What came of judging entries again, newest first. `unreadable` were written by other versions."""

    verdicts: tuple[Verdict, ...]
    unreadable: int
    not_evaluated: tuple[str, ...]  # proposed keys that the gate does not ask

    @property
    def admitted(self) -> int:
        return _count(not verdict.judgement.reasons for verdict in self.verdicts)

    @property
    def proposed_admitted(self) -> int:
        return _count(not verdict.proposed for verdict in self.verdicts)


def _count(facts: Iterable[bool]) -> int:
    return sum(1 for fact in facts if fact)
