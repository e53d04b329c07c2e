"""What the books are, as pure values and rules."""
