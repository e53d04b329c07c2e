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
policy_changes = sa.Table(
    "policy_changes",
    TABLES,
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String, nullable=False, index=True),
    sa.Column("old", sa.String, nullable=False),
    sa.Column("new", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("request_id", sa.String, nullable=False, index=True),
)
policy_adoptions = sa.Table(
    "policy_adoptions",
    TABLES,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
