"""portfolio.rebalance.proposed, through the outbox."""

from perpmesh.platform.database import Database
from perpmesh.platform.outbox import Outbox
from perpmesh.portfolio_intelligence.adapters import wire
from perpmesh.portfolio_intelligence.domain.rebalance import Proposal
from perpmesh_api.portfolio_intelligence.v1 import portfolio_events_pb2

PUBLISHES = (portfolio_events_pb2.RebalanceProposed,)


class OutboxAnnouncer:
    """Implements `ports.Announcer`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def proposed(self, proposal_id: str, proposal: Proposal) -> None:
        async with self._database.transaction() as tx:
            await self._outbox.append(tx, wire.proposed_event(proposal_id, proposal))
