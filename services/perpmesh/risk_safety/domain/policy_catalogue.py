"""Every tunable figure of the mesh: type, default, range, unit, owner, meaning. A key not here does not exist."""

from collections.abc import Mapping
from decimal import Decimal

from perpmesh.risk_safety.domain.policy import PolicySpec, PolicyType

LEASE_MS = "risk.lease_ms"
MAX_DAILY_LOSS = "ess.max_daily_loss_pct"
MAX_WEEKLY_LOSS = "ess.max_weekly_loss_pct"
MAX_DRAWDOWN = "ess.max_drawdown_pct"
MAX_CONSECUTIVE_LOSSES = "ess.max_consecutive_losses"
MAX_EXECUTION_ERRORS = "ess.max_execution_errors"
MAX_UNPROTECTED_MS = "ess.max_unprotected_ms"
STALE_DATA_MS = "ess.stale_data_ms"
STAGED_RESET = "ess.staged_reset"
MIN_STAGE_MINUTES = "ess.min_stage_minutes"
MIN_STAGE_TRADES = "ess.min_stage_trades"
OPERATOR_HEARTBEAT_S = "ess.operator_heartbeat_s"
PRICE_STALE_MS = "execution.price_stale_ms"
RECONCILE_INTERVAL_MS = "execution.reconcile_interval_ms"


def _decimal(key: str, default: str, low: str, high: str, unit: str, owner: str, description: str) -> PolicySpec:
    return PolicySpec(
        key=key, type=PolicyType.DECIMAL, default=Decimal(default), minimum=Decimal(low), maximum=Decimal(high),
        unit=unit, owner=owner, description=description,
    )  # fmt: skip


def _integer(key: str, default: int, low: int, high: int, unit: str, owner: str, description: str) -> PolicySpec:
    return PolicySpec(
        key=key, type=PolicyType.INTEGER, default=default, minimum=Decimal(low), maximum=Decimal(high),
        unit=unit, owner=owner, description=description,
    )  # fmt: skip


def _boolean(key: str, default: bool, owner: str, description: str) -> PolicySpec:  # noqa: FBT001 - a row of a table
    return PolicySpec(key=key, type=PolicyType.BOOLEAN, default=default, owner=owner, description=description)


def _choice(key: str, default: str, choices: tuple[str, ...], owner: str, description: str) -> PolicySpec:
    return PolicySpec(
        key=key, type=PolicyType.TEXT, default=default, choices=choices, owner=owner, description=description
    )


def _text(key: str, default: str, pattern: str, unit: str, owner: str, description: str) -> PolicySpec:
    return PolicySpec(
        key=key, type=PolicyType.TEXT, default=default, pattern=pattern, unit=unit, owner=owner,
        description=description,
    )  # fmt: skip


RUNG = r"(0\.\d{1,4}|1)@\d{1,2}(\.\d{1,3})?"
SYMBOL = r"[A-Z0-9_]{1,20}"

