"""A demo studio and a Chromium whose pages note every foreign request and every error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

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
VIEWPORT = (1440, 900)
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


def open_page(context: BrowserContext, viewport: tuple[int, int] = VIEWPORT) -> Page:
    """A page with `.external` (requests to other hosts) and `.errors` (console and script errors)."""
    page: Any = context.new_page()
    page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
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


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One profile for all tests of a worker.

    It lies on a disk because only then is what Gradio's bundle was compiled to kept from page to page.
    """
    path = find_chromium()
    if path is None:
        # In CI a missing browser is a failure: a suite that looks at nothing must not be green.
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium; set CHROMIUM")
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch_persistent_context(
            profile, executable_path=path, args=FLAGS, locale="en-US"
        )
        # Its first page stays open and empty, for what is asked of the profile itself.
        yield made
        made.close()


@pytest.fixture
def new_page(context: BrowserContext) -> Iterator[Callable[..., Any]]:
    """Opens pages that end with the test; nothing that they have stored is left for the next."""
    empty = context.pages[0]
    yield lambda **options: open_page(context, **options)
    origins = set()
    for page in context.pages[1:]:
        origins.add("{0.scheme}://{0.netloc}".format(urlsplit(page.url)))
        page.close()
    wire = context.new_cdp_session(empty)
    for origin in origins:
        wire.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    wire.detach()
    context.clear_cookies()


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()
