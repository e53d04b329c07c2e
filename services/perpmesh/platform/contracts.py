"""The catalogue of domain events, read from the contracts themselves."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import perpmesh_api
from perpmesh.platform.settings import SERVICES
from perpmesh_api.common.v1 import event_pb2

MessageClass = type[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContract:
    """One kind of domain event."""

    type: str
    topic: str  # may hold "{service}": every service then produces a stream of its own
    key: str
    message: MessageClass

    def topics(self) -> list[str]:
        """Every topic the event may travel on."""
        if "{service}" not in self.topic:
            return [self.topic]
        return [self.topic.format(service=service) for service in SERVICES]


def contract_of(message: Message | type[Message]) -> EventContract:
    """Return the contract a message's own definition carries; raise ValueError when it is no domain event."""
    options = message.DESCRIPTOR.GetOptions()
    if not options.HasExtension(event_pb2.event):
        raise ValueError(f"{message.DESCRIPTOR.full_name} is not a domain event")
    contract = options.Extensions[event_pb2.event]
    kind = message if isinstance(message, type) else type(message)
    return EventContract(type=contract.type, topic=contract.topic, key=contract.key, message=kind)


@cache
def catalogue() -> dict[str, EventContract]:
    """Return every domain event of the mesh by its type."""
    found = [contract_of(message) for message in _event_messages()]
    return {contract.type: contract for contract in sorted(found, key=lambda contract: contract.type)}


def _event_messages() -> Iterator[type[Message]]:
    for module in generated_modules("*_events_pb2.py"):
        for descriptor in module.DESCRIPTOR.message_types_by_name.values():
            if descriptor.GetOptions().HasExtension(event_pb2.event):
                yield GetMessageClass(descriptor)


def generated_modules(pattern: str) -> Iterator[Any]:
    """Yield the generated modules named like `pattern`; they are namespace packages, which pkgutil does not see."""
    for root in perpmesh_api.__path__:
        for path in sorted(Path(root).rglob(pattern)):
            name = ".".join(path.relative_to(Path(root).parent).with_suffix("").parts)
            yield importlib.import_module(name)


@cache
def service_names() -> tuple[str, ...]:
    """Return the full name of every gRPC service of the mesh; its descriptor is then known to this process."""
    modules = generated_modules("*_service_pb2.py")
    return tuple(sorted(s.full_name for module in modules for s in module.DESCRIPTOR.services_by_name.values()))


def producer_of(topic: str) -> str:
    """Return the service that produces a topic: the part before the first dot."""
    return topic.partition(".")[0]
