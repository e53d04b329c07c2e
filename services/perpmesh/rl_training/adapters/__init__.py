"""Where training meets the world: gRPC, the store, the disk, and the process that holds PyTorch."""
