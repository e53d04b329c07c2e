"""Turns decisions and requests into orders on the exchange: exactly once, protected, reconciled and booked."""
