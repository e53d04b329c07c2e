"""What the engine does: one file per use case, reaching the world only through ports."""
