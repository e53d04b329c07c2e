"""The books: what is held, what was earned, and what would bring the portfolio back to its targets."""
