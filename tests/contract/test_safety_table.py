"""docs/SAFETY.md names the test of each promise; a name without a test would be a promise without one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line
    for line in (ROOT / "docs" / "SAFETY.md").read_text().splitlines()
    if line.startswith("| ") and "tests/" in line
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?(?:::(\w+))?`")


def test_the_table_has_rows():
    assert ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_test_that_is_named_exists(row: str):
    named = NAMED.findall(row)
    assert named, f"no test is named in: {row}"
    assert len(named) == row.count("tests/"), f"a name cannot be read in: {row}"
    for path, *names in named:
        source = (ROOT / path).read_text()
        for name in filter(None, names):
            assert re.search(rf"^\s*(async def|def|class) {name}\b|^{name}\b", source, re.MULTILINE), f"{path}::{name}"
