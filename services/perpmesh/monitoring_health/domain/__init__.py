"""What health and alerts are, as pure values and rules."""
