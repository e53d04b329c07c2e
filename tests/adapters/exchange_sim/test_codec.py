"""Whatever is asked of the machine comes back from the log as it was asked. (The background is not logged.)"""

from perpmesh.exchange.commands import SetBook
from perpmesh.exchange_sim.adapters.codec import decode, encode
from perpmesh.exchange_sim.application.records import Commanded
from perpmesh.testing.exchange_life import Life, births


def test_every_command_survives_the_log():
    commands = [command for command in [*births(), *Life(5).commands(3_000)] if not isinstance(command, SetBook)]
    asked = [Commanded(command, n) for n, command in enumerate(commands)]
    assert [decode(encode(record)) for record in asked] == asked
    seen = {type(record.command).__name__ for record in asked}
    assert seen >= {"AmendOrder", "AdjustPositionMargin", "SetFeeTier", "SetCommission", "ChangeSymbol", "Liquidate"}
