"""Where calls that act, or would have, become lines of the record: whatever came of them, and whoever called."""

import json
from typing import Any

import protovalidate
from google.protobuf import json_format
from google.protobuf.message import Message

from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.platform import telemetry
from perpmesh.platform.grpc_server import Served, Witness, violations
from perpmesh.risk_safety.application.operators import Operators
from perpmesh.risk_safety.domain.attempts import ANSWERED, ASKED, DONE, Attempt
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb

log = telemetry.log(__name__)
QUIET = "Heartbeat"  # one that is heard is no news


def witness(operators: Operators) -> Witness:
    """Return what remembers every call that acts."""

    async def see(served: Served) -> None:
        action = served.method.rpartition("/")[2]
        if action not in ASKED:
            return
        seen = _attempt_of(action, served)
        log.warning("attempt", action=action, actor=seen.actor, role=seen.role, outcome=seen.outcome)
        if action != QUIET or seen.outcome != DONE:
            await operators.attempted(seen)

    return see


def _attempt_of(action: str, served: Served) -> Attempt:
    asked = _words(served.request, ASKED[action])
    error, names = served.error, ANSWERED.get(action, ())
    if served.answer is not None:
        asked |= _words(served.answer, names)
    elif isinstance(error, Refused):
        asked |= {name: error.metadata[name] for name in names if name in error.metadata}
    outcome, message = _outcome(error)
    return Attempt(
        at_ms=0, action=action, actor=served.caller.subject, role=served.caller.role.value, asked=asked,
        outcome=outcome, message=message,
    )  # fmt: skip


def _outcome(error: Exception | None) -> tuple[str, str]:
    """Return the outcome as a word, and the refusal in words."""
    if error is None:
        return DONE, ""
    if isinstance(error, protovalidate.ValidationError):
        return "INVALID_FIELD", "; ".join(f"{field}: {rule}" for field, rule in violations(error))
    if isinstance(error, Refused):
        return error.reason, str(error)
    return "UNAVAILABLE" if isinstance(error, Unavailable) else "FAILED", str(error)


def _words(message: Message, names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return {name: _text(found[name]) for name in names if name in found}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def attempt(line: Attempt) -> pb.Attempt:
    """Return the line as the contract writes it."""
    return pb.Attempt(
        sequence=line.sequence, at_ms=line.at_ms, action=line.action, actor=line.actor, role=line.role,
        asked=dict(line.asked), outcome=line.outcome, message=line.message,
    )  # fmt: skip
