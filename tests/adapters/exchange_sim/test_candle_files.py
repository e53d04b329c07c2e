"""Candles and funding rates are read in every shape that they come in, and what is wrong is named with its place."""

import gzip
import io
import zipfile
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from perpmesh.exchange_sim.adapters.candle_files import read_candle_files, read_candles_of, read_funding_files
from perpmesh.exchange_sim.adapters.market_files import CandleSource
from perpmesh.exchange_sim.adapters.tables import symbol_of
from perpmesh.kernel.errors import Invalid, Refused

START = 1_746_372_780_000
ROWS = [  # of Binance's own: open_time … ignore
    "1746372780000,95505.40,95505.50,95502.70,95502.70,16.536,1746372839999,1579273.6,412,7.1,678083.4,0",
    "1746372840000,95502.80,95502.80,95478.00,95478.10,28.313,1746372899999,2703450.1,655,9.9,945225.8,0",
]
BINANCE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
SHORT_ROWS = [",".join(row.split(",")[:6]) for row in ROWS]


def csv(header, rows):
    return ("\n".join([*header, *rows]) + "\n").encode()


def table(**columns):
    base = {"open": [95505.4, 95502.8], "high": [95505.5, 95502.8], "low": [95502.7, 95478.0]}
    return pa.table({**columns, **base, "close": [95502.7, 95478.1], "volume": [16.536, 28.313]})


def parquet_of(made):
    sink = io.BytesIO()
    parquet.write_table(made, sink)
    return sink.getvalue()


def feather_of(made):
    sink = io.BytesIO()
    feather.write_feather(made, sink)
    return sink.getvalue()


def zipped(data):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("BTCUSDT-1m.csv", data)
    return sink.getvalue()


TIMES = np.array([START, START + 60_000])
SHAPES = {
    "data.binance.vision, with its header": csv([BINANCE_HEADER], ROWS),
    "data.binance.vision of before 2025, without one": csv([], ROWS),
    "a zip as downloaded": zipped(csv([BINANCE_HEADER], ROWS)),
    "six columns": csv(["open_time,open,high,low,close,volume"], SHORT_ROWS),
    "six columns without a header": csv([], SHORT_ROWS),
    "gzip": gzip.compress(csv(["open_time,open,high,low,close,volume"], SHORT_ROWS)),
    "other names and seconds": csv(
        ["Timestamp,Open,High,Low,Close,Volume BTC"], [row.replace("000,", ",", 1) for row in SHORT_ROWS]
    ),
    "dates": csv(
        ["date,open,high,low,close,volume"],
        [row.replace(str(time), f"2025-05-04 15:{minute}:00+00:00") for row, time, minute in zip(SHORT_ROWS, TIMES, (33, 34), strict=True)],
    ),
    "microseconds, as Binance writes since 2025": csv([], [row.replace("0000,", "0000000,", 1) for row in SHORT_ROWS]),
    "parquet of integers": parquet_of(table(open_time=TIMES)),
    "parquet of timestamps": parquet_of(table(date=pa.array(TIMES, pa.timestamp("ms", tz="UTC")))),
    "parquet of nanoseconds": parquet_of(table(open_time=TIMES * 1_000_000)),
    "feather, as freqtrade keeps it": feather_of(table(date=pa.array(TIMES, pa.timestamp("ms", tz="UTC")))),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reads_as_the_same_candles(tmp_path, shape):
    path = tmp_path / "BTCUSDT-1m-2025-05.data"
    path.write_bytes(SHAPES[shape])
    candles = read_candles_of(path)
    assert (candles.symbol, candles.interval_ms) == ("BTCUSDT", 60_000)
    assert candles.open_time_ms.tolist() == TIMES.tolist()
    assert candles.open.tolist() == [95505.4, 95502.8]
    assert candles.high.tolist() == [95505.5, 95502.8]
    assert candles.low.tolist() == [95502.7, 95478.0]
    assert candles.close.tolist() == [95502.7, 95478.1]
    assert candles.volume.tolist() == [16.536, 28.313]


HEAD = "open_time,open,high,low,close,volume"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (f"{HEAD}\n", "no candle"),
        ("a,b\n1,2\n", "no column 'opentime'.*among a, b"),
        ("open_time,open,high,low,volume\n1,2,3,1,2\n", "no column 'close'"),
        ("1,2,3\n", "line 1: 3 columns without a header line"),
        (f"{HEAD}\n0,1,2,0.5,1.5,3\n60000,1,2,oops,1.5,3\n", "line 3, column low: 'oops' is not a number"),
        (f"{HEAD}\n60000000000,1,2,0.5,nan,3\n", "line 2, column close: 'nan' is not a number"),
        (f"{HEAD}\n60000000000,1,2,0.5,1.5\n", "line 2: 5 cells where 6 are expected"),
        (f"{HEAD}\nyesterday,1,2,0.5,1.5,3\n", "line 2, column open_time: 'yesterday' is neither a number nor a date"),
        (f"{HEAD}\n0,1,2,1.2,1.5,3\n1746372840000,1,2,0.5,1.5,3\n", "line 2: open and close must lie between"),
        (f"{HEAD}\n1746372780000,1,2,0,1.5,3\n", "line 2: prices must be positive"),
        (f"{HEAD}\n1746372780000,1,2,1,1.5,-3\n", "line 2: volume must not be negative"),
        (
            f"{HEAD}\n1746372780000,1,2,1,1.5,3\n1746372840000,1,2,1,1.5,3\n1746372960000,1,2,1,1.5,3\n",
            "line 4: candles of 1m must follow each other without a gap",
        ),
        (f"{HEAD}\n1746372840000,1,2,1,1.5,3\n1746372780000,1,2,1,1.5,3\n", "line 3: candles must be in order of time"),
        (f"{HEAD}\n1746372780000,1,2,1,1.5,3\n1746372781000,1,2,1,1.5,3\n", "whole minutes, not 1000 ms"),
        (f"{HEAD}\n1746372780001,1,2,1,1.5,3\n1746372840001,1,2,1,1.5,3\n", "line 2: a candle must open on a whole minute"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_column_and_rule(tmp_path, text, message):
    path = tmp_path / "BTCUSDT.csv"
    path.write_text(text)
    with pytest.raises(Invalid, match=message) as refused:
        read_candles_of(path)
    assert str(path) in str(refused.value)


def test_bytes_that_are_no_table_at_all_are_refused(tmp_path):
    path = tmp_path / "BTCUSDT.csv"
    path.write_bytes(b"\x1f\x8b\x00not gzip")
    with pytest.raises(Invalid, match="not a CSV"):
        read_candles_of(path)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT_1m.csv.gz", "BTCUSDT"),
        ("binance_usdm_ETHUSDT_15m.parquet", "ETHUSDT"),
        ("ethusdt.csv", "ETHUSDT"),
        ("1000PEPEUSDT-1h-2025-05.zip", "1000PEPEUSDT"),
        ("BTC_USDT_USDT-1h-futures.feather", "BTCUSDT"),
    ],
)
def test_the_symbol_is_in_the_name(tmp_path, name, symbol):
    assert symbol_of(tmp_path / name) == symbol


