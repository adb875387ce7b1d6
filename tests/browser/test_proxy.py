"""Behind a reverse proxy, under a path: the page finds all its parts, and the main job works."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.proxy import PREFIX, Proxy, running
from tests.browser.test_main_job import PLAYING, fill_image_to_video
from tests.conftest import App, wait_for
from tests.pictures import picture

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two proxies before one studio; both are at the same address for it, as localhost with two ports."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "var").mkdir()
    with ExitStack() as stack:
        made = [stack.enter_context(running(strips=strips)) for strips in (True, False)]
        # The name that is set need not be the only one the page works under; the first is.
        app = App(folder / "var", STUDIO_TIME_SCALE="3", STUDIO_PUBLIC_URL=made[0].url).ready()
        stack.callback(app.stop)
        for proxy in made:
            proxy.behind = app.url
        yield app, made


def links(proxy: Proxy) -> list[str]:
    page = httpx.get(f"{proxy.url}/", trust_env=False, timeout=30).text
    parts = [one for name in ('src="', 'href="') for one in page.split(name)[1:]]
    return [one.partition('"')[0] for one in parts]


def test_the_page_under_a_path_names_nothing_outside_it(proxies: Any) -> None:
    _, made = proxies
    for proxy in made:
        found = {urljoin(f"{proxy.url}/", one) for one in links(proxy)}
        ours = {one for one in found if one.startswith(proxy.url.removesuffix(PREFIX))}
        assert len(ours) > 8
        for one in ours:
            assert one.startswith(f"{proxy.url}/"), one
            assert httpx.get(one, trust_env=False).status_code == 200, one
        bare = httpx.get(proxy.url, trust_env=False, follow_redirects=True)
        assert bare.status_code == 200


def test_a_clip_is_made_and_played_under_a_path(page: Any, proxies: Any, tmp_path: Path) -> None:
    app, (proxy, _) = proxies
    still = tmp_path / "still.png"
    still.write_bytes(picture())
    refused: list[str] = []
    page.on("response", lambda one: one.status >= 400 and refused.append(one.url))
    proxied: Any = type("Proxied", (), {"url": f"{proxy.url}/"})
    pay = fill_image_to_video(page, proxied, still, "a slow push-in at dusk")
    expect(pay).to_contain_text("left after")  # the file has come through the proxy, too
    pay.click()
    expect(page.locator(".ks-board .ks-job").first).to_have_attribute("data-state", "done")
    page.wait_for_function(PLAYING)
    shown = page.evaluate("() => document.querySelector('.ks-viewer video').src")
    assert shown.startswith(f"{proxy.url}/media/")
    (job,) = wait_for(lambda: app.http.get("/api/jobs?since=0").json()["jobs"], "the job")
    file = httpx.get(proxy.url + job["assets"][0]["url"], trust_env=False)
    assert file.headers["content-type"] == "video/mp4"
    assert refused == []
    assert proxy.stray == []
    assert page.external == []
    assert page.errors == []
