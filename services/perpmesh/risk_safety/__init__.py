"""The safety core: the emergency stop, the entry lease, loss limits and the PolicyStore."""
