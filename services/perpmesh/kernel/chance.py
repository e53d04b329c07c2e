"""Randomness we are handed. `random.Random(seed)` satisfies it, so the pure rooms need not import `random`."""

from typing import Protocol


class Chance(Protocol):
    """A seeded source of randomness; the same seed gives the same life."""

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...

    def gauss(self, mu: float, sigma: float) -> float:
        """Return a normal variate."""
        ...

    def betavariate(self, alpha: float, beta: float) -> float:
        """Return a Beta variate in (0, 1)."""
        ...

    def randrange(self, stop: int, /) -> int:
        """Return an integer in [0, stop)."""
        ...
