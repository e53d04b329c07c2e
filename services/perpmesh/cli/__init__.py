"""The command line: the mesh as processes, and every service as a command."""
