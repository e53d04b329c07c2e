"""The one table of what can be asked, for REST and for the WebSocket API."""

from perpmesh.exchange_sim.adapters.ask import Routes
from perpmesh.exchange_sim.adapters.rest_account import add_account_routes
from perpmesh.exchange_sim.adapters.rest_market import add_market_routes
from perpmesh.exchange_sim.adapters.rest_trade import add_trade_routes

ADDERS = (add_market_routes, add_trade_routes, add_account_routes)


def every_route() -> Routes:
    routes = Routes()
    for add in ADDERS:
        add(routes)
    return routes
