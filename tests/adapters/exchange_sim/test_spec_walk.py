"""Every REST method that Binance's SDK knows: served in the shape of its documents, or refused by its own error."""

import json
import re
from pathlib import Path

from tests.adapters.exchange_sim.laboratory import laboratory
from tests.adapters.exchange_sim.life import BTC, ETH, lived_in
from tests.adapters.exchange_sim.shapes import misfits

from perpmesh.exchange_sim.adapters.ask import Security
from perpmesh.exchange_sim.adapters.rest_refused import REFUSED
from perpmesh.exchange_sim.adapters.routes import every_route
from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.domain.params import Params

SPEC = {each["route"]: each for each in json.loads((Path(__file__).parent / "spec/usdm_rest.json").read_text("utf-8"))}
OPTIONAL = {
    "activatePrice",  # of an order: only for a trailing stop, which is no order of this endpoint any more
    "priceRate",
    "modifyId",  # only when the caller gave one
    "notionalCoef",  # only when the account's brackets were adjusted
    "ETHUSDT",  # a symbol as the name of a field
    "HEDGE",  # one or the other, by position mode
    "BOTH",
    "breakEvenPrice",  # in account v2: documented for its WebSocket twin
    "futuresType",  # of exchangeInfo: not in the SDK's example, sent by the real one
    "maxMoveOrderLimit",
}
EMPTY = {
    "GET /fapi/v1/indexInfo": "no composite index is traded",
    "GET /futures/data/delivery-price": "a perpetual is not delivered",
}
ORDER = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
CONDITION = {"algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.001"}


def as_json(*rows):
    return json.dumps(rows)


def asked(known):
    """Return what to send beside the mandatory parameters, or in their place, by route."""
    price, order_id = known["price"], known["orderId"]
    first, worst = {**ORDER, "symbol": BTC, "price": price}, {**ORDER, "symbol": BTC, "quantity": "0"}
    change = {"symbol": BTC, "side": "BUY", "orderId": order_id, "price": price}
    return {
        "POST /fapi/v1/order": {**ORDER, "price": price},
        "POST /fapi/v1/order/test": {**ORDER, "price": price},
        "PUT /fapi/v1/order": {**change, "quantity": "0.008", "modifyId": 9},
        "POST /fapi/v1/batchOrders": {"batchOrders": as_json(first, worst)},
        "PUT /fapi/v1/batchOrders": {
            "batchOrders": as_json({**change, "quantity": "0.007"}, {**change, "quantity": "0"})
        },
        "DELETE /fapi/v1/batchOrders": {"origClientOrderIdList": as_json("doomed-2", "nobody")},
        "DELETE /fapi/v1/order": {"origClientOrderId": "doomed-1"},
        "GET /fapi/v1/order": {"orderId": order_id},
        "GET /fapi/v1/openOrder": {"orderId": order_id},
        "GET /fapi/v1/orderAmendment": {"orderId": order_id},
        "POST /fapi/v1/algoOrder": {**CONDITION, "triggerPrice": price},
        "GET /fapi/v1/algoOrder": {"algoId": known["algoId"]},
        "DELETE /fapi/v1/algoOrder": {"clientAlgoId": "doomed-3"},
        "POST /fapi/v1/countdownCancelAll": {"countdownTime": 0},
        "POST /fapi/v1/leverage": {"leverage": 21},
        "POST /fapi/v1/marginType": {"symbol": "ETHUSDT", "marginType": "CROSSED"},
        "POST /fapi/v1/positionMargin": {"symbol": ETH, "amount": "1", "type": 1},
        "GET /fapi/v1/positionMargin/history": {"symbol": ETH},
        "POST /fapi/v1/positionSide/dual": {"dualSidePosition": "true"},
        "POST /fapi/v1/feeBurn": {"feeBurn": "false"},
        "POST /fapi/v1/multiAssetsMargin": {"multiAssetsMargin": "false"},
        "GET /fapi/v1/assetIndex": {"symbol": "BTCUSD"},
    }


# In this order the last ones do not take away what the others tell of.
LATE = (
    "DELETE /fapi/v1/algoOpenOrders",
    "DELETE /fapi/v1/allOpenOrders",
    "close every position",
    "POST /fapi/v1/marginType",
    "POST /fapi/v1/positionSide/dual",
    "DELETE /fapi/v1/listenKey",
)
SYMBOL_OPTIONAL = {
    route for route, each in SPEC.items() if "symbol" in each["optional"] and isinstance(each["example"], dict)
}
SYMBOL_OPTIONAL -= {"GET /fapi/v1/apiTradingStatus"}  # an object either way


def test_every_method_is_served_or_stands_among_the_refused():
    served = {" ".join(route) for route in every_route().endpoints}
    assert set(SPEC) - served == set()
    assert set(REFUSED) <= set(SPEC)


