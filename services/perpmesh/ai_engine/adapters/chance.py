"""Seeded chance: the same text gives the same draws, in every process."""

import random

from perpmesh.kernel.chance import Chance


def seeded(text: str) -> Chance:
    return random.Random(text)  # noqa: S311 - exploration, not secrecy
