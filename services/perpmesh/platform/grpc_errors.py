"""Our errors as gRPC statuses with rich details, here and nowhere else."""

from typing import Any

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from perpmesh.kernel.errors import InvariantViolated, PerpmeshError, RefusalKind, Refused, Unavailable

DOMAIN = "perpmesh"
RETRY_MS = 500
CODE_OF_KIND = {
    RefusalKind.PRECONDITION: code_pb2.FAILED_PRECONDITION,
    RefusalKind.INVALID: code_pb2.INVALID_ARGUMENT,
    RefusalKind.NOT_FOUND: code_pb2.NOT_FOUND,
    RefusalKind.STALE: code_pb2.ABORTED,  # HTTP 409
    RefusalKind.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    RefusalKind.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    RefusalKind.OVERLOADED: code_pb2.RESOURCE_EXHAUSTED,
}


def to_status(error: PerpmeshError) -> status_pb2.Status:
    """Return the google.rpc.Status that says what went wrong, and to whom it matters."""
    if isinstance(error, Refused):
        status = status_pb2.Status(code=CODE_OF_KIND[error.kind], message=str(error))
        metadata = {**error.metadata, **({"field": error.field} if error.field else {})}
        _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
        if error.field:
            violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
            _add(status, error_details_pb2.BadRequest(field_violations=[violation]))
        return status
    if isinstance(error, Unavailable):
        status = status_pb2.Status(code=code_pb2.UNAVAILABLE, message=str(error))
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(RETRY_MS)
        _add(status, retry)
        return status
    reason = "INVARIANT_VIOLATED" if isinstance(error, InvariantViolated) else "INTERNAL"
    status = status_pb2.Status(code=code_pb2.INTERNAL, message=str(error))
    _add(status, error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    return status


def invalid_argument(violations: list[tuple[str, str]]) -> status_pb2.Status:
    """Return INVALID_ARGUMENT naming each field and the rule it broke."""
    message = "; ".join(f"{field}: {rule}" for field, rule in violations)
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=message)
    _add(
        status, error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain=DOMAIN, metadata={"field": violations[0][0]})
    )
    fields = [error_details_pb2.BadRequest.FieldViolation(field=field, description=rule) for field, rule in violations]
    _add(status, error_details_pb2.BadRequest(field_violations=fields))
    return status


def _add(status: status_pb2.Status, detail: Any) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
