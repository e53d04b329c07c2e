"""`perpmesh policy …`: the figures that govern, changed one by one or many at once, and tried before they are."""

import json
from typing import Annotated, Any

import typer

from perpmesh.cli.connect import DEADLINE_SECONDS, USAGE, errors, gateway, grid, show
from perpmesh_api.execution.v1 import order_service_pb2 as orders_pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as orders_rpc
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2_grpc as policy_rpc

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="Why, in words.")]
Expected = Annotated[int, typer.Option(help="Refuse when the store has moved past this revision.")]
policy = typer.Typer(no_args_is_help=True, help="The PolicyStore.")


@policy.command("get")
def policy_get(key: str, as_json: Json = False) -> None:
    """Show one policy."""
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.GetPolicy(policy_pb.GetPolicyRequest(key=key), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _policies_table([found.policy], found.revision))


@policy.command("list")
def policy_list(as_json: Json = False) -> None:
    """Show all policies."""
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.ListPolicies(policy_pb.ListPoliciesRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _policies_table(found.policies, found.revision))


@policy.command("set")
def policy_set(
    key: str,
    value: str,
    reason: Reason = "",
    expected_revision: Expected = -1,
    as_json: Json = False,
) -> None:
    """Set one policy. VALUE is JSON where it can be read as such (true, 5), else text ("0.01" is exact)."""
    request = policy_pb.UpdatePolicyRequest(key=key, reason=reason)
    _expect(request, expected_revision)
    _write(request.value, value)
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.UpdatePolicy(request, timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda done: _changes_table(done, [done]),
    )


@policy.command("history")
def policy_history(
    key: Annotated[str, typer.Argument()] = "",
    limit: int = 20,
    before: Annotated[int, typer.Option(help="Only revisions below this one.")] = 0,
    who: Annotated[str, typer.Option(help="Only changes by this person.")] = "",
    as_json: Json = False,
) -> None:
    """Show who changed what, newest first."""
    request = policy_pb.ListPolicyHistoryRequest(key=key, limit=limit, before_revision=before, actor=who)
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.ListPolicyHistory(request, timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            "policy history",
            ["revision", "key", "from", "to", "who", "why", "what made it"],
            [
                [c.revision, c.key, plain(c.old_value), plain(c.new_value), c.actor, c.reason, c.source or "-"]
                for c in found.changes
            ],
        ),
    )


@policy.command("profiles")
def policy_profiles(as_json: Json = False) -> None:
    """Show the named sets of values side by side."""
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.ListProfiles(policy_pb.ListProfilesRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_profiles_table)


@policy.command("apply-profile")
def policy_apply_profile(
    name: str, reason: Reason = "", expected_revision: Expected = -1, as_json: Json = False
) -> None:
    """Set every policy of a profile at once. `policy diff --profile NAME` shows before what it would change."""
    request = policy_pb.ApplyProfileRequest(name=name, reason=reason)
    _expect(request, expected_revision)
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.ApplyProfile(request, timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda done: _changes_table(done, done.changes))


@policy.command("rollback")
def policy_rollback(
    revision: int, reason: Reason = "", expected_revision: Expected = -1, as_json: Json = False
) -> None:
    """Give every policy the value it had at REVISION (0: the defaults), as a new revision."""
    request = policy_pb.RollBackPoliciesRequest(to_revision=revision, reason=reason)
    _expect(request, expected_revision)
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.RollBackPolicies(request, timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda done: _changes_table(done, done.changes))


@policy.command("diff")
def policy_diff(
    left: Annotated[int, typer.Argument(help="A revision; 0 or nothing: the defaults.")] = -1,
    right: Annotated[int, typer.Argument(help="A revision; nothing: the newest.")] = -1,
    profile: Annotated[str, typer.Option(help="Compare what holds now with this profile.")] = "",
    as_json: Json = False,
) -> None:
    """Show what differs: from the defaults, between two revisions, or between now and a profile."""
    request = policy_pb.DiffPoliciesRequest(profile=profile)
    if left >= 0:
        request.from_revision = left
    if right >= 0:
        request.to_revision = right
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.DiffPolicies(request, timeout=DEADLINE_SECONDS)
    names = (f"revision {answer.from_revision}", profile or f"revision {answer.to_revision}")
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            f"{names[0]} against {names[1]}",
            ["key", *names, "unit", "owner"],
            [[d.key, plain(d.from_value), plain(d.to_value), d.unit, d.owner] for d in found.differences],
        ),
    )


