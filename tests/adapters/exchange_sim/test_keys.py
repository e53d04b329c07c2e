"""Keys that sign with RSA or Ed25519: registered by their public half, remembered, and good for REST."""

from decimal import Decimal

import grpc
import pytest
from tests.adapters.exchange_sim.conftest import SECRET, serving
from tests.adapters.exchange_sim.keys import ed25519_pair, rsa_pair, unusable_pem
from tests.adapters.exchange_sim.rest import Rest
from tests.adapters.exchange_sim.test_control import both as both  # noqa: PLC0414 - a fixture

from perpmesh.exchange_sim.config import AccountConfig
from perpmesh.kernel.errors import Invalid
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as pb_grpc


@pytest.mark.parametrize("make", [rsa_pair, ed25519_pair])
async def test_an_account_opened_with_a_public_key_signs_with_its_private_half(both, make):
    host, channel = both
    sign, pem = make()
    request = pb.CreateAccountRequest(api_key="paired", public_key=pem, balance="777")
    await pb_grpc.ExchangeControlServiceStub(channel).CreateAccount(request)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002", "newClientOrderId": "a:b/c"}
    async with Rest(host) as rest:
        for where in ("query", "body"):
            status, body, _ = await rest.signed(
                "POST", "/fapi/v1/order", key="paired", secret=sign, where=where, **order
            )
            assert (status, body["clientOrderId"]) == (200, "a:b/c")
        for wrong in (SECRET, make()[0], lambda _: "no base64", lambda text: sign(text + "x")):
            status, body, _ = await rest.signed("GET", "/fapi/v3/balance", key="paired", secret=wrong)
            assert (status, body) == (400, {"code": -1022, "msg": "Signature for this request is not valid."})


@pytest.mark.parametrize("pem", ["rubbish", unusable_pem()])
async def test_a_public_key_that_cannot_be_used_is_refused_when_it_is_registered(both, pem, tmp_path):
    _, channel = both
    request = pb.CreateAccountRequest(api_key="paired", public_key=pem, balance="777")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pb_grpc.ExchangeControlServiceStub(channel).CreateAccount(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    file = tmp_path / "public.pem"
    file.write_text(pem)
    with pytest.raises(Invalid):
        AccountConfig.parse(f"paired:@{file}:777")


async def test_an_account_needs_a_secret_or_a_public_key(both):
    request = pb.CreateAccountRequest(api_key="paired", balance="777")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pb_grpc.ExchangeControlServiceStub(both[1]).CreateAccount(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_public_key_named_at_start_is_still_known_after_a_restart(tmp_path):
    sign, pem = ed25519_pair()
    file = tmp_path / "public.pem"
    file.write_text(pem + "\n")
    account = AccountConfig.parse(f"paired:@{file}:777")
    assert (account.secret, account.balance) == (pem, Decimal(777))
    for accounts in ((account,), ()):
        async with serving(accounts=accounts, state_dir=tmp_path / "state") as host, Rest(host) as rest:
            status, body, _ = await rest.signed("GET", "/fapi/v3/balance", key="paired", secret=sign)
            assert (status, body[0]["balance"]) == (200, "777.00000000")
