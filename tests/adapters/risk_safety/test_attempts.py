"""Who tried what, over real gRPC and SQLite: done or refused, with everything but the secrets. Stages and heartbeats too."""

import asyncio

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.struct_pb2 import Value
from typer.testing import CliRunner

from perpmesh.cli.main import app
from perpmesh.platform.identity import Identity, Keyring, Role
from perpmesh.platform.inbox import Received
from perpmesh.platform.settings import VenueKind
from perpmesh.risk_safety.adapters import events_in
from perpmesh.risk_safety.domain.attempts import ANSWERED, ASKED
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.execution.v1 import order_events_pb2, order_service_pb2
from perpmesh_api.monitoring_health.v1 import health_events_pb2, monitoring_service_pb2
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as risk_pb

from .conftest import Service, living, refused
from .test_ess_api import Holder
from .test_policy_api import VIEWER, Code


async def attempts(service: Service, **asked) -> list[pb.Attempt]:
    return list((await service.ess.ListAttempts(pb.ListAttemptsRequest(**asked), metadata=VIEWER)).attempts)


async def set_policy(service: Service, key: str, value: str, **more) -> None:
    request = policy_pb.UpdatePolicyRequest(key=key, value=Value(string_value=value), **more)
    await service.policy.UpdatePolicy(request)


def tokens(settings) -> dict[str, str]:
    keyring = Keyring(settings.state_dir / "keys")
    keyring.create()
    return {
        "operator_token": keyring.issue(Identity(subject="ann", role=Role.OPERATOR)),
        "approver_token": keyring.issue(Identity(subject="bob", role=Role.APPROVER)),
    }


def acting() -> dict[str, MethodDescriptor]:
    """The calls of the safety core that a caller posts, by name."""
    contracts = (pb, risk_pb, policy_pb)
    methods = [m for c in contracts for s in c.DESCRIPTOR.services_by_name.values() for m in s.methods]
    return {m.name: m for m in methods if m.GetOptions().Extensions[annotations_pb2.http].post}


def test_every_call_that_acts_is_one_that_is_recorded_and_no_secret_of_it_is():
    assert {"Trip", "Reset", "UpdatePolicy", "Heartbeat"} <= acting().keys()
    for name, method in acting().items():
        assert name in ASKED, f"{name} acts, and nothing of it would be recorded"
        assert set(ASKED[name]) <= set(method.input_type.fields_by_name)
        assert set(ANSWERED.get(name, ())) <= set(method.output_type.fields_by_name)
        assert not [field for field in ASKED[name] if "token" in field]


async def test_every_attempt_is_recorded_with_who_and_what_came_of_it(service: Service):
    await set_policy(service, "execution.leverage", "3", reason="calm")
    bad = policy_pb.UpdatePolicyRequest(key="execution.leverage", value=Value(string_value="99"))
    await refused(service.policy.UpdatePolicy(bad))
    await refused(service.ess.Trip(pb.TripRequest(reason="mine"), metadata=VIEWER))
    await service.risk.PauseEntries(risk_pb.PauseEntriesRequest(reason="lunch"))
    await service.ess.Trip(pb.TripRequest(reason="drill"))
    await refused(service.ess.Reset(pb.ResetRequest(reason="short", operator_token="a", approver_token="b")))
    lines = await attempts(service)
    assert [(line.action, line.actor, line.role, line.outcome) for line in reversed(lines)] == [
        ("UpdatePolicy", "local", "operator", "DONE"),
        ("UpdatePolicy", "local", "operator", "INVALID_POLICY_VALUE"),
        ("Trip", "vera", "viewer", "ROLE"),
        ("PauseEntries", "local", "operator", "DONE"),
        ("Trip", "local", "operator", "DONE"),
        ("Reset", "local", "operator", "INVALID_FIELD"),
    ]
    assert [line.sequence for line in lines] == [6, 5, 4, 3, 2, 1]
    assert dict(lines[5].asked) == {"key": "execution.leverage", "value": "3", "reason": "calm", "revision": "1"}
    assert "99" in lines[4].message
    assert lines[0].message.startswith("reason: ")
    assert (dict(lines[1].asked), lines[1].message) == ({"reason": "drill"}, "")
    assert [line.sequence for line in await attempts(service, action="Trip", limit=1)] == [5]


