"""Moments as people type them."""

import re
from datetime import UTC, datetime

import typer

AHEAD = re.compile(r"\+(\d+(?:\.\d+)?)([smhd]?)")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def moment(text: str, option: str, now_ms: int | None = None) -> int:
    """Return ms since 1970: "2025-05-10", "2025-05-10T12:00" (UTC), ms as a number, or "+90s" from `now_ms`.

    Raises:
        typer.BadParameter: it is none of these; `option` is named.
    """
    ahead = AHEAD.fullmatch(text)
    if ahead and now_ms is not None:
        return now_ms + int(float(ahead[1]) * SECONDS[ahead[2]] * 1_000)
    if text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        relative = ", or +90s, +5m, +2h, +1d from now" if now_ms is not None else ""
        raise typer.BadParameter(f"{option}: {text} is not a time such as 2025-05-10T12:00{relative}") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)
