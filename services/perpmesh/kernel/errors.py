"""What can go wrong, sorted by who must act. The gRPC edge maps these once, for everyone.

```
PerpmeshError
├── Refused             the caller asked for something that will not be done; asking again will not help
├── Unavailable         somebody we depend on did not answer; asking again may help
└── InvariantViolated   our own picture of the world is wrong; stop adding risk and repair it
```
"""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar


class RefusalKind(Enum):
    """Why an answer is no. Each kind has one gRPC code and one HTTP code, fixed in `platform.grpc_errors`."""

    PRECONDITION = "precondition"  # the state of the world forbids it now
    INVALID = "invalid"  # the request itself can never be right
    NOT_FOUND = "not_found"  # it names something that does not exist
    STALE = "stale"  # it was based on a revision that is no longer current
    FORBIDDEN = "forbidden"  # this identity may not
    UNAUTHENTICATED = "unauthenticated"  # no identity, or one that does not hold
    OVERLOADED = "overloaded"  # a bound was reached; nothing was queued


class PerpmeshError(Exception):
    """Base of every error we raise on purpose."""


class Refused(PerpmeshError):
    """Understood, and the answer is no.

    Attributes:
        reason: UPPER_SNAKE_CASE, stable, for machines (google.rpc.ErrorInfo.reason).
        field: the request field at fault, as a path ("stop_price"), or "".
        metadata: further facts for machines; never secrets.
    """

    kind: ClassVar[RefusalKind] = RefusalKind.PRECONDITION

    def __init__(
        self, message: str, *, reason: str = "REFUSED", field: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field
        self.metadata = dict(metadata or {})


class Invalid(Refused):
    """The request itself can never be right."""

    kind = RefusalKind.INVALID


class NotFound(Refused):
    """It names something that does not exist."""

    kind = RefusalKind.NOT_FOUND


class Stale(Refused):
    """Based on a revision that is no longer the current one: read again, then decide again."""

    kind = RefusalKind.STALE


class Forbidden(Refused):
    """This identity may not do that."""

    kind = RefusalKind.FORBIDDEN


class Unauthenticated(Refused):
    """No identity was shown, or it does not hold."""

    kind = RefusalKind.UNAUTHENTICATED


class Overloaded(Refused):
    """A bound was reached. Nothing was queued; ask again later."""

    kind = RefusalKind.OVERLOADED


class Unavailable(PerpmeshError):
    """Somebody we depend on did not answer. Asking again may help."""


class InvariantViolated(PerpmeshError):
    """Our picture of the world is wrong. Entries are disarmed; a restart repairs it from the exchange."""
