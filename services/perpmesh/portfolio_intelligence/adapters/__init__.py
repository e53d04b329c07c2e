"""Where the service meets the exchange, the store, the bus and its callers."""
