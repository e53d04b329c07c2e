"""What the service reads from policy, and how much it keeps."""

NO_TRADE_BAND = "portfolio.no_trade_band_pct"
POLICY_KEYS = (NO_TRADE_BAND,)
CURVE_POINTS_KEPT = 20_000  # two weeks of market minutes
