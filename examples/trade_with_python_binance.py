"""Trade on the simulated exchange with an unmodified python-binance: only its URLs are set."""

import asyncio
import sys

from binance import AsyncClient

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8010"
KEY, SECRET = (sys.argv[2:4]) if len(sys.argv) > 3 else ("paper", "paper")  # noqa: PLR2004
AsyncClient.FUTURES_URL = f"{URL}/fapi"


async def main() -> None:
    client = AsyncClient(KEY, SECRET)
    try:
        order = await client.futures_create_order(
            symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.05", newOrderRespType="RESULT"
        )
        print(order["status"], order["executedQty"], order["symbol"])
        done = await client.futures_create_order(
            symbol="ETHUSDT", side="SELL", type="MARKET", quantity="0.05", reduceOnly="true", newOrderRespType="RESULT"
        )
        print(done["status"], "flat again")
    finally:
        await client.close_connection()


asyncio.run(main())
