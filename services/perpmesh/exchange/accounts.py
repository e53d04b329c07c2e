"""Accounts and their settings: opening, transfers, leverage, margin type, position mode, countdowns."""

from decimal import Decimal

from perpmesh.exchange import margin
from perpmesh.exchange.commands import (
    CountdownCancelAll,
    CreateAccount,
    Deposit,
    FundInsurance,
    SetLeverage,
    SetMarginType,
    SetPositionMode,
)
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.events import LeverageChanged
from perpmesh.exchange.state import Account
from perpmesh.exchange.symbols import MONEY
from perpmesh.exchange.words import BalanceReason, IncomeType, MarginType
from perpmesh.exchange.world import World

MAX_LEVERAGE = 125


def create(world: World, command: CreateAccount) -> None:
    if command.account in world.state.accounts or command.balance < 0:
        raise refusal(-1130, "account")
    account = Account(command.account)
    world.state.accounts[command.account] = account
    _transfer(world, account, command.balance)


def deposit(world: World, command: Deposit) -> None:
    account = world.account(command.account)
    if command.amount < 0 and int(-command.amount * MONEY) > margin.totals(world.books, account).max_withdraw:
        raise refusal(-2018)
    _transfer(world, account, command.amount)


def _transfer(world: World, account: Account, amount: Decimal) -> None:
    units = int(amount * MONEY)
    world.state.deposits += units
    world.book_income(account, IncomeType.TRANSFER, units)
    reason = BalanceReason.DEPOSIT if units >= 0 else BalanceReason.WITHDRAW
    world.report_account(account, reason, balance_change=units)


def fund_insurance(world: World, command: FundInsurance) -> None:
    units = int(command.amount * MONEY)
    world.state.deposits += units
    world.state.insurance += units


def set_leverage(world: World, command: SetLeverage) -> None:
    account, spec = world.account(command.account), world.spec(command.symbol)
    if not 1 <= command.leverage <= MAX_LEVERAGE:
        raise refusal(-4028, command.leverage)
    before = account.leverage_of(command.symbol)
    held = _is_held(account, command.symbol)
    if command.leverage < before and held and account.is_isolated(command.symbol):
        raise refusal(-4161)
    worst = sum(_carried(world, account, command.symbol))
    if worst > spec.max_notional(command.leverage):
        raise refusal(-2027)
    growth = worst // command.leverage - worst // before
    if growth > 0 and growth > margin.totals(world.books, account).raw_available:
        raise refusal(-2028)
    account.leverage[command.symbol] = command.leverage
    world.events.append(LeverageChanged(account.name, command.symbol, command.leverage, world.market_ms))


def _carried(world: World, account: Account, symbol: str) -> list[int]:
    """Return the notional that each place of the symbol carries, open orders included."""
    leverage = account.leverage_of(symbol)
    places = [margin.place_margin(world.books, account, symbol, side) for side in account.sides()]
    return [(place.position + place.open_orders) * leverage for place in places]


def _is_held(account: Account, symbol: str | None = None) -> bool:
    return any(p.lots and symbol in (None, p.symbol) for p in account.positions.values())


def _has_orders(account: Account, symbol: str | None = None) -> bool:
    symbols = {o.symbol for o in account.open_orders.values()} | {a.symbol for a in account.open_algos.values()}
    return bool(symbols) if symbol is None else symbol in symbols


def set_margin_type(world: World, command: SetMarginType) -> None:
    account = world.account(command.account)
    world.spec(command.symbol)
    isolated = command.margin_type is MarginType.ISOLATED
    if account.is_isolated(command.symbol) == isolated:
        raise refusal(-4046)
    if _has_orders(account, command.symbol):
        raise refusal(-4047)
    if _is_held(account, command.symbol):
        raise refusal(-4048)
    account.isolated[command.symbol] = isolated


def set_position_mode(world: World, command: SetPositionMode) -> None:
    account = world.account(command.account)
    if account.dual_side == command.dual_side:
        raise refusal(-4059)
    if _has_orders(account):
        raise refusal(-4067)
    if _is_held(account):
        raise refusal(-4068)
    account.dual_side = command.dual_side


def set_countdown(world: World, command: CountdownCancelAll) -> None:
    account = world.account(command.account)
    world.spec(command.symbol)
    if command.countdown_ms < 0:
        raise refusal(-1130, "countdownTime")
    account.countdowns.pop(command.symbol, None)
    if command.countdown_ms:
        account.countdowns[command.symbol] = world.wall_ms + command.countdown_ms
