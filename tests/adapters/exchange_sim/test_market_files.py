"""Where the replayed market comes from: the shipped candles, or a user's own."""

import gzip
from decimal import Decimal

import numpy as np
import pytest
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.adapters.candle_files import read_funding_files
from perpmesh.exchange_sim.adapters.market_files import CandleSource
from perpmesh.exchange_sim.config import AccountConfig
from perpmesh.kernel.errors import Invalid, Refused
from perpmesh.platform.shipped_candles import COLUMNS, SYMBOLS, load

DAY = 86_400_000
MIDNIGHT = 1_700_006_400_000


def write(path, minutes=3_000, start=MIDNIGHT, price=100.0):
    rows = [COLUMNS]
    rows += [f"{start + 60_000 * i},{price},{price + 1},{price - 1},{price + 0.5},3.5" for i in range(minutes)]
    text = "\n".join(rows) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_the_shipped_candles_of_both_symbols_cover_one_span_without_a_gap():
    first, second = (load(symbol) for symbol in SYMBOLS)
    assert (first.open_time_ms == second.open_time_ms).all()
    assert (np.diff(first.open_time_ms) == 60_000).all()
    assert len(first) == 43_198
    assert (first.open[0], first.close[-1]) == (95505.4, 106687.9)
    assert not first.close.flags.writeable


def test_the_shipped_notice_carries_the_licence():
    from importlib.resources import files  # noqa: PLC0415 - only here

    notice = (files("perpmesh.platform") / "candles" / "NOTICE").read_text()
    assert "MIT License" in notice
    assert "typhonun" in notice


def test_own_files_are_named_after_their_symbol_and_cut_to_the_span_they_share(tmp_path):
    btc = write(tmp_path / "BTCUSDT_1m.csv.gz")
    eth = write(tmp_path / "ethusdt.csv", start=MIDNIGHT + 600_000)
    candles = CandleSource.read([btc, eth]).candles
    assert set(candles) == {"BTCUSDT", "ETHUSDT"}
    assert {(len(each), int(each.open_time_ms[0])) for each in candles.values()} == {(2_990, MIDNIGHT + 600_000)}


def test_a_span_shorter_than_a_day_is_refused(tmp_path):
    with pytest.raises(Refused, match="at least a day"):
        CandleSource.read([write(tmp_path / "BTCUSDT.csv", minutes=100)])


def test_market_time_begins_now_at_the_same_time_of_day_a_day_into_the_data(tmp_path):
    source, now = CandleSource.read([write(tmp_path / "BTCUSDT.csv")]), 1_800_000_000_000
    origin = source.originate(seed=1, start_ms=None, now_ms=now)
    assert origin.first_ms == now
    assert origin.shift_ms % DAY == 0
    assert DAY <= now - origin.shift_ms - MIDNIGHT < 2 * DAY


def test_real_funding_rates_move_with_the_candles(tmp_path):
    source = CandleSource.read([write(tmp_path / "BTCUSDT.csv")])
    settles = MIDNIGHT + 16 * 3_600_000
    funding = tmp_path / "funding.csv"
    funding.write_text(f"symbol,funding_time,funding_rate\nBTCUSDT,{settles},0.00012345\n")
    origin = source.originate(seed=1, start_ms=None, now_ms=1_800_000_000_000)
    feed = source.feeds(origin, read_funding_files([funding]))["BTCUSDT"]
    assert feed.premium.funding_rate((settles + origin.shift_ms) // 1_000) == Decimal("0.00012345")


async def test_a_kept_state_refuses_other_candles(tmp_path):
    state = tmp_path / "state"
    async with (
        serving(state_dir=state, data=(write(tmp_path / "BTCUSDT.csv", price=90_000.0),)) as host,
        Rest(host) as rest,
    ):
        assert len((await rest.public("/fapi/v1/exchangeInfo"))[1]["symbols"]) == 1
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Refused, match="other data"):
        async with serving(state_dir=state, data=(write(other / "BTCUSDT.csv", price=91_000.0),)):
            pass


async def test_a_synthetic_market_has_a_past_and_is_bound_to_its_seed(tmp_path):
    state = tmp_path / "state"
    async with serving(state_dir=state, data=("synthetic:5",)) as host, Rest(host) as rest:
        _, candles, _ = await rest.public("/fapi/v1/klines", symbol="ETHUSDT", interval="1h", limit=100)
        assert len(candles) == 100
    with pytest.raises(Refused, match="other data"):
        async with serving(state_dir=state, data=("synthetic:6",)):
            pass


async def test_a_seed_is_a_whole_number():
    with pytest.raises(Invalid, match="whole number"):
        async with serving(data=("synthetic:lucky",)):
            pass


async def test_a_state_of_an_older_kind_is_refused_by_name(tmp_path):
    (tmp_path / "origin.json").write_text('[1, 0, 1750000000, "abc"]')
    with pytest.raises(Refused, match="older perpmesh"):
        async with serving(state_dir=tmp_path):
            pass


@pytest.mark.parametrize("text", ["", "key", "key:secret", "key:secret:", "key:secret:much", "a:b:1:2"])
def test_an_account_is_written_key_secret_balance(text):
    with pytest.raises(Invalid):
        AccountConfig.parse(text)
