"""Before a policy changes: which of the last entries would it have refused, and which let through?"""

from collections.abc import Mapping
from decimal import Decimal

from perpmesh.execution.application.ports import Log, Policies
from perpmesh.execution.application.report import limits_of
from perpmesh.execution.domain.dry_run import DryRun, Verdict, judged_again

LIMIT_DEFAULT = 200
PAGE = 20  # between pages whatever else has to be done gets its turn: orders do not wait for this


class TryPolicies:
    """The use case behind DryRunPolicy. Changes nothing."""

    def __init__(self, policies: Policies, log: Log) -> None:
        self._policies = policies
        self._log = log

    async def run(self, values: Mapping[str, str], limit: int = 0) -> DryRun:
        """Judge the newest entries again with `values` in place of the policies that hold now."""
        proposed = Proposed(self._policies, values)
        limits = limits_of(proposed)
        verdicts: list[Verdict] = []
        unreadable, before, left = 0, 0, limit or LIMIT_DEFAULT
        while left > 0:
            page = await self._log.judgements(before=before, limit=min(PAGE, left))
            if not page:
                break
            for number, judgement in page:
                before = number
                if judgement is None:
                    unreadable += 1
                else:
                    verdicts.append(judged_again(judgement, limits))
            left -= len(page)
        ignored = tuple(sorted(set(values) - proposed.asked))
        return DryRun(verdicts=tuple(verdicts), unreadable=unreadable, not_evaluated=ignored)


class Proposed:
    """Policies with some values replaced; remembers which were asked for."""

    def __init__(self, policies: Policies, values: Mapping[str, str]) -> None:
        self._policies = policies
        self._values = values
        self.asked: set[str] = set()

    @property
    def revision(self) -> int:
        return self._policies.revision

    def text(self, key: str) -> str:
        self.asked.add(key)
        return self._values[key] if key in self._values else self._policies.text(key)

    def decimal(self, key: str) -> Decimal:
        self.asked.add(key)
        return Decimal(self._values[key]) if key in self._values else self._policies.decimal(key)

    def integer(self, key: str) -> int:
        return int(self.decimal(key))
