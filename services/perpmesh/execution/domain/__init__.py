"""What an order and a trade are, and every rule about them. Pure."""
