"""What market data does, in its own words."""
