"""A real headless Chromium, and the page in it."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from perpmesh.testing.mesh import Mesh

# Without the last ones Chromium calls home at every start, and the refusals drown the test's own.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
PATIENCE_MS = 45_000
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str | None:
    found = (os.environ.get("PERPMESH_CHROMIUM"), shutil.which("chromium"), shutil.which("google-chrome"))
    return next((path for path in found if path), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium: apt-get install chromium, or set PERPMESH_CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained about: console errors and warnings, exceptions."""
    return []


@pytest.fixture
def page(browser: Browser, mesh: Mesh, complaints: list[str]) -> Iterator[Page]:
    """The page of the running mesh, live."""

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    tabs = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = tabs.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.on("console", note)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(mesh.gateway)
    opened.wait_for_selector("[data-testid=connection][data-state=live]")
    yield opened
    tabs.close()
