"""Read the safety core's state and follow prices with the generated stubs."""

import sys

import grpc

from perpmesh_api.market_data.v1 import market_data_service_pb2 as market
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as market_rpc
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as ess_rpc

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "localhost:8003")
status = ess_rpc.EmergencyStopServiceStub(channel).GetStatus(ess.GetStatusRequest()).status
print("entries allowed:", status.can_execute, "equity:", status.limits.equity)
for tick, _ in zip(
    market_rpc.MarketDataServiceStub(channel).WatchPrices(market.WatchPricesRequest()), range(5), strict=False
):
    print(tick.price.symbol, tick.price.last_price)
