"""Keeps fresh what all else rests on: the exchange's clock, its filters, and how the account is set up."""

import asyncio
from collections.abc import Sequence

from perpmesh.execution.application.ports import VenueRefused
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.remedies import PASSING
from perpmesh.kernel.time import MS_PER_DAY, MS_PER_MINUTE

SAMPLES = 5
SAMPLE_PAUSE_SECONDS = 0.02
CLOCK_EVERY_SECONDS = 15.0
ACCOUNT_EVERY_MS = MS_PER_MINUTE
FILTERS_EVERY_MS = 10 * MS_PER_MINUTE
TRIM_EVERY_MS = 60 * MS_PER_MINUTE
TRIM_PAGE = 500


class Upkeep:
    """Runs for ever; a pass comes at once when a refusal of the exchange asks for it."""

    def __init__(self, tools: Tools, *, symbols: Sequence[str]) -> None:
        self._venue = tools.venue
        self._desk = tools.desk
        self._policies = tools.policies
        self._symbols = symbols
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._log = tools.ledger.log
        self._trimmed_boot_ms = -TRIM_EVERY_MS
        self._account_boot_ms = -ACCOUNT_EVERY_MS
        self._filters_boot_ms = -FILTERS_EVERY_MS

    async def run(self) -> None:
        while True:
            self._desk.wants_upkeep.clear()
            await self.once()
            try:
                await asyncio.wait_for(self._desk.wants_upkeep.wait(), CLOCK_EVERY_SECONDS)
            except TimeoutError:
                continue
            await self._sleep(1)  # whatever asked for it may ask again at once

    async def once(self) -> None:
        """Bring everything that is due up to date."""
        await self._sample_clock()
        boot = self._desk.clock.boot_ms()
        if self._desk.wants_filters or boot - self._filters_boot_ms >= FILTERS_EVERY_MS:
            self._desk.instruments = await self._venue.instruments()
            self._desk.brackets = await self._venue.brackets()
            self._desk.wants_filters = False
            self._filters_boot_ms = boot
        await self._trim(boot)
        due = boot - self._account_boot_ms >= ACCOUNT_EVERY_MS
        if due or self._desk.account_trouble or self._desk.wants_account:
            self._desk.wants_account = False
            await self._check_account()
            self._account_boot_ms = boot

    async def _trim(self, boot: int) -> None:
        """Forget what is older than policy keeps, a page at a time; a store that fails keeps nothing from going on."""
        if boot - self._trimmed_boot_ms < TRIM_EVERY_MS:
            return
        kept_ms = self._policies.integer("execution.retention_days") * MS_PER_DAY
        try:
            gone = await self._log.trim(self._desk.clock.now_ms() - kept_ms, TRIM_PAGE)
        except Exception as error:  # noqa: BLE001 - housekeeping: said, and done later
            self._diary.warning("log not trimmed", error=repr(error))
            gone = 0
        if gone < TRIM_PAGE:
            self._trimmed_boot_ms = boot

    async def _sample_clock(self) -> None:
        for _ in range(SAMPLES):
            self._desk.exchange_clock.add(await self._venue.clock_sample())
            await self._sleep(SAMPLE_PAUSE_SECONDS)

    async def _check_account(self) -> None:
        """One-way, single-asset, no BNB burn: else the books would not hold to the cent, and nothing enters."""
        trouble = await self._venue.account_trouble()
        if not trouble:
            trouble = await self._prepare()
        if trouble != self._desk.account_trouble:
            self._diary.info("account checked", trouble=trouble or "none")
        self._desk.account_checked(trouble)

    async def _prepare(self) -> str:
        """Set leverage and margin type where they differ; return why not when the exchange will not have it."""
        leverage = self._policies.integer("execution.leverage")
        for symbol in self._symbols:
            if symbol in self._desk.instruments:
                try:
                    self._desk.leverages[symbol] = await self._venue.prepare_symbol(symbol, leverage)
                except VenueRefused as refused:
                    if refused.remedy in PASSING:
                        raise
                    return f"EXCHANGE_{-refused.code}"
        return ""
