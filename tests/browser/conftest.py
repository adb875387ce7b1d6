"""A demo studio and a Chromium whose pages note every foreign request and every error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.conftest import App

FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    # Nothing that a browser does for itself beside the page.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--no-first-run",
]  # fmt: skip
PATIENCE = 60_000  # ms; a machine that runs other tests as well takes its time, and only a failure waits so long
expect.set_options(timeout=PATIENCE)
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One demo studio for all browser tests, its clock a little faster."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "var").mkdir()
    app = App(folder / "var", STUDIO_TIME_SCALE="3").ready()
    yield app
    app.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        # In CI a missing browser is a failure: a suite that looks at nothing must not be green.
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium; set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: Browser, **options: Any) -> Page:
    """A page with `.external` (requests to other hosts) and `.errors` (console and script errors)."""
    context = browser.new_context(
        **{"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **options}
    )
    page: Any = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.external, page.errors = [], []

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.hostname not in ("127.0.0.1", "localhost"):
            page.external.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            page.errors.append(message.text)

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


@pytest.fixture
def page(chromium: Browser) -> Iterator[Any]:
    made = open_page(chromium)
    yield made
    made.context.close()
