"""Where the service meets what it watches, the store, the bus and its callers."""
