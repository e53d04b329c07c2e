"""What the venue knows without a socket: the replayed market, its clock, signatures, limits and names."""
