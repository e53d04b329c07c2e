"""What the audit proves: which values held at a revision, and what two sets of values do not share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from perpmesh.risk_safety.domain.policy import PolicyValue
from perpmesh.risk_safety.domain.policy_records import Change

Values = Mapping[str, PolicyValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One policy whose value is not the same on both sides."""

    key: str
    left: PolicyValue
    right: PolicyValue


def values_at(revision: int, changes: Iterable[Change], defaults: Values) -> dict[str, PolicyValue]:
    """Return every value that held at `revision`; at revision 0 the defaults.

    A policy that was first set later had what that change says it had before: defaults may differ between versions.
    """
    if revision == 0:
        return dict(defaults)
    values = dict(defaults)
    by_key = attrgetter("key")
    for key, lines in groupby(sorted(changes, key=lambda change: (change.key, change.revision)), by_key):
        history = list(lines)
        held = [change.new for change in history if change.revision <= revision]
        values[key] = held[-1] if held else history[0].old
    return values


def differences(left: Values, right: Values) -> list[Difference]:
    """Return what differs among the policies that both sides have, by key."""
    return [
        Difference(key=key, left=left[key], right=right[key])
        for key in sorted(left.keys() & right.keys())
        if left[key] != right[key]
    ]
