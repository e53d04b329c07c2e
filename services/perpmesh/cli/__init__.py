"""The command line: the mesh as processes, and every service as a command."""

import os

# The supervisor forks while gRPC's threads run; gRPC would log that it skips its fork handlers, which we want it to.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
