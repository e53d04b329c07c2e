"""What differs between one safety core and another: how a fresh state folder begins."""

from perpmesh.risk_safety.domain.ess import Latch, Stage

SIMULATED = "simulated"


def fresh_latch(environment: str) -> Latch:
    """Armed: at full size on the simulated exchange, sending nothing anywhere else until two people say so."""
    return Latch(stage=Stage.FULL if environment == SIMULATED else Stage.SHADOW)
