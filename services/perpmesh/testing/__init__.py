"""The test kit, shipped with the product: free ports, a real broker to kill, and the whole mesh as processes."""
