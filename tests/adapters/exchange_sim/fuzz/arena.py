"""A venue whose market stands still, so that only a request can change its books; and how hard it is tried."""

import asyncio
import os
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tests.adapters.exchange_sim.fuzz.wire import Line, believable

from perpmesh.exchange_sim import main
from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.platform.time import SystemClock
from perpmesh.testing.exchange_process import BALANCE, KEY, SECRET, UNLIMITED

seeds = st.integers(0, 2**64)
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
STANDSTILL = 1e-9  # × real time


def tried(examples):
    """So often in the suite, always the same; EXAMPLES times, always others, when asked."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Arena:
    """A venue under fire."""

    def __init__(self, runner, host, venue):
        self._runner = runner
        self.host = host
        self.venue = venue
        self.line = Line(host)
        self.books = self.hash()

    def do(self, work):
        return self._runner.run(work)

    def hash(self):
        return self.venue.engine.state_hash()

    def fire(self, sent):
        """Send one request and assert what must hold whatever it was. Return (status, answer)."""
        status, body = self.do(self.line.ask(sent.bytes()))
        try:
            answer = believable(status, body, empty=sent.method == "HEAD")
            self.agree(changed=status == 200 and sent.method in ("POST", "PUT", "DELETE"))
        except AssertionError as error:
            pytest.fail(f"{sent}: {error}")
        return status, answer

    def agree(self, *, changed):
        """Assert that the books did not change unless they may, and that no money came from nowhere."""
        after = self.hash()
        assert changed or after == self.books, "a refusal, or a question, changed the books"
        self.books = after
        held = self.venue.engine.ledger()
        assert held.wallets - held.holdings_cost + held.fees + held.insurance + held.background == held.deposits


@contextmanager
def arena():
    opened = []

    def remembered(*arguments):
        opened.append(main_open(*arguments))
        return opened[0]

    main_open = main.open_venue
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(main, "open_venue", remembered)
        accounts = (AccountConfig(KEY, SECRET, BALANCE),)
        config = Config(port=0, speed=STANDSTILL, limits=UNLIMITED, accounts=accounts)
        context = main.exchange(config, SystemClock())
        port = runner.run(context.__aenter__())
        try:
            made = Arena(runner, f"127.0.0.1:{port}", opened[0][0])
            yield made
            runner.run(made.line.close())
        finally:
            runner.run(context.__aexit__(None, None, None))
