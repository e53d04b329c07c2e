"""How the engine thinks: pure functions of what they are handed."""
