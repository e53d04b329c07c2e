"""The manual's table of faults is the catalogue's, with each kind's own defaults."""

from dataclasses import fields
from pathlib import Path

import pytest

from perpmesh.exchange_sim.domain.fault_catalogue import CATALOGUE
from perpmesh.exchange_sim.domain.faults import KINDS

MANUAL = (Path(__file__).parents[2] / "docs" / "EXCHANGE.md").read_text()


def row(kind):
    shown = [f"{each.name} {default}" if (default := said(each.default)) else each.name for each in fields(KINDS[kind])]
    entry = CATALOGUE[kind]
    return f"| `{kind.replace('_', '-')}` | {entry.does} | {', '.join(shown)} | {entry.stands_for} |"


def said(default):
    return (
        "" if default in (None, "", 0) else ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_manual_has_the_row_of_the_catalogue(kind):
    assert row(kind) in MANUAL
