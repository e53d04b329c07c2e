"""Where the engine meets the world: contracts, store, the other services, the exchange."""
