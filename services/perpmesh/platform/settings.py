"""What differs between one mesh and another, read once from the environment. An unknown PERPMESH_ variable is fatal."""

import os
from enum import Enum, StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PERPMESH_"
SERVICES = (
    "risk_safety",
    "ai_engine",
    "execution",
    "portfolio_intelligence",
    "rl_training",
    "monitoring_health",
    "market_data",
)
EXCHANGE = "exchange_sim"
PROCESSES = (*SERVICES, EXCHANGE)


class UnknownSetting(ValueError):
    """An environment variable carries our prefix and means nothing: most likely a misspelt one."""


class VenueKind(StrEnum):
    """Which venue this mesh is bound to."""

    SIMULATED = "simulated"
    TESTNET = "testnet"
    LIVE = "live"


class MeshSettings(BaseSettings):
    """One mesh. Every field is an environment variable: PERPMESH_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    state_dir: Path = Path(".perpmesh")
    environment: VenueKind = VenueKind.SIMULATED
    symbols: str = "BTCUSDT,ETHUSDT"
    log_level: str = "INFO"
    otlp_endpoint: str = ""

    exchange_url: str = "http://127.0.0.1:8010"
    api_key: SecretStr = SecretStr("perpmesh-paper-key")
    api_secret: SecretStr = SecretStr("perpmesh-paper-secret")

    kafka: str = "127.0.0.1:19092"
    kafka_idempotent: bool = False  # the embedded broker has no idempotent producer; Apache Kafka has
    kafka_fetch_wait_ms: int = Field(default=100, ge=1, le=1000)  # an idle fetch waits this long: latency against load

    database_url: str = ""  # empty: a SQLite file per service in the state folder

    listen_host: str = "127.0.0.1"
    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8003
    gateway_admin_port: int = 8004
    gateway_ready_address: str = "127.0.0.1:8005"  # where the gateway says that it serves: monitoring asks there
    gateway_names: str = ""  # further host names under which the gateway may be called, with commas
    tls_certificate: str = ""
    tls_key: str = ""
    risk_safety_address: str = "127.0.0.1:50051"
    ai_engine_address: str = "127.0.0.1:50052"
    execution_address: str = "127.0.0.1:50053"
    portfolio_intelligence_address: str = "127.0.0.1:50054"
    rl_training_address: str = "127.0.0.1:50055"
    monitoring_health_address: str = "127.0.0.1:50056"
    market_data_address: str = "127.0.0.1:50057"
    exchange_sim_address: str = "127.0.0.1:50058"
    metrics_port_base: int = 9101  # Prometheus on base + the process's place in PROCESSES; 0: off

    exchange_port: int = 8010
    exchange_speed: float = 60.0
    exchange_balance: str = "10000"

    @classmethod
    def load(cls) -> Self:
        """Read the environment; raise UnknownSetting for a PERPMESH_ variable that no field reads."""
        known = {PREFIX + name.upper() for name in cls.model_fields}
        unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise UnknownSetting(f"no setting is called {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return cls()

    @property
    def symbol_list(self) -> list[str]:
        return [symbol for symbol in self.symbols.split(",") if symbol]

    @property
    def exchange_ws_url(self) -> str:
        """The WebSocket host of the exchange, without a trailing slash."""
        return self.exchange_url.replace("http://", "ws://", 1).replace("https://", "wss://", 1).rstrip("/")

    def address(self, process: str) -> str:
        """Where a process serves gRPC, as host:port."""
        return str(getattr(self, f"{process}_address"))

    def listen(self, process: str) -> str:
        """What a process binds: the port of its address on our own host."""
        return f"{self.listen_host}:{self.address(process).rpartition(':')[2]}"

    def metrics_port(self, process: str) -> int:
        return self.metrics_port_base + PROCESSES.index(process) if self.metrics_port_base else 0

    def service_database_url(self, service: str) -> str:
        """SQLAlchemy URL of a service's own store."""
        if self.database_url:
            return self.database_url
        return f"sqlite+aiosqlite:///{(self.state_dir / 'db' / f'{service}.sqlite').absolute()}"

    def environment_of_children(self) -> dict[str, str]:
        """Return these settings as environment variables, for the processes a supervisor starts."""
        values: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            elif isinstance(value, Enum):
                value = value.value
            elif isinstance(value, Path):
                value = value.absolute()
            values[PREFIX + name.upper()] = str(value)
        return values
