"""The page through all of it: the studio is killed and Kling rages while it is open, and no card ever lies."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.watching import assert_truthful, board, row, watch
from tests.conftest import KEYS, App, Simulator, wait_for
from tests.pictures import picture

pytestmark = pytest.mark.browser
ENDED = {"done", "failed", "canceled"}
OUTAGE = re.compile(r"Failed to load resource|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|ERR_NETWORK")
RAGE = [
    {"kind": "lost_after", "on": "create", "times": 2, "rate": 0.4},
    {"kind": "lost_before", "on": "create", "times": 2, "rate": 0.4},
    {"kind": "refuse", "on": "create", "code": 1303, "times": 3, "rate": 0.4},
    {"kind": "status", "on": "create", "status": 503, "times": 1, "rate": 0.4, "after": True},
    {"kind": "latency", "on": "create", "seconds": 1.5, "rate": 0.7},
    {"kind": "status", "on": "list", "rate": 0.3},
    {"kind": "hostile", "on": "list", "body": "malformed", "times": 4},
    {"kind": "latency", "on": "list", "seconds": 0.5, "rate": 0.3},
    {"kind": "hostile", "on": "look", "body": "other_task", "times": 3},
    {"kind": "cut", "on": "download", "times": 2},
    {"kind": "expired", "on": "download", "times": 1},
    {"kind": "stall", "on": "download", "seconds": 3, "rate": 0.4},
]


@pytest.fixture
def kling(tmp_path: Path) -> Iterator[Simulator]:
    started = Simulator(tmp_path, speed=60)
    yield started
    started.stop()


@pytest.fixture
def env(kling: Simulator) -> dict[str, str]:
    return {
        "KLING_BASE_URL": kling.url, "KLING_ACCESS_KEY": KEYS[0], "KLING_SECRET_KEY": KEYS[1],
        "STUDIO_TIME_SCALE": "10", "STUDIO_WORKERS": "4",
    }  # fmt: skip


@pytest.fixture
def visit(new_page: Callable[..., Any]) -> Iterator[Callable[[App], Page]]:
    """Opens the studio on a page that is watched; at the end nothing foreign was asked for, nothing broke."""
    pages: list[Any] = []

    def open_watched(app: App) -> Page:
        page: Any = watch(new_page())
        pages.append(page)
        page.goto(app.url)
        expect(page.locator(".ks-header .ks-balance")).to_be_visible()
        return page

    yield open_watched
    found = [(page.external, [e for e in page.errors if not OUTAGE.search(e)]) for page in pages]
    assert all(one == ([], []) for one in found), found


def faults(kling: Simulator, *rows: dict[str, Any]) -> None:
    url = f"{kling.url}/_simulator/faults"
    httpx.post(url, json={"faults": list(rows)}, trust_env=False).raise_for_status()


def states(app: App) -> dict[str, str]:
    return {job["id"]: job["state"] for job in app.http.get("/api/jobs?since=0").json()["jobs"]}


def load(app: App) -> None:
    """Takes of every kind: quick ones, slow ones, with a picture of our own, and one that Kling fails."""
    still = app.upload(picture())["id"]
    app.submit("image_generation", {"prompt": "a vase"}, variant_count=3)
    app.submit("text_to_video", {"prompt": "a boat [slow]"}, variant_count=2)
    app.submit("image_to_video", {"prompt": "a push-in", "image": still})
    app.submit("text_to_video", {"prompt": "a storm [fail]"})
    app.submit("text_to_video", {"prompt": "dusk"}, variant_count=3)


def die(app: App, page: Page, seen: set[str]) -> float:
    """`kill -9` in the thick of it; the page says within seconds that it hears nothing."""

    def thick() -> bool:
        now = set(states(app).values()) - ENDED
        # Which others come together is chance; that Kling has one of them is what a kill is about.
        return len(now) >= 3 and "running" in now

    wait_for(thick, "three kinds of open takes, one of them running")
    seen |= set(states(app).values())
    at = time.time() * 1000
    app.kill()
    counts = page.locator(".ks-header .ks-counts")
    expect(counts).to_have_text("Offline, jobs go on")
    return at


def test_every_card_tells_the_truth_while_the_studio_is_killed_and_kling_rages(
    start_app: Callable[..., App],
    kling: Simulator,
    env: dict[str, str],
    visit: Callable[[App], Page],
) -> None:
    app = start_app(**env)
    page = visit(app)
    page.get_by_role("tab", name="Text to video", exact=True).click()
    prompt = page.locator("#f-text_to_video-prompt textarea")
    prompt.fill("half a thought, and")
    faults(kling, *RAGE)
    seen: set[str] = set()
    blind: list[tuple[float, float]] = []
    for _ in range(2):
        load(app)
        died = die(app, page, seen)
        told = board(page)
        app = start_app(**env)
        assert board(page) == told or page.locator(".ks-header [data-count=offline]").count() == 0
        expect(page.locator(".ks-header [data-count=offline]")).to_have_count(0)
        blind.append((died, time.time() * 1000))
    other = visit(app)
    assert len(seen - ENDED) >= 3, f"killed in {seen} only"
    faults(kling, *RAGE[5:])
    wait_for(lambda: set(states(app).values()) <= ENDED, "every take to end", 90)
    jobs = app.http.get("/api/jobs?since=0").json()["jobs"]
    assert sorted(job["state"] for job in jobs) == ["done"] * 18 + ["failed"] * 2
    for shown in (page, other):
        for job in jobs:
            expect(row(shown, job["take"])).to_have_attribute("data-state", job["state"])
        balance = f"{app.credits()['available']:,}"
        expect(shown.locator(".ks-header .ks-balance b")).to_have_text(balance)
    assert board(page) == board(other)
    expect(prompt).to_have_value("half a thought, and")
    assert app.credits()["spent"] == sum(job["price"] for job in jobs if job["state"] == "done")
    assert len(kling.tasks()) == len(jobs), "each was made once at Kling"
    assert len(page.evaluate("window.offline")) == 4, "offline was said twice, and taken back"
    assert_truthful(page, app.folder, blind, late=6)


def test_words_typed_while_the_studio_is_away_come_back_and_nothing_is_sold(
    start_app: Callable[..., App], env: dict[str, str], visit: Callable[[App], Page]
) -> None:
    app = start_app(**env)
    page = visit(app)
    page.get_by_role("tab", name="Text to video", exact=True).click()
    prompt = page.locator("#f-text_to_video-prompt textarea")
    pay = page.locator("#form-text_to_video .ks-paybtn")
    prompt.fill("half a thought, and")
    expect(pay).to_contain_text("210 credits")
    app.kill()
    expect(pay).to_contain_text("does not answer")
    pay.click()
    prompt.fill("half a thought, and rain")  # nobody hears it now
    app = start_app(**env)
    expect(pay).to_contain_text("210 credits")
    expect(prompt).to_have_value("half a thought, and rain")
    assert app.http.get("/api/jobs?since=0").json()["jobs"] == []


def test_a_page_that_slept_is_true_again_at_once(
    start_app: Callable[..., App], env: dict[str, str], visit: Callable[[App], Page]
) -> None:
    app = start_app(**env)
    page = visit(app)
    [job] = app.submit("text_to_video", {"prompt": "a boat"})
    expect(row(page, job["take"])).to_be_visible()
    wire = page.context.new_cdp_session(page)
    wire.send("Page.setWebLifecycleState", {"state": "frozen"})
    app.wait_state(job["id"], "done")
    [later] = app.submit("image_generation", {"prompt": "a vase"})
    app.wait_state(later["id"], "done")
    wire.send("Page.setWebLifecycleState", {"state": "active"})
    for one in (job, later):
        expect(row(page, one["take"])).to_have_attribute("data-state", "done")
    # Hidden, an idle page asks nothing; looked at again it asks at once.
    hide = (
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true });"
    )
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(f"{hide} window.away = true; {turn}")
    [third] = app.submit("image_generation", {"prompt": "a bowl"})
    app.wait_state(third["id"], "done")
    page.evaluate(f"window.away = false; {turn}")
    expect(row(page, third["take"])).to_have_attribute("data-state", "done")
    assert (
        page.locator(".ks-header .ks-balance b").text_content() == f"{app.credits()['available']:,}"
    )


def test_refused_keys_are_one_banner_and_good_keys_end_it(
    start_app: Callable[..., App], env: dict[str, str], visit: Callable[[App], Page]
) -> None:
    wrong = {**env, "KLING_SECRET_KEY": "not-the-secret-of-this-account-at-all"}
    app = start_app(**wrong)
    page = visit(app)
    before = app.credits()["available"]
    jobs = app.submit("image_generation", {"prompt": "a vase"}, variant_count=3)
    banner = page.locator(".ks-notice:visible")
    expect(banner).to_have_count(1)
    expect(banner).to_contain_text("Takes wait and nothing is charged. Check the keys")
    for job in jobs:
        expect(row(page, job["take"])).to_have_attribute("data-state", "queued")
        expect(row(page, job["take"]).locator(".ks-open")).to_have_text("Paused")
    app.kill()
    app = start_app(**env)
    for job in jobs:
        expect(row(page, job["take"])).to_have_attribute("data-state", "done")
    expect(banner).to_have_count(0)
    assert app.credits()["available"] == before - sum(job["price"] for job in jobs)


def test_an_unknown_outcome_waits_for_its_owner_with_two_ways_out(
    start_app: Callable[..., App],
    kling: Simulator,
    env: dict[str, str],
    visit: Callable[[App], Page],
) -> None:
    """An API key cannot be fenced: where Kling may take the same id twice, nobody but the owner may say so."""
    pair = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")
    alone = {name: value for name, value in env.items() if name not in pair}
    kling.stop()
    kling = Simulator(kling.folder, "--api-key", "the-key-of-this-test", speed=60)
    alone |= {"KLING_BASE_URL": kling.url, "KLING_API_KEY": "the-key-of-this-test"}
    alone["STUDIO_TIME_SCALE"] = "300"
    try:
        app = start_app(**alone)
        page = visit(app)
        before = app.credits()["available"]
        faults(kling, {"kind": "lost_before", "on": "create", "times": 2})
        still = app.upload(picture())["id"]
        given, sent = app.submit(
            "image_to_video", {"prompt": "a push-in", "image": still}, variant_count=2
        )
        for job in (given, sent):
            expect(row(page, job["take"])).to_have_attribute(
                "data-state", "unknown", timeout=30_000
            )
            expect(row(page, job["take"])).to_contain_text("Unknown, 210 held")
        row(page, given["take"]).get_by_role("button", name="Decide now").click()
        decide = page.locator(".ks-viewer .ks-actions")
        decide.get_by_role("button", name="Release 210 credits").click()
        expect(decide).to_contain_text("your Kling account may still be charged")
        decide.get_by_role("button", name="Release 210 credits").click()
        expect(row(page, given["take"])).to_have_attribute("data-state", "canceled")
        row(page, sent["take"]).get_by_role("button", name="Decide now").click()
        decide.get_by_role("button", name="Send it again").click()
        expect(decide).to_contain_text("charged twice")
        decide.get_by_role("button", name="Send it again").click()
        expect(row(page, sent["take"])).to_have_attribute("data-state", "done")
        assert app.credits()["available"] == before - 210
        assert app.credits()["held"] == 0
        assert len(kling.tasks()) == 1
    finally:
        kling.stop()
