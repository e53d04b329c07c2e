"""Opens the venue: as it was left, or new."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from perpmesh.exchange.commands import CreateAccount, FundInsurance
from perpmesh.exchange.engine import Engine
from perpmesh.exchange_sim.adapters.archive import SqliteArchive
from perpmesh.exchange_sim.adapters.candle_files import read_funding_files
from perpmesh.exchange_sim.adapters.journal import FileJournal, NoJournal
from perpmesh.exchange_sim.adapters.market_files import CandleSource
from perpmesh.exchange_sim.adapters.origin import MarketSource, Origin
from perpmesh.exchange_sim.adapters.recording_source import RecordingSource
from perpmesh.exchange_sim.adapters.synthetic_source import SyntheticSource
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.config import Config
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh.kernel.errors import Invalid, Refused
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
ARCHIVE = "archive.sqlite"
SAME_CLOCK_MS = 2_000


def open_venue(config: Config, clock: Clock) -> tuple[Venue, FileJournal | NoJournal, ReplayClock, Origin]:
    """Return the venue, where it is remembered, its clock, and what its market is made from."""
    journal = FileJournal(config.state_dir) if config.state_dir else NoJournal()
    origin, feeds = _market(config, clock)
    archive = SqliteArchive(config.state_dir and config.state_dir / ARCHIVE)
    venue = _restored(journal, feeds, archive) or _begun(feeds, archive, origin, config.insurance)
    replay = _replay(venue, config.speed, clock)
    venue.set_clock(config.speed, paused=False)
    for account in config.accounts:
        add_account(venue, account.api_key, account.secret, account.balance, clock.now_ms())
    venue.take_records()
    if isinstance(journal, FileJournal):
        journal.open()
        journal.replace(venue.snapshot())
    return venue, journal, replay, origin


def add_account(venue: Venue, api_key: str, secret: str, balance: Decimal, wall_ms: int) -> str:
    """Let somebody trade and return the account's id, which follows from the key."""
    account = derived_id("account", api_key)[:12]
    venue.add_account(api_key, secret, CreateAccount(account, balance), wall_ms)
    return account


def _market(config: Config, clock: Clock) -> tuple[Origin, dict[str, SymbolFeed]]:
    source, rates = _source(config), read_funding_files(config.funding)
    path = config.state_dir / "origin.json" if config.state_dir else None
    if path and path.exists():
        origin = Origin.from_json(path.read_text())
        if origin.fingerprint != source.fingerprint:
            raise Refused(f"the state in {path.parent} was made from other data", reason="OTHER_DATA", field="data")
        return origin, source.feeds(origin, rates)
    origin = source.originate(config.seed, config.start_ms, clock.now_ms())
    if path:
        _write(path, origin.to_json())
    return origin, source.feeds(origin, rates)


def _source(config: Config) -> MarketSource:
    kind, _, rest = str(config.data[0]).partition(":") if config.data else ("", "", "")
    if kind == "synthetic":
        if rest and not rest.isdecimal():
            raise Invalid(f"synthetic:{rest}: a seed is a whole number", reason="DATA_MALFORMED", field="data")
        return SyntheticSource(int(rest) if rest else config.seed)
    if kind == "raw_ws":
        return RecordingSource.read(Path(rest))
    return CandleSource.read([Path(each) for each in config.data])


def _restored(
    journal: FileJournal | NoJournal, feeds: Mapping[str, SymbolFeed], archive: SqliteArchive
) -> Venue | None:
    """Return the venue as it was left, or None when nothing was."""
    snapshot, records = journal.recover() if isinstance(journal, FileJournal) else (None, ())
    if snapshot is None:
        return None
    venue, redone = Venue.restore(feeds, snapshot), 0
    venue.archive = archive
    archive.agree_with(venue.engine)
    for record in records:
        venue.redo(record)
        redone += 1
    log.info("restored", market_ms=venue.market_ms, records=redone)
    return venue


def _begun(feeds: Mapping[str, SymbolFeed], archive: SqliteArchive, origin: Origin, insurance: Decimal) -> Venue:
    """Return a new venue, the market's first tick done: then, however long it took to load, both clocks were one."""
    wall_ms = origin.first_ms
    engine = Engine([feed.spec for feed in feeds.values()])
    engine.apply(FundInsurance(insurance), market_ms=origin.first_ms - 5_000, wall_ms=wall_ms)
    venue = Venue(engine, feeds, origin.first_ms - 5_000, archive=archive)
    archive.agree_with(engine)
    venue.tick(origin.first_ms, wall_ms)
    return venue


def _replay(venue: Venue, speed: float, clock: Clock) -> ReplayClock:
    """Return the clock to go on with: at real time the market went on meanwhile, faster than that it stood still."""
    market_ms = venue.market_ms
    if speed == 1 and venue.speed == 1 and not venue.paused:
        offset_ms = venue.market_ms - venue.wall_ms
        market_ms = clock.now_ms() + (0 if abs(offset_ms) < SAME_CLOCK_MS else offset_ms)
    return ReplayClock(clock.boot_ms(), market_ms, speed)


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(text)
    draft.rename(path)
