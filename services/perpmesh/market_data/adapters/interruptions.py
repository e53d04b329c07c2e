"""Says why the exchange cannot be heard, once for each reason and not at every try."""

from perpmesh.platform import telemetry

log = telemetry.log(__name__)


class InterruptionLog:
    """Remembers the newest reason."""

    def __init__(self) -> None:
        self._newest = ""

    def __call__(self, why: str) -> None:
        if why != self._newest:
            log.warning("interrupted", why=why)
        self._newest = why
