"""How one simulated exchange is set up. The command line and the supervisor fill this in."""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.domain.signature import public_key
from perpmesh.kernel.errors import Invalid
from perpmesh.platform.settings import EXCHANGE, MeshSettings

ACCOUNT_PARTS = 3


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """Who may trade, and what they begin with. The balance counts only when the account is new."""

    api_key: str
    secret: str  # shared with the client, or the client's public key in PEM
    balance: Decimal

    @classmethod
    def parse(cls, text: str) -> "AccountConfig":
        """Read KEY:SECRET:BALANCE, or KEY:@FILE:BALANCE with a file that holds a public key."""
        parts = text.split(":")
        if len(parts) != ACCOUNT_PARTS or not all(parts):
            raise Invalid("an account is written KEY:SECRET:BALANCE", reason="ACCOUNT_MALFORMED", field="account")
        try:
            balance = Decimal(parts[2])
        except InvalidOperation:
            raise Invalid("the balance is not a number", reason="ACCOUNT_MALFORMED", field="account") from None
        return cls(parts[0], _public_key(Path(parts[1][1:])) if parts[1].startswith("@") else parts[1], balance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be chosen; the defaults are a venue at real time on the shipped candles."""

    host: str = "127.0.0.1"
    port: int = 8010
    grpc_listen: str = ""  # host:port of the control service; empty: none
    speed: float = 1.0  # 0: as fast as the machine can
    seed: int = 1
    accounts: tuple[AccountConfig, ...] = ()
    insurance: Decimal = Decimal(1_000_000)  # what the fund of a new venue has; with little, accounts are deleveraged
    data: tuple[Path, ...] = ()  # files of candles, or one of synthetic:SEED, raw_ws:FOLDER; none: the shipped candles
    funding: tuple[Path, ...] = ()  # files of real rates; none: the feed's own premium
    state_dir: Path | None = None  # None: nothing is kept
    start_ms: int | None = None  # where in the data to begin; None: five days into it
    limits: Limits = field(default_factory=Limits)
    strict_routes: bool = False  # withhold market streams off their route, as the venue does silently

    @classmethod
    def of_mesh(cls, settings: MeshSettings) -> "Config":
        """Return the paper venue of a mesh."""
        key, secret = settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()
        return cls(
            host=settings.listen_host,
            port=settings.exchange_port,
            grpc_listen=settings.listen(EXCHANGE),
            speed=settings.exchange_speed,
            accounts=(AccountConfig.parse(f"{key}:{secret}:{settings.exchange_balance}"),),
            state_dir=settings.state_dir / "exchange",
        )


def _public_key(path: Path) -> str:
    try:
        pem = path.read_text().strip()
        public_key(pem)
    except (OSError, ValueError) as error:
        text = f"{path} holds no public key that can be used: {error}"
        raise Invalid(text, reason="PUBLIC_KEY_MALFORMED", field="account") from None
    return pem
