"""The closed bars of one symbol that are kept: grows by one, and notices a hole."""

from enum import Enum

from perpmesh.features import INTERVAL_MS, Bars

KEPT_BARS = 600  # the feature vector needs 400

Row = tuple[float, float, float, float, float, float]  # open time, open, high, low, close, volume


class Added(Enum):
    """What became of a bar that was handed in."""

    NEW = "new"
    KNOWN = "known"
    GAP = "gap"  # bars before it are missing: nothing was kept, fetch the series again


class Series:
    """Closed bars without holes, oldest first."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def newest_ms(self) -> int | None:
        """Open time of the newest bar; None when there is none."""
        return int(self._rows[-1][0]) if self._rows else None

    def replace(self, rows: list[Row]) -> None:
        """Take `rows` for the whole series; only what follows the last hole is kept."""
        start = 0
        for index in range(1, len(rows)):
            if rows[index][0] - rows[index - 1][0] != INTERVAL_MS:
                start = index
        self._rows = rows[start:][-KEPT_BARS:]

    def add(self, row: Row) -> Added:
        """Append a bar when it follows the newest."""
        if self._rows and row[0] <= self._rows[-1][0]:
            return Added.KNOWN
        if self._rows and row[0] - self._rows[-1][0] != INTERVAL_MS:
            return Added.GAP
        self._rows.append(row)
        del self._rows[:-KEPT_BARS]
        return Added.NEW

    def bars(self) -> Bars:
        return Bars.from_rows(self._rows)
