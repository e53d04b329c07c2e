"""The page in a real browser against the real mesh: what it shows is true, it stops the mesh, and it heals."""

import pytest
from playwright.sync_api import Locator, Page, expect

from perpmesh.testing.mesh import Mesh, eventually
from perpmesh.testing.ordering import SYMBOL, open_position
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as health_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb

pytestmark = [pytest.mark.mesh, pytest.mark.browser]

# How many pixels of the chart's canvases are not blank: candles that are counted but not drawn would not do.
PAINTED = """chart => [...chart.querySelectorAll('canvas')].reduce((painted, canvas) => {
  if (!canvas.width || !canvas.height) return painted
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
  for (let i = 3; i < data.length; i += 4) if (data[i]) painted++
  return painted
}, 0)"""


def at(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def test_it_shows_the_venue_the_latch_and_every_component_without_a_complaint(
    mesh: Mesh, page: Page, complaints: list[str]
) -> None:
    components = mesh.health.GetHealthAll(health_pb.GetHealthAllRequest(), timeout=5).components
    expect(at(page, "environment")).to_have_text("SIMULATED")
    expect(at(page, "ess-state")).to_have_text("ARMED")
    for component in components:
        dot = page.locator(f'[data-testid=health-dot][data-name="{component.name}"]')
        expect(dot).to_have_attribute("data-status", "serving")
    assert len(components) >= 10
    assert complaints == []


def test_it_draws_the_candles_of_the_symbol_that_is_chosen(page: Page) -> None:
    chart = at(page, "chart")
    page.wait_for_selector("[data-testid=chart][data-symbol=BTCUSDT][data-candles]")
    bitcoin = float(chart.get_attribute("data-close") or 0)
    assert int(chart.get_attribute("data-candles") or 0) > 90  # a day of quarters was back-filled
    assert chart.evaluate(PAINTED) > 1000
    at(page, "choose-ETHUSDT").click()
    at(page, "choose-1m").click()
    page.wait_for_function(
        "before => { const { symbol, interval, close } = document.querySelector('[data-testid=chart]').dataset\n"
        "return symbol === 'ETHUSDT' && interval === '1m' && Number(close) > 0 && Number(close) < before / 2 }",
        arg=bitcoin,
    )


def test_the_open_candle_and_market_time_move_by_themselves(page: Page) -> None:
    page.wait_for_selector("[data-testid=chart][data-close]")
    for name, look in (("chart", "it.dataset.close"), ("market-time", "it.textContent")):
        before = page.evaluate(
            f"(() => {{ const it = document.querySelector('[data-testid={name}]'); return {look} }})()"
        )
        page.wait_for_function(
            f"before => {{ const it = document.querySelector('[data-testid={name}]'); return {look} !== before }}",
            arg=before,
        )


def test_a_position_moves_equity_and_stands_on_the_chart_with_its_stop(mesh: Mesh, page: Page) -> None:
    equity = at(page, "equity")
    page.wait_for_selector("[data-testid=equity][data-value]")
    before = equity.get_attribute("data-value")
    open_position(mesh)
    expect(at(page, "position").filter(has_text=SYMBOL)).to_be_visible()
    expect(at(page, "position").filter(has_text=SYMBOL)).to_contain_text("stop")
    expect(equity).not_to_have_attribute("data-value", before or "")
    page.wait_for_selector('[data-testid=chart][data-lines*="stop:"]')
    page.wait_for_function("Number(document.querySelector('[data-testid=chart]').dataset.markers) > 0")
    expect(at(page, "event").filter(has_text="trade.opened").first).to_be_visible()


def test_a_decision_appears_with_its_reasons(mesh: Mesh, page: Page) -> None:
    at(page, "toggle-holds").click()
    made = mesh.decisions.Decide(ai_pb.DecideRequest(symbol=SYMBOL, execute=True), timeout=10).decision
    row = page.locator(f'[data-testid=decision][data-key="{made.decision_id}"]')
    expect(row).to_contain_text(SYMBOL)
    expect(row).to_contain_text(made.reasons[0])
    row.locator("summary").click()
    expect(row).to_contain_text(made.feature_hash)


def test_one_press_of_the_stop_button_stops_nothing(mesh: Mesh, page: Page) -> None:
    at(page, "stop-button").click()
    expect(at(page, "stop-button")).to_have_text("PRESS AGAIN")
    expect(at(page, "stop-button")).to_have_text("STOP")
    assert mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status.state == ess_pb.ESS_STATE_ARMED


def test_two_presses_stop_the_mesh_and_every_tab_says_that_it_holds(mesh: Mesh, page: Page) -> None:
    other = page.context.new_page()
    other.goto(mesh.gateway)
    expect(at(other, "ess-state")).to_have_text("ARMED")
    at(page, "stop-button").click()
    at(page, "stop-button").click()
    expect(at(page, "stop-banner")).to_contain_text("HOLDS: no entry can reach the exchange")
    expect(at(page, "stop-banner")).to_contain_text("entry leases:")
    expect(at(page, "stop-button")).to_have_text("STOPPED")
    expect(at(page, "ess-state")).to_have_text("TRIPPED")
    status = mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status
    assert status.state == ess_pb.ESS_STATE_TRIPPED
    assert status.trip.reason == "stop button on the page"
    expect(at(other, "stop-banner")).to_contain_text("HOLDS")
    expect(at(other, "gate")).to_contain_text("no entries")
    other.close()


def test_it_reconnects_by_itself_after_the_gateway_was_killed(mesh: Mesh, page: Page) -> None:
    before = mesh.kill("gateway")
    page.wait_for_selector("[data-testid=connection][data-state=reconnecting]")
    eventually("the gateway runs again", lambda: mesh.processes()["gateway"]["pid"] != before)
    page.wait_for_selector("[data-testid=connection][data-state=live]")
    shown = at(page, "market-time").text_content()
    expect(at(page, "market-time")).not_to_have_text(shown or "")
    expect(at(page, "ess-state")).to_have_text("ARMED")