def hours(tmp_path, name="BTCUSDT-1h.csv", start=1_672_531_200_000, count=30, price=100.0):
    rows = [f"{start + 3_600_000 * at},{price + at},{price + at + 5},{price + at - 4},{price + at + 1},{60 + at}.5" for at in range(count)]  # fmt: skip
    path = tmp_path / name
    path.write_text(f"{HEAD}\n" + "\n".join(rows) + "\n")
    return path


def test_months_of_one_symbol_are_joined_and_a_hole_between_them_is_refused(tmp_path):
    first = hours(tmp_path, "BTCUSDT-1h-2023-01.csv")
    second = hours(tmp_path, "BTCUSDT-1h-2023-02.csv", start=1_672_531_200_000 + 30 * 3_600_000)
    assert len(read_candle_files([second, first])["BTCUSDT"]) == 60
    third = hours(tmp_path, "BTCUSDT-1h-2023-03.csv", start=1_672_531_200_000 + 61 * 3_600_000)
    with pytest.raises(Invalid, match="do not follow each other"):
        read_candle_files([first, second, third])


def test_inside_an_hour_the_market_walks_minutes_that_add_up_to_it(tmp_path):
    source = CandleSource.read([hours(tmp_path)])
    origin = source.originate(seed=3, start_ms=None, now_ms=1_800_000_000_000)
    series = source.feeds(origin, {})["BTCUSDT"].series
    assert series.recorded_minutes == 30 * 60
    candles = source.candles["BTCUSDT"]
    for hour in range(30):
        minutes = series.rows(series.first_minute + 60 * hour, series.first_minute + 60 * hour + 60)
        seen = (minutes[0, 0], minutes[:, 1].max(), minutes[:, 2].min(), minutes[-1, 3], minutes[:, 4].sum())
        given = (candles.open, candles.high, candles.low, candles.close)
        assert seen == (*(round(column[hour] * 10) for column in given), round(candles.volume[hour] * 1_000))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("funding.csv", "symbol,funding_time,funding_rate\nBTCUSDT,1672560000008,0.00012345\n"),
        ("BTCUSDT-fundingRate-2023-01.csv", "calc_time,funding_interval_hours,last_funding_rate\n1672560000008,8,0.00012345\n"),
        ("BTCUSDT.csv", "1672560000008,0.00012345\n"),
    ],
)  # fmt: skip
def test_funding_rates_are_read_in_every_shape_and_set_to_the_hour(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_funding_files([path]) == {"BTCUSDT": {1_672_560_000_000: Decimal("0.00012345")}}


def test_funding_rates_of_a_parquet_file_belong_to_the_symbol_in_its_name(tmp_path):
    path = tmp_path / "binance_usdm_ETHUSDT_8h_funding_rate.parquet"
    path.write_bytes(parquet_of(pa.table({"funding_time": [1672560000008], "funding_rate": [4.55e-06]})))
    assert read_funding_files([path]) == {"ETHUSDT": {1_672_560_000_000: Decimal("0.00000455")}}


def test_candles_of_an_unknown_contract_are_refused(tmp_path):
    source = CandleSource.read([hours(tmp_path, "NOPEUSDT.csv")])
    with pytest.raises(Refused, match="no contract NOPEUSDT"):
        source.feeds(source.originate(1, None, 1_800_000_000_000), {})
