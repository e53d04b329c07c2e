"""The gateway's configuration, rendered from the one template in envoy/."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import jinja2

import perpmesh
from perpmesh.kernel.errors import Refused
from perpmesh.platform import contracts
from perpmesh.platform.settings import PROCESSES, MeshSettings

HOME = Path(perpmesh.__file__).resolve().parents[2]
TEMPLATE = HOME / "envoy" / "envoy.yaml.j2"
DESCRIPTORS = HOME / "generated" / "descriptors.binpb"
WEB_ROOT = HOME / "web" / "dist"
DEVELOPMENT_ORIGIN = "http://localhost:5173"  # Vite's own server, while the page is being worked on


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One process behind the gateway, with the full names of its gRPC services."""

    name: str
    host: str
    port: int
    services: list[str]


def render(settings: MeshSettings) -> str:
    """Return the gateway's configuration.

    Raises:
        Refused: it would listen beyond loopback without TLS.
    """
    loopback = _is_loopback(settings.gateway_host)
    if not loopback and not (settings.tls_certificate and settings.tls_key):
        raise Refused(
            f"the gateway would listen on {settings.gateway_host}, beyond this machine: "
            "set PERPMESH_TLS_CERTIFICATE and PERPMESH_TLS_KEY (every caller then needs a token)",
            reason="TLS_REQUIRED",
        )
    names = [f"{host}:{settings.gateway_port}" for host in _host_names(settings)]
    scheme = "https" if settings.tls_certificate else "http"
    template = jinja2.Template(TEMPLATE.read_text(), undefined=jinja2.StrictUndefined)
    rendered: str = template.render(
        host=settings.gateway_host,
        port=settings.gateway_port,
        admin_host="127.0.0.1",
        admin_port=settings.gateway_admin_port,
        ready_host="127.0.0.1" if loopback else settings.gateway_host,
        ready_port=int(settings.gateway_ready_address.rpartition(":")[2]),
        hosts=names,
        origins=[*(f"{scheme}://{name}" for name in names), *([DEVELOPMENT_ORIGIN] if loopback else [])],
        upstreams=[_upstream(settings, name) for name in PROCESSES],
        descriptors=DESCRIPTORS,
        web_root=WEB_ROOT,
        jwks=(settings.state_dir / "gateway" / "jwks.json").absolute(),
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        token_required=not loopback,
    )
    return rendered


def write(settings: MeshSettings) -> Path:
    """Render into the state folder; return the file."""
    path = settings.state_dir / "gateway" / "envoy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(settings))
    return path


def services_of(process: str) -> list[str]:
    """Return the full names of the gRPC services a process serves to users, from its contracts."""
    found = (
        service.full_name
        for module in contracts.generated_modules("*_service_pb2.py")
        if module.DESCRIPTOR.package == f"perpmesh_api.{process}.v1"
        for service in module.DESCRIPTOR.services_by_name.values()
    )
    return list(dict.fromkeys(found))  # the transcoder answers nothing when a service is named twice


def _upstream(settings: MeshSettings, name: str) -> Upstream:
    host, _, port = settings.address(name).rpartition(":")
    return Upstream(name=name, host=host, port=int(port), services=services_of(name))


def _host_names(settings: MeshSettings) -> list[str]:
    extra = [name for name in settings.gateway_names.split(",") if name]
    return ["localhost", "127.0.0.1", "[::1]", *extra]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
