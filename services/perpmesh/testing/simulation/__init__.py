"""The life of an order in one process and in virtual time: seeded, with a fault plan, judged by the exchange."""
