"""Commission: what a tier pays, and the rates that an account has of its own."""

from decimal import Decimal
from typing import Final

from perpmesh.exchange.commands import SetCommission, SetFeeTier
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.state import Account
from perpmesh.exchange.symbols import PPM, SymbolSpec
from perpmesh.exchange.views import CommissionView
from perpmesh.exchange.world import World

# Maker and taker in parts per million, USDT-margined, VIP 0 to VIP 9. Tier 0 is what the symbol says.
TIERS: Final = (
    (200, 500),
    (160, 400),
    (140, 350),
    (120, 320),
    (100, 300),
    (80, 270),
    (60, 250),
    (40, 220),
    (20, 200),
    (0, 170),
)


def commission_ppm(account: Account, spec: SymbolSpec, *, maker: bool) -> int:
    """Return the rate of one side of a trade."""
    own = account.commissions.get(spec.symbol)
    if own is not None:
        return own[0 if maker else 1]
    if account.fee_tier:
        return TIERS[account.fee_tier][0 if maker else 1]
    return spec.maker_ppm if maker else spec.taker_ppm


def commission_view(account: Account, spec: SymbolSpec) -> CommissionView:
    maker, taker = (Decimal(commission_ppm(account, spec, maker=side)) / PPM for side in (True, False))
    return CommissionView(spec.symbol, maker, taker)


def set_tier(world: World, command: SetFeeTier) -> None:
    account = world.account(command.account)
    if not 0 <= command.tier < len(TIERS):
        raise refusal(-1130, "feeTier")
    account.fee_tier = command.tier


def set_commission(world: World, command: SetCommission) -> None:
    account, spec = world.account(command.account), world.spec(command.symbol)
    rates = [rate * PPM for rate in (command.maker, command.taker)]
    if any(rate < 0 or rate > PPM or rate != int(rate) for rate in rates):
        raise refusal(-1130, "commissionRate")
    account.commissions[spec.symbol] = [int(rate) for rate in rates]
