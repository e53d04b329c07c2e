"""Every error code that a client of USDⓈ-M futures can be told: provoked with its status and words, or out of reach."""

import json
from pathlib import Path

import pytest
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.error_rows import (
    BY_OTHER_TESTS,
    CANNOT_HAPPEN,
    FAULT_ROWS,
    MARKET_ROWS,
    ROWS,
    market,
)
from tests.adapters.exchange_sim.laboratory import laboratory
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.domain.limits import Limits

KNOWN = {int(code) for code in json.loads((Path(__file__).parent / "spec/error_codes.json").read_text("utf-8"))}


def test_every_code_is_either_provoked_or_has_a_reason_why_not():
    provoked = {row.code for row in (*ROWS, *MARKET_ROWS, *FAULT_ROWS)} | set(BY_OTHER_TESTS)
    assert KNOWN - provoked - set(CANNOT_HAPPEN) == set()
    assert provoked & set(CANNOT_HAPPEN) == set()
    assert set(CANNOT_HAPPEN) <= KNOWN


async def test_a_wrong_request_is_refused_with_binances_code_status_and_words(monkeypatch):
    async with laboratory(monkeypatch, limits=Limits(weight_per_minute=100_000)) as lab:
        rows = sorted(ROWS, key=lambda row: row.commands is not None)  # those that fill the books come last
        wrong = [await _tell(lab, row, f"account{number}") for number, row in enumerate(rows)]
        assert not any(wrong), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("row", MARKET_ROWS, ids=lambda row: str(row.code))
async def test_what_a_market_does_not_allow_is_refused(monkeypatch, row):
    async with laboratory(monkeypatch) as lab:
        assert await _tell(lab, row, "somebody") is None


async def _tell(lab, row, name):
    """Return what is wrong with the answer to a row's request, made by an account of its own."""
    await lab.open_account(name)
    mark = lab.venue.engine.market("BTCUSDT").mark
    for route, params in row.before:
        status, body = await _send(lab, name, route, params, mark)
        if status != 200:
            return f"{row.code}: {route} gave {body}"
    if row.commands:
        await lab.execute(*row.commands(name, mark))
    message = row.message(mark) if callable(row.message) else row.message
    books = lab.venue.engine.state_hash()
    answer = await _send(lab, name, row.route, row.params, mark)
    if answer != (row.status, {"code": row.code, "msg": message}):
        return f"{row.code}: {answer}"
    return None if lab.venue.engine.state_hash() == books else f"{row.code}: something changed"


async def _send(lab, name, route, params, mark):
    method, path = route.split(" ")
    sent = {key: f"{float(mark) * value:.1f}" if isinstance(value, float) else value for key, value in params.items()}
    status, body, _ = await lab.rest.signed(method, path, key=name, secret=name, **sent)
    return status, body


async def test_what_only_a_fault_brings_about_has_the_same_words(monkeypatch):
    async with laboratory(monkeypatch) as lab:
        for row in FAULT_ROWS:
            scope = {} if row.fault == "maintenance" else {"endpoint": "POST /fapi/v1/order"}
            fault = await lab.control.add(row.fault, scope, **row.parameters)
            window = {"recvWindow": 100} if row.fault == "latency" else {}
            status, body, _ = await lab.rest.signed("POST", "/fapi/v1/order", **market(), **window)
            assert (status, body) == (row.status, {"code": row.code, "msg": row.message})
            await lab.control.remove(fault)


async def test_who_asks_wrongly_is_told_by_the_door():
    async with serving(speed=1.0) as host, Rest(host) as rest:
        assert (await rest.raw("GET", "/fapi/v3/account"))[:2] == (
            401,
            {"code": -2014, "msg": "API-key format invalid."},
        )
        assert (await rest.signed("GET", "/fapi/v3/account", key="stranger"))[:2] == (
            401,
            {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        )
        assert (await rest.signed("GET", "/fapi/v3/account", secret="wrong"))[:2] == (
            400,
            {"code": -1022, "msg": "Signature for this request is not valid."},
        )
        assert (await rest.raw("GET", "/fapi/v1/depth?symbol=BTCUSDT&symbol=ETHUSDT"))[:2] == (
            400,
            {"code": -1101, "msg": "Duplicate values for parameter 'symbol' detected."},
        )
        assert (await rest.signed("POST", "/fapi/v1/order", where="body", symbol="x" * 300_000))[:2] == (
            413,
            {"code": -1013, "msg": "INVALID_MESSAGE"},
        )


async def test_who_asks_too_often_is_told_so():
    async with serving(limits=Limits(weight_per_minute=3, orders_per_minute=1)) as host, Rest(host) as rest:
        first, second = [await rest.signed("POST", "/fapi/v1/order", **market()) for _ in range(2)]
        assert first[0] == 200
        words = "Too many new orders; current limit is 1 orders per 1 MINUTE."
        assert second[:2] == (429, {"code": -1015, "msg": words})
        answers = [await rest.public("/fapi/v1/ping") for _ in range(4)]
        assert [status for status, *_ in answers] == [200, 200, 200, 429]
        assert answers[-1][1] == {
            "code": -1003,
            "msg": "Too many requests; current limit of IP(127.0.0.1) is 3 requests per minute. Please use the websocket "
            "for live updates to avoid polling the API.",
        }
