"""The AI engine: decides what to trade, which way and how much, with every reason."""
