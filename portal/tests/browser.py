"""A real Chromium for tests: fixtures ``chromium``, ``new_page``, and axe-core's judgement of a page."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

AXE = next((Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js"))
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
_QUIET += ["--disable-component-update", "--disable-sync"]
NewPage = Callable[..., Page]


def _executable() -> str | None:
    """``CHROMIUM``, Debian's chromium, or None for the one that playwright brought (Ubuntu)."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run; each page gets a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), args=_QUIET)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Opens a page in a fresh context: ``new_page(width=360, color_scheme="dark", ...)``.

    What the page complains about on its console or refuses by its Content-Security-Policy fails the test at its end.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refused request (401, 404, 409 ...) is often what a test is about; the page's own errors never are.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def make(width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, client: Any, url: str) -> None:
    """Give ``page`` the session of a Django test client that is signed in."""
    cookies = [{"name": name, "value": morsel.value, "url": url} for name, morsel in client.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]  # these two keys and an address are enough


def axe_findings(page: Page, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds wrong with the page as it stands: rule, and the elements that break it.

    ``rules`` limits the search to those named, where only they can differ.
    """
    # Evaluated by the debugger, which the page's Content-Security-Policy does not bind.
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = page.evaluate("async options => (await axe.run(document, options)).violations", options)
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than its window; 0 for one that fits."""
    wider: int = page.evaluate(
        "() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"
    )
    return wider
