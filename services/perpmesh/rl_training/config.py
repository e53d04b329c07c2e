"""What training needs to know, and cannot be told by policy."""

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perpmesh.features import SCHEMA_HASH

POLICY_KEYS = ("training.default_steps", "ai.target_volatility", "ai.max_position_weight")
SYMBOLS = ("BTCUSDT", "ETHUSDT")  # of which real candles ship with the product


def code_version() -> str:
    """Return the version of the package that trains."""
    try:
        return f"perpmesh {version('perpmesh')}"
    except PackageNotFoundError:
        return "perpmesh, not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How one training service is set up."""

    models_dir: Path
    scratch_dir: Path  # where a trainer leaves its artifact before it is registered
    symbols: tuple[str, ...] = SYMBOLS
    schema_hash: str = SCHEMA_HASH
    code_version: str = field(default_factory=code_version)
    waiting_jobs_max: int = 8

    @staticmethod
    def of(state_dir: Path) -> "Config":
        """Return the set-up of a mesh that lives in `state_dir`."""
        return Config(models_dir=state_dir / "models", scratch_dir=state_dir / "training")