def test_who_may_ask_is_as_the_documents_say():
    wanted = {"NONE": Security.NONE, "MARKET_DATA": Security.KEY, "USER_STREAM": Security.KEY}
    # For three statistics the documents name a key that the venue itself does not ask for.
    found = {" ".join(route): endpoint.security for route, endpoint in every_route().endpoints.items()}
    wrong = {
        route: found[route]
        for route, each in SPEC.items()
        if found[route] is not wanted.get(each["security"], Security.SIGNED) and not route.startswith("GET /futures/")
    }
    assert wrong == {}


async def test_every_method_answers_in_the_shape_of_the_documents(monkeypatch):
    async with laboratory(monkeypatch, limits=Limits(weight_per_minute=100_000)) as lab:
        known = await lived_in(lab)
        await _doomed(lab, known)
        wrong = []
        for route in [*(each for each in SPEC if each not in LATE), *LATE]:
            if route == "close every position":
                await _flatten(lab)
            elif route in REFUSED:
                wrong += await _refused(lab, route, known)
            else:
                wrong += await _walk(lab, route, known)
        assert not wrong, "\n".join(wrong)


async def _doomed(lab, known):
    """Place what the walk will cancel."""
    for name in ("doomed-1", "doomed-2"):
        order = {**ORDER, "symbol": BTC, "price": known["price"], "newClientOrderId": name}
        assert (await lab.rest.signed("POST", "/fapi/v1/order", **order))[0] == 200
    algo = {**CONDITION, "symbol": BTC, "triggerPrice": known["price"], "clientAlgoId": "doomed-3"}
    assert (await lab.rest.signed("POST", "/fapi/v1/algoOrder", **algo))[0] == 200


async def _flatten(lab):
    for row in (await lab.rest.signed("GET", "/fapi/v3/positionRisk"))[1]:
        size = row["positionAmt"]
        await lab.rest.signed("POST", "/fapi/v1/order", symbol=row["symbol"], side="SELL", type="MARKET", quantity=size)
    assert (await lab.rest.signed("GET", "/fapi/v3/positionRisk"))[1] == []


async def _ask(lab, route, known):
    method, path = route.split(" ")
    each, special = SPEC[route], asked(known).get(route, {})
    params = {name: known[name] for name in each["params"] if name in known}
    if route in SYMBOL_OPTIONAL:
        params["symbol"] = BTC
    return await lab.rest.signed(method, path, **{**params, **special})


async def _walk(lab, route, known):
    status, body, _ = await _ask(lab, route, known)
    if status != 200:
        return [f"{route}: {status} {body}"]
    if body == [] and route not in EMPTY:
        return [f"{route}: an empty list proves nothing"]
    example = SPEC[route]["example"]
    wrong = [f"{route} {line}" for line in misfits(body, example, optional=OPTIONAL)]
    if isinstance(example, list) and len(example) > 1 and len(body) != len(example):
        wrong.append(f"{route}: {len(body)} rows")
    return wrong


async def _refused(lab, route, known):
    status, body, _ = await _ask(lab, route, known)
    wanted = {"code": REFUSED[route].code, "msg": REFUSED[route].message}
    return [] if (status, body) == (400, wanted) else [f"{route}: {status} {body}"]


async def test_where_a_symbol_is_optional_one_gives_an_object_and_none_an_array(monkeypatch):
    async with laboratory(monkeypatch) as lab:
        for route in SYMBOL_OPTIONAL:
            path, example = route.split(" ")[1], SPEC[route]["example"]
            status, body, _ = await lab.rest.public(path)
            assert status == 200, (route, body)
            assert body, route
            assert misfits(body, [example]) == [], route


def test_weights_are_those_of_the_documents():
    for route, each in SPEC.items():
        endpoint, weight = every_route().find(*route.split(" ")), each["weight"]
        pair = [weight, weight] if isinstance(weight, int) else weight
        assert [endpoint.weight_of(Params(sent)) for sent in ({"symbol": BTC}, {})] == pair, route


def test_the_documents_tables_are_the_routes():
    text = (Path(__file__).parents[3] / "docs/EXCHANGE.md").read_text("utf-8")
    rows = re.findall(r"^\| `(/\S+)` \| ([A-Z, ]+) \|", text, re.MULTILINE)
    served = {f"{method} {path}" for path, methods in rows for method in methods.split(", ")}
    refused = dict(re.findall(r"^\| `([A-Z]+ /\S+)` \| (-\d+) \|", text, re.MULTILINE))
    assert served | set(refused) == {" ".join(route) for route in every_route().endpoints}
    assert refused == {route: str(each.code) for route, each in REFUSED.items()}
