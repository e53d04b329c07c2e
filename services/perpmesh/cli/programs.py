"""Which processes make a mesh, and how each is started."""

from perpmesh.cli import gateway
from perpmesh.cli.supervisor import Program
from perpmesh.platform import embedded
from perpmesh.platform.settings import EXCHANGE, SERVICES, MeshSettings

BROKER_RECYCLE_BYTES = 150 * 1024 * 1024  # the embedded broker never frees memory; losing its log is harmless
BROKER = "broker"
GATEWAY = "gateway"


def programs_of(settings: MeshSettings) -> list[Program]:
    """Return the programs of one mesh, in the order they are started."""
    return [
        Program(name=BROKER, command=embedded.broker_command(settings.kafka), recycle_above_bytes=BROKER_RECYCLE_BYTES),
        *(
            Program(name=name, command=embedded.python_command(f"perpmesh.{name}.main"))
            for name in (EXCHANGE, *SERVICES)
        ),
        Program(name=GATEWAY, command=embedded.envoy_command(str(gateway.write(settings)))),
    ]
