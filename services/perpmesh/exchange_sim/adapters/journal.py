"""The venue's memory in a folder: a snapshot, and a log of everything since. `kill -9` loses nothing of it."""

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from perpmesh.exchange_sim.adapters import codec
from perpmesh.exchange_sim.application.records import Record, Ticked
from perpmesh.kernel.errors import Refused


class FileJournal:
    """`snapshot-N.json` holds everything before `log-N.jsonl`. Ticks are regenerated, so only commands need a sync."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = _lock(folder / "lock")
        self._number = max((_number(path) for path in folder.glob("snapshot-*.json")), default=0)
        self._file = -1
        self._unsafe = False

    def recover(self) -> tuple[bytes | None, Iterator[Record]]:
        """Return the newest snapshot, and the records after it; a line torn by a crash is dropped."""
        path = self._folder / f"snapshot-{self._number}.json"
        return (path.read_bytes() if path.exists() else None), self._recorded()

    def open(self) -> None:
        """Begin to append after what was recovered."""
        path = self._log(self._number)
        whole = _whole_bytes(path)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self._file, whole)
        _sync_folder(self._folder)

    def append(self, records: Sequence[Record]) -> None:
        data = "".join(f"{codec.encode(record)}\n" for record in records).encode()
        whole = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            os.ftruncate(self._file, whole)  # all or nothing: none of them is acknowledged
            raise
        self._unsafe = self._unsafe or any(not isinstance(record, Ticked) for record in records)

    async def sync(self) -> None:
        if self._unsafe:
            self._unsafe = False
            await asyncio.to_thread(os.fdatasync, self._file)

    def replace(self, snapshot: bytes) -> None:
        number = self._number + 1
        final, draft = self._folder / f"snapshot-{number}.json", self._folder / "snapshot.tmp"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(snapshot)
            file.flush()
            os.fsync(file.fileno())
        self._log(number).unlink(missing_ok=True)
        draft.rename(final)
        _sync_folder(self._folder)
        os.close(self._file)
        self._number, self._unsafe = number, False
        self.open()
        for path in (*self._folder.glob("snapshot-*.json"), *self._folder.glob("log-*.jsonl")):
            if _number(path) < number:
                path.unlink()

    def close(self) -> None:
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _recorded(self) -> Iterator[Record]:
        path = self._log(self._number)
        if not path.exists():
            return
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield codec.decode(line.decode())

    def _log(self, number: int) -> Path:
        return self._folder / f"log-{number}.jsonl"


class NoJournal:
    """Remembers nothing: for a venue that is meant to be forgotten."""

    def append(self, records: Sequence[Record]) -> None:
        """Let go of them."""

    async def sync(self) -> None:
        """Nothing to wait for."""

    def replace(self, snapshot: bytes) -> None:
        """Let go of it."""

    def close(self) -> None:
        """Nothing is open."""


def _number(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _whole_bytes(path: Path) -> int:
    """Return the length of the log up to its last whole line."""
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0


def _lock(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Refused(f"another exchange keeps its state in {path.parent}", reason="STATE_DIR_IN_USE") from None
    return file


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
