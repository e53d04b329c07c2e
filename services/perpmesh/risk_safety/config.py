"""What differs between one safety core and another: how a fresh state folder begins."""

from collections.abc import Mapping

from perpmesh.risk_safety.domain.ess import Latch, Stage

SIMULATED, LIVE = "simulated", "live"


def fresh_latch(environment: str) -> Latch:
    """Armed: at full size on the simulated exchange, sending nothing anywhere else until two people say so."""
    return Latch(stage=Stage.FULL if environment == SIMULATED else Stage.SHADOW)


def gates(environment: str) -> Mapping[str, bool]:
    """How the way up through the stages is bound, when policy does not say: see `application.stages.Stages`."""
    return {"gated": environment != SIMULATED, "live": environment == LIVE}
