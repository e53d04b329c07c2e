"""What a candle, a price and a regime are. Pure."""
