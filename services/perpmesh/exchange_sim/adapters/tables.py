"""Tables of numbers out of the files that market data comes in: CSV (plain, gzip, zip), parquet, feather."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perpmesh.kernel.errors import Invalid

Column = npt.NDArray[Any]
UNITS = ((10**11, 1_000.0), (10**14, 1.0), (10**17, 0.001), (10**20, 0.000_001))  # below: s, ms, µs, ns; to ms
SYMBOL = re.compile(r"([A-Z0-9]{2,20}?(?:USDT|USDC))(?![A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length. `first_line` is where row 0 stands in the file, for messages."""

    path: Path
    columns: Mapping[str, Column]
    first_line: int

    def refuse(self, rule: str, *, row: int | None = None, column: str = "") -> Invalid:
        """Return the refusal of this file, saying where and by which rule."""
        where = [str(self.path)]
        where += [] if row is None else [f"line {row + self.first_line}"]
        where += [f"column {column}"] if column else []
        return Invalid(f"{', '.join(where)}: {rule}", reason="DATA_MALFORMED", field="data")

    def find(self, *names: str) -> str | None:
        """Return the column that has one of these names, whatever its case and punctuation."""
        plain = {_plain(name): name for name in self.columns}
        return next((plain[name] for name in names if name in plain), None)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column as floats; refuse the file at the first cell that is not a finite number."""
        column = self.columns[name]
        try:
            numbers = column.astype(np.float64)
        except (ValueError, TypeError):
            row = next(row for row, cell in enumerate(column) if not _is_number(cell))
            raise self.refuse(f"{column[row]!r} is not a number", row=row, column=name) from None
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise self.refuse(f"{column[bad[0]]!r} is not a number", row=int(bad[0]), column=name)
        return numbers

    def times(self, name: str) -> npt.NDArray[np.int64]:
        """Return a column as UTC milliseconds: from seconds, ms, µs or ns since the epoch, or from ISO dates."""
        column = self.columns[name]
        if column.dtype.kind == "M":
            return column.astype("datetime64[ms]").astype(np.int64)
        if len(column) and column.dtype.kind in "UO" and not _is_number(column[0]):
            return np.array([self._date(name, row, cell) for row, cell in enumerate(column)], dtype=np.int64)
        numbers = self.numbers(name)
        size = float(numbers.max()) if len(numbers) else 0.0
        factor = next((factor for limit, factor in UNITS if size < limit), None)
        if factor is None or size <= 0:
            raise self.refuse("times are s, ms, µs or ns since 1970", row=0, column=name)
        return np.rint(numbers * factor).astype(np.int64)

    def _date(self, name: str, row: int, cell: Any) -> int:
        try:
            moment = datetime.fromisoformat(str(cell))
        except ValueError:
            raise self.refuse(f"{cell!r} is neither a number nor a date", row=row, column=name) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1_000)


def read_table(path: Path, headless: Callable[[int], Sequence[str] | None]) -> Table:
    """Read a file by what is in it, not by its name.

    Args:
        path: the file.
        headless: what the columns of a CSV without a header are called, by how many there are; None: no such shape.

    Raises:
        Invalid: it is none of the shapes; the message names file, line and column.
        OSError: it cannot be read.
    """
    raw = path.read_bytes()
    if raw[:4] == b"PAR1" or raw[:6] == b"ARROW1":
        return Table(path, _arrow_columns(path, raw), 0)
    return _csv_table(path, _text(path, raw), headless)


def symbol_of(path: Path) -> str:
    """Read the symbol out of a file's name, such as BTCUSDT_1m.csv.gz or binance_usdm_BTCUSDT_1h.parquet."""
    name = re.sub(r"^([A-Z0-9]+)_(USDT|USDC)(?=_|-)", r"\1\2", path.name.upper())  # freqtrade's BTC_USDT_USDT-1h
    found = next((m for part in re.split(r"[_\-. ]", name) if (m := SYMBOL.fullmatch(part))), None)
    return found[1] if found else name.split(".")[0].split("_")[0].split("-")[0]


def _text(path: Path, raw: bytes) -> str:
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        elif raw[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                raw = archive.read(archive.namelist()[0])
        return raw.decode("utf-8-sig")
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise Table(path, {}, 1).refuse(f"not a CSV, nor a gzip or zip of one ({error})") from None


def _csv_table(path: Path, text: str, headless: Callable[[int], Sequence[str] | None]) -> Table:
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    nothing = Table(path, {}, 1)
    if not rows:
        raise nothing.refuse("the file is empty")
    head = [cell.strip() for cell in rows[0]]
    names, body, first_line = (headless(len(head)), rows, 1) if _is_number(head[0]) else (head, rows[1:], 2)
    if names is None:
        raise nothing.refuse(f"{len(head)} columns without a header line are no known shape", row=0)
    for at, row in enumerate(body):
        if len(row) != len(names):
            raise Table(path, {}, first_line).refuse(f"{len(row)} cells where {len(names)} are expected", row=at)
    columns = zip(*body, strict=True) if body else [()] * len(names)
    return Table(path, dict(zip(names, map(_cells, columns), strict=True)), first_line)


def _cells(column: Sequence[str]) -> Column:
    cells = np.empty(len(column), dtype=object)
    cells[:] = column
    return cells


def _arrow_columns(path: Path, raw: bytes) -> dict[str, Column]:
    try:
        from pyarrow import feather, parquet  # noqa: PLC0415 - an extra that most installations do without
    except ImportError:
        raise Table(path, {}, 0).refuse("parquet needs pyarrow: pip install 'perpmesh[parquet]'") from None
    reader = parquet.read_table if raw[:4] == b"PAR1" else feather.read_table
    table = reader(io.BytesIO(raw))
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (ValueError, TypeError):
        return False
    return True
