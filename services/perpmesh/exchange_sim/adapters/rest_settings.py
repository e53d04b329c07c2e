"""The settings that orders depend on: leverage, margin type, position mode, fees."""

from perpmesh.exchange.commands import SetLeverage, SetMarginType, SetPositionMode
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.words import MarginType
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.rest_refused import unsupported
from perpmesh.exchange_sim.domain.params import missing

DONE: Json = {"code": 200, "msg": "success"}
SIGNED = Security.SIGNED


def add_setting_routes(routes: Routes) -> None:
    """Enter the endpoints that change an account's settings into the table."""
    routes.add("POST /fapi/v1/leverage", set_leverage, SIGNED)
    routes.add("POST /fapi/v1/marginType", set_margin_type, SIGNED)
    routes.add("POST /fapi/v1/positionSide/dual", set_position_mode, SIGNED)
    routes.add("GET /fapi/v1/positionSide/dual", position_mode, SIGNED, weight=30)
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


def set_multi_assets(ask: Ask) -> Json:
    """Refuse either way: the mode is off, and one asset cannot be several."""
    if not ask.params.needed_boolean("multiAssetsMargin"):
        text = "Adjusted asset mode is currently set and does not need to be adjusted repeatedly."
        raise ExchangeError(-4171, text)
    engine = ask.venue.engine
    if any(engine.settings(ask.account, symbol).margin_type is MarginType.ISOLATED for symbol in ask.venue.feeds):
        text = "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode."
        raise ExchangeError(-4167, text)
    if engine.open_orders(ask.account) or engine.open_algos(ask.account):
        raise ExchangeError(-4170, "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures")
    raise unsupported()


def set_fee_burn(ask: Ask) -> Json:
    """Fees cannot be paid in BNB here; leaving that switched off is no change."""
    if ask.params.needed_boolean("feeBurn"):
        raise unsupported()
    return DONE
