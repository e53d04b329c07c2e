"""How long a change takes to reach every service through Kafka."""

import time

from benchmarks.tables import Table, milliseconds, quantile
from perpmesh.platform.contracts import catalogue
from perpmesh.platform.settings import SERVICES
from perpmesh.testing.mesh import Mesh, eventually
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb

ROUNDS = 15


def adoption(mesh: Mesh) -> Table:
    """policy.updated → policy.adopted: published, consumed, written and acknowledged, per service."""
    waits: dict[str, list[float]] = {name: [] for name in SERVICES}
    all_seven: list[float] = []
    for number in range(ROUNDS):
        request = pb.UpdatePolicyRequest(key="portfolio.no_trade_band_pct", reason="a benchmark")
        request.value.string_value = f"0.0{2 + number % 2}"
        began = time.perf_counter()
        revision = mesh.policies.UpdatePolicy(request, timeout=5).revision
        eventually("all have adopted", lambda r=revision: _adopted(mesh, r), within=20)
        all_seven.append(time.perf_counter() - began)
    told = {
        catalogue()[e.type].message.FromString(e.payload).revision: e.time_ms
        for e in mesh.events("risk_safety.policies.v1")
    }
    for name in SERVICES:
        for event in mesh.events(f"{name}.adoptions.v1"):
            fact = catalogue()[event.type].message.FromString(event.payload)
            if fact.revision in told:
                waits[name].append((fact.adopted_at_ms - told[fact.revision]) / 1000)
    table = Table(f"policy.updated → adopted, ms, {ROUNDS} changes", ["", "p50", "p99"])
    for name, values in waits.items():
        table.rows.append((name, milliseconds(quantile(values, 0.5)), milliseconds(quantile(values, 0.99))))
    seen = (milliseconds(quantile(all_seven, 0.5)), milliseconds(quantile(all_seven, 0.99)))
    table.rows.append(("all seven, as ListAdoptions sees it", *seen))
    return table


def _adopted(mesh: Mesh, revision: int) -> bool:
    found = mesh.policies.ListAdoptions(pb.ListAdoptionsRequest(), timeout=5).adoptions
    return {one.service for one in found if one.revision >= revision} == set(SERVICES)
