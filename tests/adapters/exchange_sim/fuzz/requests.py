"""Requests made up from a seed: sound ones, sound ones with something wrong in them, and wrong ones."""

import json
from pathlib import Path
from random import Random

from tests.adapters.exchange_sim.fuzz.vocabulary import HOSTILE, SENSIBLE
from tests.adapters.exchange_sim.fuzz.wire import Sent

from perpmesh.exchange_sim.adapters.routes import every_route

SPEC = Path(__file__).parent.parent / "spec" / "usdm_rest.json"
ROUTES = sorted(every_route().endpoints)
PLACING = ("/fapi/v1/order", "/fapi/v1/algoOrder")
TRADING = [route for route in ROUTES if route[1].endswith(PLACING) and route[0] != "GET"]
KNOWN = {tuple(row["route"].split(" ")): row for row in json.loads(SPEC.read_text())}
ANYTHING = tuple(name for name in SENSIBLE if " " not in name)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
PLACES = ("query", "body", "both")


class Requests:
    """An endless supply; the same seed, the same requests."""

    def __init__(self, seed):
        self._chance = Random(seed)

    def sensible(self):
        """Well signed, with what the route needs; four in ten with one or two values that nobody should send."""
        chance = self._chance
        method, path = chance.choice(ROUTES if chance.random() < 0.6 else TRADING)
        needed, optional = names((method, path))
        pairs = {name: self.sense(name, path) for name in needed}
        if method == "POST" and path in PLACING:
            more = ("quantity", "price", "timeInForce") if pairs.get("type") != "MARKET" else ("quantity",)
            pairs |= {name: self.sense(name) for name in more}
        pairs |= {name: self.sense(name) for name in chance.sample(optional, min(len(optional), chance.randint(0, 2)))}
        if chance.random() < 0.4 and pairs:
            pairs |= {name: self.hostile() for name in chance.choices(list(pairs), k=chance.randint(1, 2))}
        if chance.random() < 0.1 and pairs:
            del pairs[chance.choice(list(pairs))]
        return Sent(method, path, tuple(pairs.items()), where=chance.choice(PLACES))

    def broken(self):
        """Wrong in the frame: the verb, the signature, the key, the content type, the address, the body."""
        choice = self._chance.choice
        method, path = choice(ROUTES)
        chosen = self._chance.choices([*ANYTHING, "timestamp", "signature", "x", ""], k=self._chance.randint(0, 6))
        return Sent(
            choice([method, *METHODS]),
            choice([path, path, path, path + "/", path + "/x", path.upper(), "/fapi/v9/order", "/", "//"]),
            tuple((name, choice([self.sense(name), self.hostile()])) for name in chosen),
            where=choice(PLACES),
            signature=choice(["good", "bad", "none", "twice"]),
            key=choice(["testkey", "testkey", "unknown", "", "k" * 200, "ké"]),
            content_type=choice(["application/json", "text/plain; charset=utf-16", "multipart/form-data", "x"]),
            stamp=choice([True, False]),
            body=choice(["", "", "{}", '{"symbol": "BTCUSDT"}', "\x00" * 9, "&&&&", "=" * 9, *HOSTILE[-6:]]),
        )

    def sense(self, name, path=""):
        found = SENSIBLE.get(f"{name} of {path.rpartition('/')[2]}") or SENSIBLE.get(name, ("1", "a"))
        return self._chance.choice(found)

    def hostile(self):
        if self._chance.random() < 0.8:
            return self._chance.choice(HOSTILE)
        return "".join(chr(self._chance.randrange(0xD7FF)) for _ in range(self._chance.randint(0, 12)))


def names(route):
    """Return what a route needs and what it may have; one that the specification does not know may have anything."""
    row = KNOWN.get(route)
    return (row["params"], row["optional"]) if row else ((), ANYTHING)
