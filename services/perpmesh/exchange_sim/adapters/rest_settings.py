"""The settings that orders depend on: leverage, margin type, position mode, fees."""

from perpmesh.exchange.commands import AdjustPositionMargin, SetLeverage, SetMarginType, SetPositionMode
from perpmesh.exchange.words import MarginChange, MarginType
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.render_account import margin_move
from perpmesh.exchange_sim.adapters.rest_refused import refused_always, unsupported
from perpmesh.exchange_sim.domain import order_words
from perpmesh.exchange_sim.domain.params import Params, invalid, missing
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.span import days, wall_span

DONE: Json = {"code": 200, "msg": "success"}
SIGNED = Security.SIGNED


def add_setting_routes(routes: Routes) -> None:
    """Enter the endpoints that change an account's settings into the table."""
    routes.add("POST /fapi/v1/leverage", set_leverage, SIGNED)
    routes.add("POST /fapi/v1/marginType", set_margin_type, SIGNED)
    routes.add("POST /fapi/v1/positionSide/dual", set_position_mode, SIGNED)
    routes.add("GET /fapi/v1/positionSide/dual", position_mode, SIGNED, weight=30)
    routes.add("POST /fapi/v1/positionMargin", move_margin, SIGNED)
    routes.add("GET /fapi/v1/positionMargin/history", margin_moves, SIGNED)
    routes.add("GET /fapi/v1/multiAssetsMargin", lambda _: {"multiAssetsMargin": False}, SIGNED, weight=30)
    routes.add("POST /fapi/v1/multiAssetsMargin", set_multi_assets, SIGNED)
    routes.add("GET /fapi/v1/feeBurn", lambda _: {"feeBurn": False}, SIGNED, weight=30)
    routes.add("POST /fapi/v1/feeBurn", set_fee_burn, SIGNED)


def set_leverage(ask: Ask) -> Json:
    symbol, leverage = ask.symbol(), ask.params.needed_integer("leverage")
    ask.execute(SetLeverage(ask.account, symbol, leverage))
    limit = ask.venue.engine.settings(ask.account, symbol).max_notional
    return {"leverage": leverage, "maxNotionalValue": f"{limit:.0f}", "symbol": symbol}


def set_margin_type(ask: Ask) -> Json:
    symbol, kind = ask.symbol(), ask.params.one_of("marginType", MarginType)
    if kind is None:
        raise missing("marginType")
    ask.execute(SetMarginType(ask.account, symbol, kind))
    return DONE


def set_position_mode(ask: Ask) -> Json:
    ask.execute(SetPositionMode(ask.account, ask.params.needed_boolean("dualSidePosition")))
    return DONE


def position_mode(ask: Ask) -> Json:
    return {"dualSidePosition": ask.venue.engine.account(ask.account).dual_side}


def move_margin(ask: Ask) -> Json:
    symbol, amount, kind = ask.symbol(), ask.params.needed_decimal("amount"), _margin_change(ask.params)
    if kind is None:
        raise missing("type")
    ask.execute(AdjustPositionMargin(ask.account, symbol, amount, kind, order_words.position_side(ask.params)))
    return {
        "amount": float(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": int(kind),
    }


def margin_moves(ask: Ask) -> list[Json]:
    """Return what was added and taken, by wall time; the newest unless a start is given."""
    symbol, span, limit = ask.symbol(), wall_span(ask.params, days(30)), ask.params.limit(500, 500)
    kind = _margin_change(ask.params)
    found = ask.venue.engine.margin_changes(ask.account, symbol)
    rows = [row for row in found if kind in (None, row.type) and row.time in span]
    return [margin_move(row) for row in span.first(rows, limit)]


def _margin_change(params: Params) -> MarginChange | None:
    value = params.integer("type")
    try:
        return None if value is None else MarginChange(value)
    except ValueError:
        raise invalid("type") from None


def set_multi_assets(ask: Ask) -> Json:
    """Refuse either way: the mode is off, and one asset cannot be several."""
    if not ask.params.needed_boolean("multiAssetsMargin"):
        raise refused_always("POST /fapi/v1/multiAssetsMargin")
    engine = ask.venue.engine
    if any(engine.settings(ask.account, symbol).margin_type is MarginType.ISOLATED for symbol in ask.venue.feeds):
        raise refusal(-4167)
    if engine.open_orders(ask.account) or engine.open_algos(ask.account):
        raise refusal(-4170)
    raise unsupported()


def set_fee_burn(ask: Ask) -> Json:
    """Fees cannot be paid in BNB here; leaving that switched off is no change."""
    if ask.params.needed_boolean("feeBurn"):
        raise unsupported()
    return DONE
