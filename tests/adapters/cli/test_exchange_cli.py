"""`perpmesh exchange …` against a real exchange, as a person types it."""

import asyncio
import json

import pytest
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.control import free_port
from tests.adapters.exchange_sim.rest import Rest
from typer.testing import CliRunner

from perpmesh.cli.exchange_faults import MESSAGES
from perpmesh.cli.main import app
from perpmesh.exchange_sim.domain.fault_catalogue import CATALOGUE


@pytest.fixture
async def exchange():
    """(type a command, a REST client)"""
    listen = f"127.0.0.1:{free_port()}"

    async def type_(*words):
        words = ["exchange", *words, *([] if words[-1] == "kinds" else ["--control", listen])]
        return await asyncio.to_thread(CliRunner().invoke, app, words)

    async with serving(grpc_listen=listen) as host, Rest(host) as rest:
        yield type_, rest


async def as_json(type_, *words):
    done = await type_(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


async def test_a_fault_is_added_strikes_is_listed_and_removed(exchange):
    type_, rest = exchange
    words = ("rate-limit", "--endpoint", "GET /fapi/v1/time", "--count", "2", "--until", "+1h")
    added = (await as_json(type_, "fault", "add", *words, "--param", "retry_after_s=9"))["fault"]
    _, body, headers = await rest.public("/fapi/v1/time")
    assert (body["code"], headers["Retry-After"]) == (-1003, "9")
    (listed,) = (await as_json(type_, "fault", "list"))["faults"]
    assert (listed["fault_id"], listed["fired"], listed["spent"]) == (added["fault_id"], "1", False)
    shown = (await type_("fault", "list")).output
    assert "rate-limit" in shown
    assert "retry_after_s 9" in shown
    assert (await type_("fault", "remove", added["fault_id"])).exit_code == 0
    assert (await rest.public("/fapi/v1/time"))[0] == 200


async def test_lists_are_written_with_commas_and_all_faults_end_at_once(exchange):
    type_, _ = exchange
    await as_json(type_, "fault", "add", "partial-fills", "--param", "parts=20,80", "--param", "delay_ms=5")
    await as_json(type_, "fault", "add", "lose-events", "--event", "ORDER_*", "--probability", "0.5", "--seed", "3")
    ended = (await as_json(type_, "fault", "clear"))["faults"]
    assert [each["kind"] for each in ended] == ["partial_fills", "lose_events"]
    assert ended[0]["spec"]["partial_fills"]["parts"] == [20, 80]
    assert (await as_json(type_, "fault", "list"))["faults"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fault", "add", "nonsense"), "rate-limit"),
        (("fault", "add", "rate-limit", "--param", "wait=1"), "retry_after_s"),
        (("fault", "add", "rate-limit", "--param", "retry_after_s=soon"), "soon"),
        (("fault", "add", "rate-limit", "--until", "tomorrow"), "--until"),
        (("fault", "add", "latency", "--param", "distribution=cauchy"), "lognormal"),
        (("fault", "add", "liquidate"), "account"),
        (("replay", "speed", "fast"), "max"),
        (("replay", "jump", "soon"), "+90s"),
        (("account", "deposit", "nobody", "5"), "nobody"),
    ],
)
async def test_what_makes_no_sense_is_wrong_usage_and_the_message_helps(exchange, words, said):
    type_, _ = exchange
    done = await type_(*words)
    assert done.exit_code == 2
    assert said in done.output


async def test_the_market_is_paused_stepped_and_let_go(exchange):
    type_, _ = exchange
    assert (await type_("replay", "step")).exit_code == 1
    paused = (await as_json(type_, "replay", "pause"))["replay"]
    stepped = (await as_json(type_, "replay", "step", "30"))["replay"]
    jumped = (await as_json(type_, "replay", "jump", "+2h"))["replay"]
    times = [int(each["market_time_ms"]) for each in (paused, stepped, jumped)]
    assert (times[1] - times[0], times[2] - times[1]) == (30_000, 7_200_000)
    assert (await type_("replay", "jump", str(times[0]))).exit_code == 1
    assert (await as_json(type_, "replay", "speed", "600"))["replay"]["speed"] == 600
    assert (await as_json(type_, "replay", "resume"))["replay"]["paused"] is False
    assert (await as_json(type_, "replay", "speed", "max"))["replay"]["speed"] == 0


async def test_an_account_is_opened_and_paid_into_and_out_of(exchange):
    type_, rest = exchange
    made = await as_json(type_, "account", "create", "newcomer", "s3cret", "500")
    await as_json(type_, "account", "deposit", "newcomer", "25.5")
    paid = await as_json(type_, "account", "deposit", made["account_id"], "-125.5")
    assert (paid["account_id"], float(paid["balance"])) == (made["account_id"], 400)
    balance = (await rest.signed("GET", "/fapi/v3/balance", key="newcomer", secret="s3cret"))[1][0]["balance"]
    assert float(balance) == 400
    assert (await type_("account", "deposit", "newcomer", "-1000")).exit_code == 1


async def test_every_kind_is_in_the_list_with_its_parameters(exchange):
    type_, _ = exchange
    shown = (await type_("fault", "kinds")).output
    for kind, message in MESSAGES.items():
        assert kind.replace("_", "-") in shown
        assert all(field.name in shown for field in message.fields)
    assert list(CATALOGUE) == list(MESSAGES)
