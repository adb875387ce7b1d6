"""The islands on a page whose feed the test writes: states, order, hostile words, keys, line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.feed import HOSTILE, Feed

pytestmark = pytest.mark.browser

FAILED = {"code": "kling_1301", "message": HOSTILE, "next": "Change the prompt."}
TOO_LARGE = {"code": "result_too_large", "message": "The file has 3 bytes; at most 2.", "next": ""}
UNREADABLE = {"code": "answer_unreadable", "message": "Kling tells nothing readable.", "next": ""}
STATES: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("queued", {"status": "queued", "queue_position": 3}, "Queued, 3rd in line", None),
    ("sending", {"status": "preparing", "progress": 5}, "Preparing", "5"),
    ("sending", {"status": "submitting", "progress": 10}, "Submitting", "10"),
    ("running", {"status": "generating", "progress": 43}, "Generating", "43"),
    ("running", {"status": "late", "progress": 79}, "Taking longer than usual", "79"),
    ("checking", {"status": "checking", "progress": 10}, "Checking with Kling", None),
    ("saving", {"status": "downloading", "progress": 80}, "Downloading", "80"),
    ("saving", {"status": "storing", "progress": 90}, "Storing", "90"),
    ("failed", {"status": "failed", "error": FAILED}, "Failed, 210 refunded", None),
    ("running", {"status": "unreadable", "progress": 43}, "Still asking Kling", "43"),
    ("running", {"status": "unanswered", "progress": 43}, "Kling does not answer", "43"),
    ("saving", {"status": "set_aside", "error": TOO_LARGE}, "Set aside, 210 held", None),
    ("unknown", {"status": "unknown"}, "Unknown, 210 held", None),
    ("unknown", {"status": "undecided", "error": UNREADABLE}, "Your decision, 210 held", None),
    ("canceled", {"status": "canceled"}, "Canceled", None),
]


@pytest.fixture
def feed(page: Page, studio: Any) -> Iterator[Callable[[Feed], Page]]:
    """Opens the studio on a feed and waits until the board has drawn it."""

    def open_page(feed: Feed) -> Page:
        feed.install(page)
        page.goto(getattr(studio, "url", studio))
        expect(page.locator(".ks-board .ks-job")).to_have_count(min(50, len(feed.jobs)))
        return page

    yield open_page
    assert getattr(page, "external", []) == []


def row(page: Page, take: str) -> Any:
    return page.locator(f'.ks-job[data-take="{take}"]')


def test_an_owner_who_must_decide_reads_why_and_has_two_ways_out(
    feed: Callable[[Feed], Page],
) -> None:
    told = Feed()
    told.put("1A", "unknown", status="undecided", error=UNREADABLE)
    told.put("2A", "saving", status="set_aside", error=TOO_LARGE)
    page = feed(told)
    stage, acts = page.locator(".ks-viewer"), page.locator(".ks-viewer .ks-actions")
    for take, words, again in (
        ("1A", UNREADABLE["message"], "Ask again"),
        ("2A", TOO_LARGE["message"], "Store it again"),
    ):
        row(page, take).get_by_role("button", name="Decide now").click()
        expect(stage).to_contain_text(words)
        expect(acts.get_by_role("button", name=again)).to_be_visible()
        expect(acts.get_by_role("button", name="Release 210 credits")).to_be_visible()
        expect(acts.get_by_role("button", name="Cancel")).to_have_count(0)


def test_every_state_has_its_words_and_its_bar(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    for n, (state, more, _, _) in enumerate(STATES, 1):
        told.put(f"{n}A", state, **more)
    page = feed(told)
    for n, (state, _, words, percent) in enumerate(STATES, 1):
        expect(row(page, f"{n}A").locator(".ks-open")).to_have_text(words)
        bar = row(page, f"{n}A").locator("[role=progressbar]")
        if percent:
            expect(bar).to_have_attribute("aria-valuenow", percent)
            expect(bar).to_have_attribute("aria-label", words)
        else:
            expect(bar).to_be_visible() if state == "checking" else expect(bar).to_be_hidden()


def test_a_hostile_prompt_is_only_text(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "failed", error=FAILED, params={"prompt": HOSTILE})
    page = feed(told)
    row(page, "1A").get_by_role("button", name="Why").click()
    row(page, "1A").locator(".ks-open").click()
    expect(page.locator(".ks-words")).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".ks img[src='x']").count() == 0


def test_a_row_keeps_its_place_under_the_pointer(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 30)
    page = feed(told)
    row(page, "1A").hover()
    told.put("2A", "queued", "queued")
    told.put("1A", "running", "generating", 40)
    expect(row(page, "1A").locator(".ks-num")).to_have_text("40%")
    assert page.locator(".ks-job").count() == 1
    page.mouse.move(5, 300)
    expect(page.locator(".ks-job").first).to_have_attribute("data-take", "2A")


def test_a_bar_never_runs_backwards(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 60)
    page = feed(told)
    told.put("1A", "running", "generating", 40)
    told.put("2A", "done")
    expect(row(page, "2A")).to_be_visible()
    expect(row(page, "1A").locator(".ks-num")).to_have_text("60%")


def test_the_stage_follows_a_take_to_its_result(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 30)
    page = feed(told)
    expect(page.locator(".ks-viewer .ks-state b")).to_have_text("Generating")
    told.done("1A", count=3)
    expect(page.locator(".ks-viewer .ks-zoom img")).to_be_visible()
    expect(page.locator(".ks-tile")).to_have_count(3)
    expect(page.locator(".ks-announced")).to_contain_text("1A done")
    page.keyboard.press("]")
    expect(page.locator(".ks-tile[aria-current]")).to_have_text("A2")
    page.locator(".ks-zoom").click()
    expect(page.locator(".ks-zoom")).to_have_attribute("data-in", "")


def test_the_title_counts_what_got_done_meanwhile(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 30)
    told.put("1B", "running", "generating", 30)
    page = feed(told)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true });"
        "window.away = true"
    )
    told.done("1A")
    told.done("1B")
    page.evaluate("studio.refresh()")
    expect(page).to_have_title("(2) Kling Studio")
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Kling Studio")


def test_keys_walk_the_board_and_rest_while_typing(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    for take in ("1A", "2A", "3A"):
        told.done(take)
    page = feed(told)
    expect(page.locator(".ks-take")).to_have_text("3A")
    page.keyboard.press("j")
    expect(page.locator(".ks-take")).to_have_text("2A")
    page.keyboard.press("l")
    expect(page.locator(".ks-take")).to_have_text("3A")
    prompt = page.locator("#form-col textarea:visible").first
    prompt.click()
    page.keyboard.type("jjj?")
    expect(page.locator(".ks-take")).to_have_text("3A")
    expect(prompt).to_have_value("jjj?")
    page.locator(".ks-keys").click()
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")


def test_trying_again_is_one_purchase_however_often_it_is_pressed(
    feed: Callable[[Feed], Page],
) -> None:
    told = Feed()
    told.put("1A", "failed", error={"code": "kling_5000", "message": "", "next": ""})
    page = feed(told)
    row(page, "1A").get_by_role("button", name="Try again").dblclick()
    expect(row(page, "1A").get_by_role("button", name="Sent again")).to_be_visible()
    [(path, body)] = told.posted
    assert path == "/api/jobs"
    assert body["params"]["prompt"] == "Take 1A"
    assert len(body["click_id"]) == 36


def test_older_takes_are_loaded_on_demand(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    for n in range(11, 71):
        told.put(f"{n}A", "canceled")
    past = Feed()
    past.done("1A")
    told.older = list(past.jobs.values())
    page = feed(told)
    page.get_by_role("button", name="Older takes").click()
    expect(page.locator(".ks-job")).to_have_count(61)
    assert any(query.startswith("before=job-11A") for query in told.asked)
    expect(page.get_by_role("button", name="Older takes")).to_be_hidden()


def test_offline_is_said_and_mends_itself(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 30)
    page = feed(told)
    told.offline = True
    counts = page.locator(".ks-header .ks-counts")
    expect(counts).to_have_text("Offline, jobs go on")
    told.offline = False
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(counts).to_contain_text("1running")


def test_a_refused_account_is_one_banner(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.put("1A", "queued", "paused")
    told.notice = {"code": "kling_1002", "message": "Auth failed", "next": ""}
    page = feed(told)
    expect(page.locator(".ks-notice")).to_contain_text("Kling does not accept the keys.")
    expect(page.locator(".ks-notice")).to_contain_text("nothing is charged")


def test_language_and_scheme_are_remembered(feed: Callable[[Feed], Page]) -> None:
    told = Feed()
    told.done("1A")
    page = feed(told)
    before = page.evaluate("document.body.classList.contains('dark')")
    page.locator(".ks-scheme").click()
    page.locator(".ks-lang").click()
    expect(page.locator(".ks-bh b")).to_have_text("最近")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(page.locator(".ks-bh b")).to_have_text("最近")
    assert page.evaluate("document.body.classList.contains('dark')") != before


def test_a_place_in_line_moves_up_though_the_take_itself_did_not(
    feed: Callable[[Feed], Page],
) -> None:
    told = Feed()
    waits = told.put("1A", "queued", "queued", queue_position=3)
    page = feed(told)
    told.queue_positions = {waits: [1, None]}
    page.evaluate("studio.refresh()")
    expect(row(page, "1A").locator(".ks-open")).to_have_text("Queued, next in line")


def test_takes_that_nobody_has_tried_yet_wait_too_while_the_account_is_refused(
    feed: Callable[[Feed], Page],
) -> None:
    told = Feed()
    told.put("1A", "queued", "paused")
    told.put("2A", "queued", "queued", queue_position=2)
    page = feed(told)
    told.notice = {"code": "kling_1002", "message": "Auth failed", "next": ""}
    page.evaluate("studio.refresh()")
    expect(row(page, "2A").locator(".ks-open")).to_have_text("Paused")
    told.notice = None
    page.evaluate("studio.refresh()")
    expect(row(page, "2A").locator(".ks-open")).to_have_text("Queued, 2nd in line")


def test_a_server_clock_that_was_set_back_does_not_stop_a_card(
    feed: Callable[[Feed], Page],
) -> None:
    told = Feed()
    told.put("1A", "running", "generating", 30)
    page = feed(told)
    told.put("1A", "failed", updated_at=1, error=FAILED)
    page.evaluate("studio.refresh()")
    expect(row(page, "1A")).to_have_attribute("data-state", "failed")
