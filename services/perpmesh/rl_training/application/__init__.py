"""The use cases of training and of the registry."""
