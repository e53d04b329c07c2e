"""The one table of what can be asked, for REST and for the WebSocket API."""

from perpmesh.exchange_sim.adapters.ask import Routes
from perpmesh.exchange_sim.adapters.rest_account import add_account_routes
from perpmesh.exchange_sim.adapters.rest_algos import add_algo_routes
from perpmesh.exchange_sim.adapters.rest_candles import add_candle_routes
from perpmesh.exchange_sim.adapters.rest_market import add_market_routes
from perpmesh.exchange_sim.adapters.rest_orders import add_order_routes
from perpmesh.exchange_sim.adapters.rest_reference import add_reference_routes
from perpmesh.exchange_sim.adapters.rest_refused import add_refused_routes
from perpmesh.exchange_sim.adapters.rest_settings import add_setting_routes
from perpmesh.exchange_sim.adapters.rest_statistics import add_statistics_routes

ADDERS = (
    add_market_routes,
    add_candle_routes,
    add_statistics_routes,
    add_reference_routes,
    add_order_routes,
    add_algo_routes,
    add_setting_routes,
    add_account_routes,
    add_refused_routes,
)


def every_route() -> Routes:
    """Return the table of all endpoints."""
    routes = Routes()
    for add in ADDERS:
        add(routes)
    return routes
