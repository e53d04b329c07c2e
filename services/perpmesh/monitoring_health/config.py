"""What is watched, what the mesh cannot do without, and what is read from policy."""

from collections.abc import Callable, Sequence

from perpmesh.platform.policy_mirror import PolicyMirror
from perpmesh.platform.settings import EXCHANGE, SERVICES, MeshSettings, VenueKind

CHECK_INTERVAL = "monitoring.check_interval_ms"
MAX_EVENT_LAG = "monitoring.max_event_lag_ms"
POLICY_KEYS = (CHECK_INTERVAL, MAX_EVENT_LAG)
# Health is watched before the first policy was adopted, too: these hold until then.
CHECK_INTERVAL_MS = 1_000
MAX_EVENT_LAG_MS = 5_000

BEFORE_ANY = -1

CRITICAL = frozenset({"exchange", "broker", "execution", "risk_safety", "market_data"})


def watched_processes(settings: MeshSettings) -> Sequence[str]:
    """Return the processes that serve gRPC health; the exchange's control only where the exchange is ours."""
    return (*SERVICES, EXCHANGE) if settings.environment is VenueKind.SIMULATED else SERVICES


def check_interval_ms(policy: PolicyMirror) -> Callable[[], int]:
    return lambda: CHECK_INTERVAL_MS if policy.revision == BEFORE_ANY else policy.integer(CHECK_INTERVAL)


def max_event_lag_ms(policy: PolicyMirror) -> Callable[[], int]:
    return lambda: MAX_EVENT_LAG_MS if policy.revision == BEFORE_ANY else policy.integer(MAX_EVENT_LAG)
