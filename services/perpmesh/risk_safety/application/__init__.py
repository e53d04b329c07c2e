"""The use cases of the safety core, and what they ask of the world."""
