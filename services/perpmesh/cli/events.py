"""`perpmesh events …`: the streams themselves, read from the broker or from their producers."""

import asyncio
import json
from typing import Annotated, Any, cast

import grpc
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition

from perpmesh.cli.connect import DEADLINE_SECONDS, as_json, fail
from perpmesh.platform import bus, contracts
from perpmesh.platform.settings import SERVICES, MeshSettings
from perpmesh_api.common.v1 import event_log_service_pb2 as log_pb
from perpmesh_api.common.v1 import event_log_service_pb2_grpc as log_rpc

events = typer.Typer(no_args_is_help=True, help="Domain events.")
DEAD_LETTER = "event.dead_lettered"


@events.command("tail")
def tail(
    kinds: Annotated[list[str] | None, typer.Argument(help="Event types, such as trade.closed; none for all.")] = None,
    from_beginning: Annotated[bool, typer.Option(help="Also what the broker still has.")] = False,
    prices: Annotated[bool, typer.Option(help="Also market.price.updated, which is many.")] = False,
) -> None:
    """Print events as they pass, one JSON object a line, until Ctrl-C."""
    wanted = {kind for kind in contracts.catalogue() if not kinds or kind in kinds}
    if unknown := set(kinds or ()) - set(contracts.catalogue()):
        raise typer.BadParameter(f"no event is called {', '.join(sorted(unknown))}")
    if not prices and "market.price.updated" not in (kinds or ()):
        wanted.discard("market.price.updated")
    try:
        asyncio.run(_tail(MeshSettings.load(), wanted, from_beginning=from_beginning))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(settings: MeshSettings, wanted: set[str], *, from_beginning: bool) -> None:
    topics = {topic for kind in wanted for topic in contracts.catalogue()[kind].topics()}
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        existing = await consumer.topics() & topics
        partitions = [TopicPartition(topic, bus.PARTITION) for topic in sorted(existing)]
        if not partitions:
            return
        consumer.assign(partitions)
        await (consumer.seek_to_beginning if from_beginning else consumer.seek_to_end)(*partitions)
        async for record in consumer:
            if (kind := bus.header(record.headers, "ce_type")) in wanted:
                print(json.dumps(_line(record, kind)), flush=True)
    finally:
        await consumer.stop()


def _line(record: Any, kind: str) -> dict[str, Any]:
    names = ("ce_id", "stream", "sequence", "ce_time", "traceparent")
    envelope = {name.removeprefix("ce_"): bus.header(record.headers, name) for name in names}
    return {"type": kind, **envelope, "data": as_json(contracts.catalogue()[kind].message.FromString(record.value))}


@events.command("dead-letters")
def dead_letters(limit: int = 100) -> None:
    """Print events that services gave up on, one JSON object a line."""
    for letter, event in _dead_letters(MeshSettings.load(), limit):
        print(json.dumps({"dead_letter": event.sequence, **as_json(letter), "data": _payload(letter)}))


@events.command("replay")
def replay(service: str, sequence: int) -> None:
    """Have a service handle one of its dead letters once more (SEQUENCE as `dead-letters` prints it)."""
    settings = MeshSettings.load()
    if service not in SERVICES:
        raise typer.BadParameter(f"no service is called {service}; there are {', '.join(SERVICES)}")
    address = settings.address(service)
    with grpc.insecure_channel(address) as channel:
        stub: Any = log_rpc.EventLogServiceStub(cast("Any", channel))
        try:
            done = stub.RetryDeadLetter(log_pb.RetryDeadLetterRequest(sequence=sequence), timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            fail(error, address)
    print(json.dumps(as_json(done)))


@events.command("show")
def show_event(stream: str, sequence: int) -> None:
    """Print one retained event of a stream, as its producer has it."""
    settings = MeshSettings.load()
    for event in _list(settings, contracts.producer_of(stream), stream, after=sequence - 1, limit=1):
        data = as_json(contracts.catalogue()[event.type].message.FromString(event.payload))
        print(
            json.dumps({"type": event.type, "sequence": event.sequence, "traceparent": event.traceparent, "data": data})
        )
        return
    raise typer.Exit(1)


def _payload(letter: Any) -> Any:
    contract = contracts.catalogue().get(letter.event_type)
    return as_json(contract.message.FromString(letter.payload)) if contract else None


def _dead_letters(settings: MeshSettings, limit: int) -> list[tuple[Any, Any]]:
    contract = contracts.catalogue()[DEAD_LETTER]
    return [
        (contract.message.FromString(event.payload), event)
        for topic in contract.topics()
        for event in _list(settings, contracts.producer_of(topic), topic, after=0, limit=limit)
    ]


def _list(settings: MeshSettings, service: str, stream: str, *, after: int, limit: int) -> Any:
    address = settings.address(service)
    with grpc.insecure_channel(address) as channel:
        stub: Any = log_rpc.EventLogServiceStub(cast("Any", channel))
        request = log_pb.ListEventsRequest(stream=stream, after_sequence=after, limit=limit)
        try:
            return stub.ListEvents(request, timeout=DEADLINE_SECONDS).events
        except grpc.RpcError as error:
            fail(error, address)
