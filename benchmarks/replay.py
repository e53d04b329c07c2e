"""How fast the market replays with nobody listening: what `--speed max` comes to, without sockets and disk."""

import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.tables import Table
from perpmesh.exchange.engine import Engine
from perpmesh.exchange_sim.adapters.market_files import CandleSource
from perpmesh.exchange_sim.adapters.origin import MarketSource
from perpmesh.exchange_sim.adapters.recording_source import RecordingSource
from perpmesh.exchange_sim.adapters.synthetic_source import SyntheticSource
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.recording import RecordedFeed

NOW_MS = 1_800_000_000_000
SECONDS = 4.0
EXCERPT = Path(__file__).parent.parent / "tests" / "adapters" / "exchange_sim" / "raw_ws"


def main() -> Iterable[Table]:
    table = Table(
        "Replay as fast as it can, one core, nobody listening",
        ["market", "symbols", "market time / s", "ticks/s", "candles/s", "× real time"],
    )
    sources: dict[str, MarketSource] = {
        "shipped candles": CandleSource.read([]),
        "synthetic": SyntheticSource(1),
        "recorded, message by message": RecordingSource.read(EXCERPT),
    }
    for name, source in sources.items():
        table.rows.append([name, *_row(source)])
    yield table


def _row(source: MarketSource) -> list[str]:
    origin = source.originate(1, None, NOW_MS)
    feeds = source.feeds(origin, {})
    venue = Venue(Engine([feed.spec for feed in feeds.values()]), feeds, origin.first_ms - 5_000)
    recordings = [feed.recording for feed in feeds.values() if isinstance(feed, RecordedFeed)]
    until_ms = min((recording.end_ms for recording in recordings), default=1 << 62)
    began, ticks, start_ms = time.perf_counter(), 0, venue.market_ms
    while time.perf_counter() - began < SECONDS and venue.market_ms < until_ms:
        venue.tick(venue.next_ms(fine=False), NOW_MS)
        venue.take_records()
        ticks += 1
    seconds, market_s = time.perf_counter() - began, (venue.market_ms - start_ms) / 1_000
    candles = market_s / 60 * len(feeds)
    pace = market_s / seconds
    figures = (ticks / seconds, candles / seconds, pace)
    return [str(len(feeds)), f"{pace / 60:.0f} min", *(f"{each:,.0f}" for each in figures)]
