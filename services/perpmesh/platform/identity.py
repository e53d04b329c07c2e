"""Who is calling: told by the gateway in metadata it alone sets, or by a JWT that the call itself carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from perpmesh.kernel.errors import Unauthenticated

ROLE_HEADER = "x-perpmesh-role"
SUBJECT_HEADER = "x-perpmesh-subject"
ISSUER = "perpmesh"
AUDIENCE = "perpmesh"
ALGORITHM = "ES256"


class Role(StrEnum):
    """What an identity may do. An operator may all that a viewer may; an approver only approves."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A caller."""

    subject: str
    role: Role


LOCAL_OPERATOR = Identity(subject="local", role=Role.OPERATOR)


def of_metadata(metadata: Sequence[tuple[str, Any]] | None) -> Identity:
    """Return who the gateway says is calling; without its word it is the local operator on loopback."""
    found = {key: value for key, value in metadata or () if key in (ROLE_HEADER, SUBJECT_HEADER)}
    if ROLE_HEADER not in found:
        return LOCAL_OPERATOR
    try:
        role = Role(found[ROLE_HEADER])
    except ValueError as error:
        raise Unauthenticated(f"no role is called {found[ROLE_HEADER]!r}", reason="UNKNOWN_ROLE") from error
    return Identity(subject=str(found.get(SUBJECT_HEADER, "")), role=role)


class Keyring:
    """The mesh's signing key, made at first start in the state folder (0600), and the tokens it signs."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "signing-key.pem"

    def create(self) -> None:
        """Make the key unless there is one."""
        if self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._path.touch(mode=0o600)
        self._path.write_bytes(pem)

    def issue(self, identity: Identity) -> str:
        """Return a token for `identity`; it does not expire, it dies with the key."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": identity.subject, "role": identity.role.value}
        return jwt.encode(claims, self._path.read_bytes(), algorithm=ALGORITHM, headers={"kid": "mesh"})

    def verify(self, token: str, *, field: str = "token") -> Identity:
        """Return whom a token stands for; raise Unauthenticated when it does not hold."""
        try:
            claims = jwt.decode(token, self._public(), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER)
            return Identity(subject=str(claims["sub"]), role=Role(claims["role"]))
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise Unauthenticated(f"{field} does not hold: {error}", reason="BAD_TOKEN", field=field) from error

    def jwks(self) -> dict[str, Any]:
        """Return the public half as a JSON Web Key Set, for the gateway."""
        key = jwt.algorithms.ECAlgorithm.to_jwk(self._public(), as_dict=True)
        return {"keys": [{**key, "kid": "mesh", "alg": ALGORITHM, "use": "sig"}]}

    def _public(self) -> ec.EllipticCurvePublicKey:
        private = serialization.load_pem_private_key(self._path.read_bytes(), password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise Unauthenticated("the mesh's signing key is not an EC key", reason="BAD_KEY")
        return private.public_key()
