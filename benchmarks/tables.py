"""Tables of figures, and the two statistics we quote."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(slots=True)
class Table:
    """One question with its figures."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)


def show(table: Table) -> None:
    printed = RichTable(title=table.title, title_justify="left")
    for column in table.columns:
        printed.add_column(column, justify="left" if column == table.columns[0] else "right")
    for row in table.rows:
        printed.add_row(*(str(cell) for cell in row))
    Console(width=120).print(printed)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
