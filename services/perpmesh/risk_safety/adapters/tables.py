"""The tables of the safety core's own store."""

import sqlalchemy as sa

TABLES = sa.MetaData()

policy_settings = sa.Table(
    "policy_settings",
    TABLES,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
policy_audit = sa.Table(
    "policy_audit",
    TABLES,
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String, primary_key=True, index=True),
    sa.Column("old", sa.String, nullable=False),
    sa.Column("new", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("request_id", sa.String, nullable=False, index=True),
    sa.Column("source", sa.String, nullable=False),
)
policy_adoptions = sa.Table(
    "policy_adoptions",
    TABLES,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
ess_latch = sa.Table(
    "ess_latch",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("state", sa.String, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("trip_id", sa.String, nullable=False),  # empty when armed
    sa.Column("trip_count", sa.BigInteger, nullable=False),
    sa.Column("release", sa.String, nullable=False),  # JSON
)
ess_trips = sa.Table(
    "ess_trips",
    TABLES,
    sa.Column("trip_id", sa.String, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("market_time_ms", sa.BigInteger, nullable=False),
    sa.Column("trigger", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("mode", sa.String, nullable=False),
    sa.Column("evidence", sa.String, nullable=False),  # JSON
    sa.Column("request_id", sa.String, nullable=False),
)
ess_resets = sa.Table(
    "ess_resets",
    TABLES,
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("operator", sa.String, nullable=False),
    sa.Column("approver", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
equity_figures = sa.Table(
    "equity_figures",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("equity", sa.String, nullable=False),
    sa.Column("market_time_ms", sa.BigInteger, nullable=False),
    sa.Column("day_start", sa.String, nullable=False),
    sa.Column("week_start", sa.String, nullable=False),
    sa.Column("peak", sa.String, nullable=False),
)
trade_figures = sa.Table(
    "trade_figures",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("consecutive_losses", sa.BigInteger, nullable=False),
    sa.Column("newest_pnl", sa.String, nullable=False),
)
# What the stage of an epoch has earned. Two rows of their own, for two writers: the clock, and the trades.
stage_time = sa.Table(
    "stage_time",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("healthy_ms", sa.BigInteger, nullable=False),
)
stage_trades = sa.Table(
    "stage_trades",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("clean_trades", sa.BigInteger, nullable=False),
)
open_alerts = sa.Table(
    "open_alerts",
    TABLES,
    sa.Column("alert_id", sa.String, primary_key=True),
    sa.Column("message", sa.String, nullable=False),
)
attempts = sa.Table(
    "attempts",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("action", sa.String, nullable=False, index=True),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("asked", sa.String, nullable=False),  # JSON
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
)
operator_heartbeat = sa.Table(
    "operator_heartbeat",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),  # one row
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
