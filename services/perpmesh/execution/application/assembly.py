"""The use cases, put together by hand in the order in which they lean on each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.books import Books
from perpmesh.execution.application.conditionals import Conditionals
from perpmesh.execution.application.countdown import Countdown
from perpmesh.execution.application.decide import Decide
from perpmesh.execution.application.enter import Enter
from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.flatten import Flatten
from perpmesh.execution.application.following import Follower
from perpmesh.execution.application.ladder import Ladder
from perpmesh.execution.application.protect import Protector
from perpmesh.execution.application.reconcile import Reconciler
from perpmesh.execution.application.report import Reporter
from perpmesh.execution.application.sender import Sender
from perpmesh.execution.application.submit import Submit
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.application.try_policies import TryPolicies
from perpmesh.execution.application.upkeep import Upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """Everything execution can do."""

    tools: Tools
    lease: EntryLease
    reporter: Reporter
    enter: Enter
    submit: Submit
    decide: Decide
    flatten: Flatten
    attendant: Attendant
    follower: Follower
    reconciler: Reconciler
    countdown: Countdown
    upkeep: Upkeep
    try_policies: TryPolicies


def assemble(tools: Tools, symbols: Sequence[str]) -> UseCases:
    """Wire the use cases for the symbols that this mesh trades."""
    lease = EntryLease(tools.desk.clock, tools.sleep)
    reporter = Reporter(tools, lease)
    sender = Sender(tools, lease)
    conditionals, follower = Conditionals(tools, sender), Follower(tools)
    exits, books = Exits(tools, sender), Books(tools)
    protector = Protector(tools, sender=sender, conditionals=conditionals, follower=follower)
    ladder = Ladder(tools, conditionals=conditionals, exits=exits, follower=follower)
    attendant = Attendant(
        tools, sender=sender, protector=protector, exits=exits, books=books, follower=follower, ladder=ladder
    )
    enter = Enter(
        tools, sender=sender, protector=protector, exits=exits, books=books, attendant=attendant, reporter=reporter
    )
    return UseCases(
        tools=tools,
        lease=lease,
        reporter=reporter,
        enter=enter,
        submit=Submit(tools, enter=enter, exits=exits, attendant=attendant),
        decide=Decide(tools, enter=enter, exits=exits, attendant=attendant),
        flatten=Flatten(tools, exits=exits, attendant=attendant, lease=lease, symbols=symbols),
        attendant=attendant,
        follower=follower,
        reconciler=Reconciler(tools, attendant=attendant, follower=follower, symbols=symbols),
        countdown=Countdown(tools, symbols=symbols),
        upkeep=Upkeep(tools, symbols=symbols),
        try_policies=TryPolicies(tools.policies, tools.ledger.log),
    )
