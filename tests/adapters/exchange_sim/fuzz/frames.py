"""WebSocket frames made up from a seed: what belongs there, the same with something wrong in it, and noise."""

import json
import time
from random import Random

from tests.adapters.exchange_sim.api import written
from tests.adapters.exchange_sim.fuzz.requests import names
from tests.adapters.exchange_sim.fuzz.vocabulary import HOSTILE, SENSIBLE

from perpmesh.exchange_sim.adapters.ws_api import ABOUT_ITSELF, ENDPOINTS
from perpmesh.exchange_sim.domain.signature import sign
from perpmesh.testing.exchange_process import KEY, SECRET

STREAMS = (
    *("btcusdt@aggTrade", "btcusdt@trade", "ethusdt@kline_1m", "btcusdt_perpetual@continuousKline_1h", "!ticker@arr"),
    *("btcusdt@markPrice@1s", "btcusdt@bookTicker", "btcusdt@depth", "btcusdt@depth5@100ms", "!markPrice@arr@1s"),
    *("btcusdt@depth7", "btcusdt@kline_7m", "BTCUSDT@trade", "@", "btcusdt@", "@trade", "!x", '"', "\\", "a/b"),
)
CONTROL = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
ODD = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    1e308,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": [1]},
    ["combined", True],
    ["combined"],
)
NOISE = (
    *("", " ", "{", "[]", "null", "1", '"x"', "{}", "[" * 2_000, '{"id":1}', '{"method":1,"id":1}', "NaN", "[1e999]"),
    *(
        '{"method":"SUBSCRIBE","id":1e999}',
        '{"method":"SUBSCRIBE","params":NaN,"id":1}',
        '{"id":"\\ud800","method":"x"}',
    ),
    *('{"method":"order.place","id":1,"params":{"price":1e999}}', '{"method":"time","id":{"a":1}}', "\x00", "ünï🚀"),
    *("9" * 5_000, '{"method":"order.place","params":{"symbol":' + "9" * 5_000 + '},"id":2}', "x" * 100_000),
)


class Frames:
    """An endless supply; the same seed, the same frames."""

    def __init__(self, seed):
        self._chance = Random(seed)

    def control(self):
        """A frame of a stream connection."""
        if self._chance.random() < 0.1:
            return self._chance.choice(NOISE)
        frame = {"method": self._chance.choice(CONTROL), "id": self._chance.randrange(100)}
        frame["params"] = self._chance.choices(STREAMS, k=self._chance.randint(0, 3))
        return self._spoiled(frame)

    def request(self):
        """A request of the WebSocket API; most are signed as they should be."""
        chance = self._chance
        if chance.random() < 0.1:
            return chance.choice(NOISE)
        method = chance.choice([*ENDPOINTS, *["order.place"] * 10, *ABOUT_ITSELF, "nothing"])
        needed, optional = names(tuple(ENDPOINTS.get(method, "GET /").split(" ")))
        chosen = [*needed, *chance.sample(optional, min(len(optional), 3))]
        values = {name: chance.choice(SENSIBLE.get(name, ("1",))) for name in chosen}
        if method == "order.place":
            values |= {"quantity": "0.002", "type": chance.choice(["MARKET", "LIMIT"])}
        for name in chance.choices(list(values), k=1) if values and chance.random() < 0.4 else ():
            values[name] = chance.choice([*HOSTILE, *ODD])
        values |= {"apiKey": KEY, "timestamp": time.time_ns() // 1_000_000}
        text = "&".join(f"{name}={written(values[name])}" for name in sorted(values))
        values["signature"] = sign(SECRET, text.encode("utf-8", "replace").decode()) if chance.random() < 0.9 else "0"
        return self._spoiled({"method": method, "id": chance.choice([1, "a", None]), "params": values})

    def _spoiled(self, frame):
        """Write a frame; one in four with one of its parts wrong or missing."""
        if self._chance.random() < 0.25:
            part = self._chance.choice(list(frame))
            frame[part] = self._chance.choice(ODD)
            if self._chance.random() < 0.3:
                del frame[part]
        return json.dumps(frame)
