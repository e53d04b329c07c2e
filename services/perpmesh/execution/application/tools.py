"""What every use case needs, in one hand."""

from dataclasses import dataclass

from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.ports import Diary, Policies, Sleep, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The exchange, the log, what is known, the policies, patience, and a place to say things."""

    venue: Venue
    ledger: Ledger
    desk: Desk
    policies: Policies
    sleep: Sleep
    diary: Diary