async def test_a_reset_is_recorded_with_both_identities_and_without_their_tokens(settings):
    async with living(settings) as service:
        signed = tokens(settings)
        await service.ess.Trip(pb.TripRequest(reason=f"see {signed['operator_token']}"))
        ask = pb.ResetRequest(reason="checked, all is well", stage=words.STAGE_HALF, **signed)
        answer = await service.ess.Reset(ask)
        assert (answer.operator, answer.approver) == ("ann", "bob")
        wrong = {**signed, "approver_token": signed["operator_token"]}
        await refused(service.ess.Reset(pb.ResetRequest(reason="checked, all is well", **wrong)))
        line = (await attempts(service, action="Reset"))[1]
        assert dict(line.asked) == {
            "reason": "checked, all is well", "stage": "STAGE_HALF", "operator": "ann", "approver": "bob",
        }  # fmt: skip
    kept = b"".join(path.read_bytes() for path in settings.state_dir.rglob("*risk_safety*") if path.is_file())
    assert b"checked, all is well" in kept
    for token in signed.values():
        assert token.rpartition(".")[2].encode() not in kept.replace(b"see " + signed["operator_token"].encode(), b"")


async def test_elsewhere_than_on_the_simulated_exchange_a_stage_is_earned(settings):
    testnet = settings.model_copy(update={"environment": VenueKind.TESTNET})
    async with living(testnet) as service:
        await set_policy(service, "ess.min_stage_minutes", "0")
        await set_policy(service, "ess.min_stage_trades", "2")
        gate = (await service.ess.GetStatus(pb.GetStatusRequest())).status.stage_gate
        assert (gate.binding, gate.next, gate.required_trades) == (True, words.STAGE_PAPER, 0)
        assert list(gate.unmet) == ["execution reports nothing"]
        ask = {"reason": "checked, all is well", **tokens(settings)}
        full = pb.ResetRequest(stage=words.STAGE_FULL, **ask)
        assert await refused(service.ess.Reset(full)) == (Code.FAILED_PRECONDITION, "STAGE_GATE", "stage")
        holder = Holder(service)
        await holder.ask()
        await service.ess.Reset(pb.ResetRequest(stage=words.STAGE_PAPER, **ask))
        quarter = pb.ResetRequest(stage=words.STAGE_QUARTER, **ask)
        await closed(service, "-3", 1)
        await closed(service, "-3", 2, close_reason="LIQUIDATION")
        await closed(service, "5", 3)
        holder.say(newest_trade_sequence=3)
        assert (await refused(service.ess.Reset(quarter)))[1] == "STAGE_GATE"
        assert dict((await attempts(service))[0].asked) == {
            "reason": "checked, all is well", "stage": "STAGE_QUARTER", "operator": "ann", "approver": "bob",
        }  # fmt: skip
    async with living(testnet) as service:  # what was earned survives the process
        gate = (await service.ess.GetStatus(pb.GetStatusRequest())).status.stage_gate
        assert (gate.clean_trades, gate.required_trades) == (1, 2)
        holder = Holder(service)
        await holder.ask(newest_trade_sequence=3)
        await closed(service, "5", 4)
        await alert(service, health_events_pb2.HealthAlertRaised, 1)
        assert (await refused(service.ess.Reset(quarter)))[1] == "STAGE_GATE"
        await alert(service, health_events_pb2.HealthAlertResolved, 2)
        status = (await service.ess.Reset(quarter)).status
        assert (status.stage, status.stage_gate.clean_trades) == (words.STAGE_QUARTER, 0)


async def handled(service: Service, kind: type, message, stream: str, sequence: int) -> None:
    """Handle one event as the inbox does."""
    received = Received(
        message=message, type="", event_id=str(sequence), stream=stream, sequence=sequence, key="", time_ms=0,
        producer="", traceparent="",
    )  # fmt: skip
    async with service.parts.database.transaction() as tx:
        after = await events_in.handlers(service.core)[kind](tx, received)
    if after is not None:
        after()


