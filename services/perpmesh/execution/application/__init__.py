"""What execution does, one file per use case, and the ports through which it reaches the world."""
