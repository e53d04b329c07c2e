"""Trades Binance USDⓈ-M perpetual futures as a mesh of small services under a safety core that can always stop it."""
