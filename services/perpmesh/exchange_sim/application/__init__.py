"""What can be done at the venue, one after the other, and remembered."""
