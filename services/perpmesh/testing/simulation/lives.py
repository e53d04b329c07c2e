"""From a plan to a judgement: the same plan gives the same life."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

from perpmesh.testing.simulation.exchange import DEPOSIT
from perpmesh.testing.simulation.loop import run_virtually
from perpmesh.testing.simulation.plan import PEACE_SECONDS, Plan
from perpmesh.testing.simulation.referee import Tally
from perpmesh.testing.simulation.story import Story
from perpmesh.testing.simulation.world import Simulation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one life."""

    plan: Plan
    violations: list[str]
    tally: Tally
    transcript: list[str] = field(repr=False)

    @property
    def digest(self) -> str:
        """Return what two runs of one plan must have in common."""
        return hashlib.sha256("\n".join(self.transcript).encode()).hexdigest()[:16]


def live(plan: Plan) -> Outcome:
    """Live one plan from its beginning to its end, and judge it."""

    async def main() -> Outcome:
        simulation = Simulation(plan)
        return await lived(simulation, Story(simulation))

    found: Any = run_virtually(main)
    assert isinstance(found, Outcome)  # noqa: S101
    return found


async def lived(simulation: Simulation, story: Story) -> Outcome:
    """Live through the plan, then through peace, then be judged."""
    plan, loop = simulation.plan, simulation.loop
    simulation.start_safety()
    simulation.start_execution()
    for mishap in plan.mishaps:
        loop.call_at(mishap.at, simulation.befall, mishap)
    running = [simulation.world.spawn(work) for work in (simulation.work(), *story.acts())]
    await asyncio.sleep(plan.length)
    simulation.make_peace()
    await asyncio.sleep(PEACE_SECONDS / 2)
    simulation.execution.life.start(story.flatten("the end"))
    await asyncio.sleep(PEACE_SECONDS / 2)
    referee = simulation.referee
    referee.rest(DEPOSIT)
    for task in running:
        task.cancel()
    referee.tally.virtual_seconds = loop.time()
    return Outcome(plan, referee.violations, referee.tally, simulation.transcript)
