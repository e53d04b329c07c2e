"""How market data reaches the exchange, its store and its callers."""