async def closed(service: Service, net_pnl: str, sequence: int, close_reason: str = "STOP") -> None:
    trade = order_service_pb2.Trade(symbol="BTCUSDT", net_pnl=net_pnl, close_reason=close_reason, unprotected_ms=40)
    event = order_events_pb2.TradeClosed(symbol="BTCUSDT", trade=trade)
    await handled(service, order_events_pb2.TradeClosed, event, "execution.trades.v1", sequence)


async def alert(service: Service, kind: type, sequence: int) -> None:
    found = monitoring_service_pb2.Alert(
        alert_id="event_lag/x", rule="event_lag", severity=monitoring_service_pb2.SEVERITY_CRITICAL, message="late"
    )
    await handled(service, kind, kind(alert_id="event_lag/x", alert=found), "monitoring_health.alerts.v1", sequence)


async def test_only_critical_alerts_of_others_count_and_they_survive_the_process(settings):
    async with living(settings) as service:
        for rule, severity in (
            ("component_down", monitoring_service_pb2.SEVERITY_CRITICAL),
            ("cannot_enter", monitoring_service_pb2.SEVERITY_WARNING),
            ("ess_tripped", monitoring_service_pb2.SEVERITY_CRITICAL),
        ):
            found = monitoring_service_pb2.Alert(alert_id=rule, rule=rule, severity=severity, message="so it is")
            event = health_events_pb2.HealthAlertRaised(alert_id=rule, alert=found)
            await handled(service, health_events_pb2.HealthAlertRaised, event, "monitoring_health.alerts.v1", 1)
    async with living(settings) as service:
        assert service.core.stages.alerts == {"component_down": "so it is"}


async def test_an_operator_that_is_not_heard_of_stops_entries_until_it_is(service: Service):
    await set_policy(service, "ess.operator_heartbeat_s", "60")
    holder = Holder(service)
    assert (await holder.ask()).state == risk_pb.LEASE_STATE_GRANTED
    service.clock.leapt += 61_000
    assert (await holder.ask()).reason == "OPERATOR_SILENT"
    status = (await service.ess.GetStatus(pb.GetStatusRequest())).status
    assert (status.operator_silent, status.can_execute, status.state) == (True, False, pb.ESS_STATE_ARMED)
    code, reason, _ = await refused(service.ess.Heartbeat(pb.HeartbeatRequest(), metadata=VIEWER))
    assert (code, reason) == (Code.PERMISSION_DENIED, "ROLE")
    assert (await holder.ask()).reason == "OPERATOR_SILENT"
    answer = await service.ess.Heartbeat(pb.HeartbeatRequest())
    assert (answer.good_for_ms, answer.status.operator_silent) == (60_000, False)
    assert (await holder.ask()).state == risk_pb.LEASE_STATE_GRANTED
    assert [(line.actor, line.outcome) for line in await attempts(service, action="Heartbeat")] == [("vera", "ROLE")]


async def test_an_acting_call_of_an_operator_is_a_heartbeat(service: Service):
    await set_policy(service, "ess.operator_heartbeat_s", "60")
    service.clock.leapt += 61_000
    await service.risk.ResumeEntries(risk_pb.ResumeEntriesRequest())
    assert (await Holder(service).ask()).state == risk_pb.LEASE_STATE_GRANTED


async def test_what_cannot_be_recorded_is_done_all_the_same(service: Service, monkeypatch):
    async def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(service.core.operators, "attempted", full)
    assert (await service.ess.Trip(pb.TripRequest(reason="drill"))).trip.reason == "drill"


async def test_the_command_line_shows_gate_attempts_and_heartbeat(service: Service, settings, monkeypatch):
    monkeypatch.setenv("PERPMESH_GATEWAY_PORT", settings.address("risk_safety").rpartition(":")[2])
    await service.risk.PauseEntries(risk_pb.PauseEntriesRequest(reason="lunch [/] break"))
    await set_policy(service, "ess.staged_reset", "on")
    await set_policy(service, "ess.operator_heartbeat_s", "60")
    await service.ess.Trip(pb.TripRequest(reason="drill"))

    async def said(*words: str) -> str:
        return (await asyncio.to_thread(CliRunner().invoke, app, words)).output

    assert "lunch [/] break" in (heard := await said("ess", "audit"))
    assert "PauseEntries" in heard
    assert "60 s" in await said("ess", "heartbeat")
    status = await said("ess", "status")
    assert "drill" in status
    assert "next stage" in status
