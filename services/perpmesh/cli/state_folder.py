"""The state folder: bound to one exchange and one account, locked by one mesh."""

import fcntl
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perpmesh.kernel.errors import Refused
from perpmesh.platform.identity import Identity, Keyring, Role
from perpmesh.platform.settings import MeshSettings, VenueKind

FOLDERS = ("db", "logs", "run", "keys", "models", "exchange", "gateway")
TOKENS = {"operator": Role.OPERATOR, "approver": Role.APPROVER, "viewer": Role.VIEWER}


@contextmanager
def locked(settings: MeshSettings) -> Iterator[dict[str, Any]]:
    """Hold the folder for the length of the block; yield its binding.

    Raises:
        Refused: another mesh holds it, or it is bound to another exchange or account.
    """
    if settings.environment is not VenueKind.SIMULATED:
        raise Refused(
            f"PERPMESH_ENVIRONMENT={settings.environment.value}: anything but the simulated exchange must be armed, "
            "and this version cannot arm",
            reason="NOT_ARMED",
        )
    prepare(settings.state_dir)
    with (settings.state_dir / "run" / "mesh.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"{settings.state_dir.absolute()} belongs to a mesh that is running; stop it with `make down`, "
                "or choose another folder with PERPMESH_STATE_DIR",
                reason="STATE_FOLDER_LOCKED",
            ) from error
        yield bind(settings)


def prepare(folder: Path) -> None:
    """Make the folder and what every mesh keeps in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    (folder / "keys").chmod(0o700)


def bind(settings: MeshSettings) -> dict[str, Any]:
    """Bind the folder to the exchange and account of `settings`, or check that it already is."""
    wanted = {
        "exchange_url": settings.exchange_url,
        "account": hashlib.sha256(settings.api_key.get_secret_value().encode()).hexdigest()[:16],
    }
    path = settings.state_dir / "mesh.json"
    if not path.exists():
        binding = {**wanted, "mesh_id": secrets.token_hex(8), "environment": settings.environment.value}
        write_json(path, binding)
        return binding
    found: dict[str, Any] = json.loads(path.read_text())
    for name, value in wanted.items():
        if found[name] != value:
            raise Refused(
                f"{settings.state_dir.absolute()} is bound to {name} {found[name]}, not {value}: its positions and "
                "books belong there. Choose another folder with PERPMESH_STATE_DIR",
                reason="STATE_FOLDER_BOUND",
            )
    return found


def make_tokens(folder: Path) -> None:
    """Make the signing key and one token per role, each readable by the owner alone, unless they are there."""
    keyring = Keyring(folder / "keys")
    keyring.create()
    for name, role in TOKENS.items():
        path = folder / "keys" / f"{name}.token"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(keyring.issue(Identity(subject=f"local-{name}", role=role)))
    write_json(folder / "gateway" / "jwks.json", keyring.jwks())


def write_json(path: Path, value: Any) -> None:
    """Write a whole file or nothing."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1))
    partial.replace(path)
