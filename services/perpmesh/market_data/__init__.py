"""Prices, candles and conditions: what the exchange says, how old it is, and nothing made up."""
