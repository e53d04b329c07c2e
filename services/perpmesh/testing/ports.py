"""Free TCP ports, so that tests run beside a mesh and beside each other."""

import socket


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that were free a moment ago, below the ephemeral range's busy part."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def free_port() -> int:
    """Return one free port."""
    return free_ports(1)[0]
