"""docker-compose.yml says what the code reads: its environment names, ports and commands. (No engine runs here.)"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from perpmesh.cli.gateway import HOME
from perpmesh.cli.main import app
from perpmesh.platform.settings import PREFIX, PROCESSES, MeshSettings

COMPOSE: dict[str, Any] = yaml.safe_load((HOME / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENVIRONMENT: dict[str, str] = COMPOSE["x-mesh"]["environment"]


def settings(monkeypatch: pytest.MonkeyPatch) -> MeshSettings:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return MeshSettings.load()


def test_every_process_has_a_service_that_runs_it() -> None:
    for process in PROCESSES:
        assert SERVICES[process]["command"] == ["run", process]


def test_every_environment_name_is_one_the_code_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    settings(monkeypatch)  # raises UnknownSetting


def test_addresses_name_services_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings(monkeypatch)
    for process in PROCESSES:
        assert loaded.address(process).partition(":")[0] == process
    assert loaded.gateway_ready_address.partition(":")[0] in SERVICES
    assert loaded.kafka.partition(":")[0] in SERVICES
    assert re.search(r"@(\w+):", loaded.database_url)[1] in SERVICES


def test_published_ports_are_those_the_processes_listen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings(monkeypatch)
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{loaded.gateway_port}:{loaded.gateway_port}"]
    assert SERVICES["exchange_sim"]["ports"] == [f"127.0.0.1:{loaded.exchange_port}:{loaded.exchange_port}"]


def test_the_gateways_configuration_is_the_one_make_up_uses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings(monkeypatch)
    monkeypatch.setenv("PERPMESH_STATE_DIR", str(tmp_path))
    assert SERVICES["gateway-config"]["command"][0] == "gateway-config"
    done = CliRunner().invoke(app, ["gateway-config"])
    assert done.exit_code == 0, done.output
    rendered = yaml.safe_load(done.stdout)
    clusters = {cluster["name"] for cluster in rendered["static_resources"]["clusters"]}
    assert clusters == set(PROCESSES)
    assert "DownstreamTlsContext" in json.dumps(rendered), "beyond loopback it speaks TLS"


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose on this machine")
def test_docker_compose_accepts_the_file() -> None:
    done = subprocess.run(
        ["docker-compose", "-f", str(HOME / "docker-compose.yml"), "config", "--quiet"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