# fmt: off
_EXECUTION = (
    _decimal("execution.max_slippage_pct", "0.01", "0", "0.1", "fraction", "execution",
             "An entry is refused when the price has moved further than this from the decision's price."),
    _decimal("execution.max_book_slippage_pct", "0.1", "0", "0.1", "fraction", "execution",
             "An entry is refused when the far side of the book is further than this from the mark price."),
    _decimal("execution.default_stop_pct", "0.01", "0.001", "0.2", "fraction", "execution",
             "Distance of the protective stop from the entry when the order names none."),
    _decimal("execution.max_stop_distance_pct", "0.10", "0.001", "0.5", "fraction", "execution",
             "An entry whose stop is further away than this is refused."),
    _integer(PRICE_STALE_MS, 2_000, 250, 60_000, "ms", "execution",
             "A price older than this is no price to enter on; the entry lease is withheld too."),
    _integer("execution.clock_offset_block_ms", 500, 50, 5_000, "ms", "execution",
             "No entries while our clock and the exchange's differ by more than this."),
    _integer(RECONCILE_INTERVAL_MS, 3_000, 500, 60_000, "ms", "execution",
             "How often positions and orders are compared with the exchange's."),
    _integer("execution.protection_deadline_ms", 5_000, 500, 30_000, "ms", "execution",
             "A position without a stop on the exchange for this long after its first fill is flattened."),
    _integer("execution.orders_per_minute", 60, 1, 1_000, "orders", "execution",
             "Entries stop above this rate; exits do not count against it."),
    _integer("execution.leverage", 5, 1, 20, "times", "execution",
             "The leverage setting of each symbol on the exchange."),
    _integer("execution.retention_days", 365, 8, 3_650, "days", "execution",
             "How long settled orders, closed trades and decisions are kept; what is open stays."),
    _decimal("execution.exit_reserve_pct", "0.25", "0.05", "0.9", "fraction", "execution",
             "Share of the exchange's rate budget that only exits and protective orders may use."),
    _text("execution.take_profit_ladder", "", rf"|{RUNG}(,{RUNG}){{0,4}}", "share@R,...; at most 5", "execution",
          "Take-profits by quantity: shares of the position at multiples of R, as in 0.5@1,0.3@2; empty: none."),
    _decimal("execution.break_even_r", "0", "0", "20", "R", "execution",
             "Gain at which the stop moves to the entry and its costs; 0: never."),
    _decimal("execution.round_trip_cost_pct", "0.001", "0", "0.02", "fraction", "execution",
             "Costs of going in and out, as the break-even stop counts them."),
    _decimal("execution.trail_activation_r", "0", "0", "50", "R", "execution",
             "Gain from which the stop follows the mark price; 0: never."),
    _decimal("execution.trail_distance_r", "1", "0.05", "20", "R", "execution",
             "How far behind the mark price a trailing stop follows."),
    _integer("execution.trail_interval_ms", 5_000, 1_000, 600_000, "ms", "execution",
             "A trailing stop moves no more often than this; each move costs two orders and two cancellations."),
    _decimal("execution.trail_step_pct", "0.0005", "0", "0.05", "fraction", "execution",
             "A trailing stop moves by at least this much of the price."),
    _integer("execution.time_stop_ms", 0, 0, 31_536_000_000, "ms of market time", "execution",
             "A trade older than this is closed at market; 0: never."),
    _choice("execution.external_positions", "protect", ("protect", "hand_over", "flatten"), "execution",
            "A position that nobody here opened gets a stop, is left to whoever opened it, or is closed."),
    _integer("execution.entry_countdown_ms", 30_000, 0, 600_000, "ms", "execution",
             "Our resting entries are cancelled by the exchange when execution is silent for this long; 0: never."),
)
_RISK = (
    _decimal("risk.max_risk_per_trade_pct", "0.005", "0.0001", "0.05", "fraction", "execution",
             "Loss at the stop of one trade, as a share of equity, at most."),
    _decimal("risk.max_open_risk_pct", "0.02", "0.0001", "0.2", "fraction", "execution",
             "Loss at the stops of everything open or in flight, as a share of equity, at most."),
    _decimal("risk.max_gross_exposure", "2.0", "0", "20", "times equity", "execution",
             "Notional of all positions and entries in flight, at most."),
    _decimal("risk.max_net_exposure", "20", "0", "20", "times equity", "execution",
             "Notional of long positions minus short ones, entries in flight included, at most, either way."),
    _decimal("risk.max_group_exposure", "20", "0", "20", "times equity", "execution",
             "Notional of one direction on the symbols of a correlation group, entries in flight included, at most."),
    _text("risk.correlation_groups", "BTCUSDT,ETHUSDT",
          rf"({SYMBOL}(,{SYMBOL})*(;{SYMBOL}(,{SYMBOL})*)*)?", "as in A,B;C,D", "execution",
          "Symbols that move together: commas between symbols, semicolons between groups."),
    _decimal("risk.max_position_exposure", "1.0", "0", "20", "times equity", "execution",
             "Notional of one position with its entries in flight, at most."),
    _integer("risk.max_leverage", 20, 1, 125, "times", "execution",
             "No entries on a symbol whose leverage setting on the exchange is above this, or not known."),
    _decimal("risk.min_liquidation_distance_pct", "0.01", "0", "0.9", "fraction", "execution",
             "Distance of the liquidation price from the mark once an entry is filled, at least."),
    _decimal("risk.max_funding_to_risk", "100", "0", "100", "times risk", "execution",
             "Expected cost of the next funding payments, as a multiple of the loss at the stop, at most."),
    _integer("risk.funding_payments", 3, 1, 100, "payments", "execution",
             "How many funding payments an entry is expected to pay, at the rate estimated for the next."),
    _integer("risk.cool_off_losses", 100, 1, 100, "trades", "execution",
             "Losing trades in a row of one strategy on one symbol after which it enters no more there for a while."),
    _integer("risk.cool_off_ms", 3_600_000, 1_000, 604_800_000, "ms", "execution",
             "How long that while is, from the last of those losses."),
    _integer(LEASE_MS, 2_000, 1_000, 2_000, "ms", "risk_safety",
             "How long one grant of the entry lease is good for, from the asking. It can only be shortened."),
)
_ESS = (
    _decimal(MAX_DAILY_LOSS, "0.03", "0.001", "0.5", "fraction", "risk_safety",
             "Fall of equity since the start of the market day (UTC) that trips the stop."),
    _decimal(MAX_WEEKLY_LOSS, "0.06", "0.001", "0.8", "fraction", "risk_safety",
             "Fall of equity since the start of the market week (Monday, UTC) that trips the stop."),
    _decimal(MAX_DRAWDOWN, "0.10", "0.001", "0.9", "fraction", "risk_safety",
             "Fall of equity from its highest that trips the stop."),
    _integer(MAX_CONSECUTIVE_LOSSES, 8, 1, 100, "trades", "risk_safety",
             "Losing trades in a row that trip the stop."),
    _integer(MAX_EXECUTION_ERRORS, 5, 1, 1_000, "errors in 15 min", "risk_safety",
             "Failed orders within 15 minutes that trip the stop."),
    _integer(MAX_UNPROTECTED_MS, 5_000, 500, 60_000, "ms", "risk_safety",
             "A position without a stop on the exchange for longer than this trips the stop."),
    _integer(STALE_DATA_MS, 30_000, 1_000, 600_000, "ms", "risk_safety",
             "Prices that stay stale for this long while a position is open trip the stop."),
    _choice(STAGED_RESET, "auto", ("auto", "on", "off"), "risk_safety",
            "Whether the gates between the stages bind: auto means everywhere but on the simulated exchange. "
            "On the live exchange they bind whatever is set."),
    _integer(MIN_STAGE_MINUTES, 60, 0, 43_200, "min", "risk_safety",
             "Healthy minutes in a stage before the next one up."),
    _integer(MIN_STAGE_TRADES, 5, 0, 1_000, "trades", "risk_safety",
             "Clean trades in a row in a stage before the next one up; SHADOW, which trades nothing, asks for none."),
    _integer(OPERATOR_HEARTBEAT_S, 0, 0, 604_800, "s", "risk_safety",
             "Entries are withheld when no operator was heard of for this long; 0 asks for no heartbeat."),
)
_AI = (
    _integer("ai.decision_ttl_ms", 5_000, 500, 60_000, "ms", "ai_engine",
             "A decision older than this is not executed."),
    _decimal("ai.target_volatility", "0.30", "0.01", "2", "per year", "ai_engine",
             "Volatility that position sizes aim at."),
    _decimal("ai.max_position_weight", "0.5", "0", "5", "times equity", "ai_engine",
             "Notional the AI may propose for one position, at most."),
    _decimal("ai.min_confidence", "0.55", "0", "1", "probability", "ai_engine",
             "Proposals below this confidence are not acted on."),
    _decimal("ai.stop_atr_multiple", "2.0", "0.2", "20", "ATR", "ai_engine",
             "Distance of a proposed stop from the entry."),
    _decimal("ai.take_profit_atr_multiple", "4.0", "0.2", "50", "ATR", "ai_engine",
             "Distance of a proposed take-profit from the entry."),
    _integer("ai.min_hold_bars", 4, 0, 1_000, "bars", "ai_engine",
             "Bars a position is held before a strategy may leave it; stops do not wait."),
    _decimal("ai.min_edge_cost_ratio", "1.5", "0", "100", "times cost", "ai_engine",
             "A proposal's expected gain must be at least this many times its cost."),
    _boolean("ai.amplification_enabled", True, "ai_engine",  # noqa: FBT003 - a row of a table
             "Whether a winning, protected trade may be enlarged."),
    _boolean("ai.use_model", True, "ai_engine",  # noqa: FBT003 - a row of a table
             "Whether the promoted sizing model is used; otherwise volatility targeting alone."),
)
_OTHERS = (
    _decimal("portfolio.no_trade_band_pct", "0.02", "0", "0.5", "fraction", "portfolio_intelligence",
             "No rebalance is proposed while every weight is within this of its target."),
    _integer("training.default_steps", 100_000, 1_000, 100_000_000, "steps", "rl_training",
             "Environment steps of a training job that names none."),
    _integer("monitoring.check_interval_ms", 1_000, 200, 60_000, "ms", "monitoring_health",
             "How often every part of the mesh is asked for its health."),
    _integer("monitoring.max_event_lag_ms", 5_000, 100, 600_000, "ms", "monitoring_health",
             "Events that take longer than this raise an alert."),
    _integer("market_data.stale_ms", 2_000, 250, 60_000, "ms", "market_data",
             "Prices older than this are marked stale."),
)
# fmt: on

CATALOGUE: Mapping[str, PolicySpec] = {spec.key: spec for spec in (*_EXECUTION, *_RISK, *_ESS, *_AI, *_OTHERS)}
