"""What execution reads of the mesh's policies, and the few figures that are nobody's policy."""

POLICY_KEYS = (
    "execution.max_slippage_pct",
    "execution.default_stop_pct",
    "execution.max_stop_distance_pct",
    "execution.price_stale_ms",
    "execution.clock_offset_block_ms",
    "execution.reconcile_interval_ms",
    "execution.protection_deadline_ms",
    "execution.orders_per_minute",
    "execution.leverage",
    "execution.exit_reserve_pct",
    "execution.take_profit_ladder",
    "execution.break_even_r",
    "execution.round_trip_cost_pct",
    "execution.trail_activation_r",
    "execution.trail_distance_r",
    "execution.trail_interval_ms",
    "execution.trail_step_pct",
    "execution.time_stop_ms",
    "execution.external_positions",
    "execution.entry_countdown_ms",
    "risk.max_risk_per_trade_pct",
    "risk.max_open_risk_pct",
    "risk.max_gross_exposure",
    "risk.max_position_exposure",
)
FETCH_WAIT_MS = 10  # decisions are worth an idle fetch every 10 ms
