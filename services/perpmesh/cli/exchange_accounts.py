"""`perpmesh exchange account …`: who may trade at the simulated exchange, and with how much."""

from typing import Annotated

import typer

from perpmesh.cli.connect import DEADLINE_SECONDS, exchange_control, grid, show
from perpmesh.cli.exchange_replay import Control, Json
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb

account = typer.Typer(no_args_is_help=True, help="Accounts: open one, pay in or out.")


@account.command("create")
def create(
    key: Annotated[str, typer.Argument(help="The API key.")],
    secret: Annotated[str, typer.Argument(help="The secret that signs with it.")],
    balance: Annotated[str, typer.Argument(help="USDT to begin with.")],
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Open an account. A key that is known keeps its account and only changes its secret."""
    with exchange_control(control) as stub:
        request = pb.CreateAccountRequest(api_key=key, api_secret=secret, balance=balance)
        answer = stub.CreateAccount(request, timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda made: grid("account", ["id", "key"], [[made.account_id, key]]))


@account.command("deposit", context_settings={"ignore_unknown_options": True})
def deposit(
    name: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id or one of its API keys.")],
    amount: Annotated[str, typer.Argument(help="USDT; a negative amount is paid out.")],
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Pay USDT into an account, or out of it."""
    with exchange_control(control) as stub:
        answer = stub.Deposit(pb.DepositRequest(account=name, amount=amount), timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda paid: grid("account", ["id", "balance"], [[paid.account_id, paid.balance]]),
    )