@policy.command("adoptions")
def policy_adoptions(as_json: Json = False) -> None:
    """Show which service runs which revision."""
    with gateway() as channel:
        stub: Any = policy_rpc.PolicyServiceStub(channel)
        answer = stub.ListAdoptions(policy_pb.ListAdoptionsRequest(), timeout=DEADLINE_SECONDS)
    waiting = ", ".join(answer.waiting_for) or "nobody"
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            f"revision {found.revision}; waiting for {waiting}",
            ["service", "revision", "behind"],
            [[line.service, line.revision, line.behind] for line in found.adoptions],
        ),
    )


@policy.command("dry-run")
def policy_dry_run(
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    profile: Annotated[str, typer.Option(help="Try the values of this profile.")] = "",
    limit: Annotated[int, typer.Option(help="Judge the newest entries, at most this many.")] = 200,
    as_json: Json = False,
) -> None:
    """Show what other policies would have refused, or let through, of the last entries. Changes nothing."""
    request = orders_pb.DryRunPolicyRequest(limit=limit)
    with gateway() as channel:
        if profile:
            _propose_profile(request, channel, profile)
        for word in values or []:
            key, equals, value = word.partition("=")
            if not equals:
                errors.print(f"{word} is not of the form KEY=VALUE")
                raise typer.Exit(USAGE)
            _write(request.values[key], value)
        stub: Any = orders_rpc.OrderServiceStub(channel)
        answer = stub.DryRunPolicy(request, timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_dry_run_table)


def _propose_profile(request: Any, channel: Any, name: str) -> None:
    stub: Any = policy_rpc.PolicyServiceStub(channel)
    found = stub.ListProfiles(policy_pb.ListProfilesRequest(), timeout=DEADLINE_SECONDS).profiles
    settings = {profile.name: profile.settings for profile in found}
    if name not in settings:
        errors.print(f"no profile is called {name}; there are {', '.join(settings)}")
        raise typer.Exit(USAGE)
    for setting in settings[name]:
        request.values[setting.key].CopyFrom(setting.value)


def _expect(request: Any, revision: int) -> None:
    if revision >= 0:
        request.expected_revision = revision


def _write(value: Any, word: str) -> None:
    """Write a word of the command line as a policy's value."""
    if word in ("true", "false"):
        value.bool_value = json.loads(word)
    else:
        value.string_value = word


def _changes_table(answer: Any, changes: Any) -> Any:
    rows = [[change.key, plain(change.old_value), plain(change.new_value)] for change in changes]
    return grid(f"revision {answer.revision}" + ("" if rows else ": nothing to change"), ["key", "from", "to"], rows)


def _profiles_table(answer: Any) -> Any:
    profiles = list(answer.profiles)
    columns = [f"{profile.name} (now)" if profile.active else profile.name for profile in profiles]
    rows = [
        [settings[0].key, *(plain(setting.value) for setting in settings)]
        for settings in zip(*(profile.settings for profile in profiles), strict=True)
    ]
    return grid(f"profiles at revision {answer.revision}", ["key", *columns], rows)


def _dry_run_table(answer: Any) -> Any:
    title = f"of {answer.judged} entries {answer.admitted} were admitted, {answer.proposed_admitted} would be"
    if answer.not_evaluated:
        title += f"; the gate does not ask {', '.join(answer.not_evaluated)}"
    rows = [
        [verdict, found.client_order_id, found.symbol, found.quantity, ", ".join(why)]
        for verdict, entries in (("refused", answer.newly_refused), ("admitted", answer.newly_admitted))
        for found in entries
        for why in [found.proposed_reasons or found.reasons]
    ]
    return grid(title, ["would be", "order", "symbol", "quantity", "reasons"], rows)


def plain(value: Any) -> str:
    """Return a google.protobuf.Value as text."""
    kind = value.WhichOneof("kind")
    found = getattr(value, kind) if kind else ""
    return str(found).lower() if kind == "bool_value" else f"{found:g}" if kind == "number_value" else str(found)


def _policies_table(policies: Any, revision: int) -> Any:
    rows = [
        [p.key, plain(p.value), p.unit, f"{p.min}…{p.max}" if p.min or p.max else "", p.owner, p.description]
        for p in policies
    ]
    return grid(f"policies at revision {revision}", ["key", "value", "unit", "range", "owner", "what it does"], rows)
