"""Answers for the whole mesh at the gateway: grpc.health.v1 by any name, and reflection of every service."""

from collections.abc import Mapping, Sequence

from grpc_health.v1 import health_pb2

from perpmesh.platform import contracts
from perpmesh.platform.grpc_server import Serving

NAME = "monitoring_health"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class MeshFront:
    """Implements `ports.Front`. A name is "", a component, or a service's full name."""

    def __init__(self, serving: Serving) -> None:
        self._health = serving.health
        self._shown: dict[str, bool] = {}
        self._services = _services_by_process(contracts.service_names())
        serving.speak_for_mesh(contracts.service_names())

    async def show(self, statuses: Mapping[str, bool]) -> None:
        for component, serves in statuses.items():
            if component == NAME:
                continue  # our own word about ourselves is the platform's: it must not hang on our checks
            for name in (component, *self._services.get(component, ())):
                if self._shown.get(name) is not serves:
                    self._shown[name] = serves
                    await self._health.set(name, SERVING if serves else NOT_SERVING)


def _services_by_process(names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the full names of the services of each process: the part of the package between the dots is its name."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.split(".")[1], []).append(name)
    return found
