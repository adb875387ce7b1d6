"""What is paid for is what the form shows, also while the studio has not answered a change yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_form import choose, form, group, pay, ready, tab, taken, words
from tests.browser.test_prepare import SAID, film, use_take
from tests.conftest import wait_for

pytestmark = pytest.mark.browser

__all__ = ["film"]

QUEUED = re.compile(r"^Take \d+ queued$")


class Held:
    """The page's questions about its forms, held until they are let go."""

    def __init__(self, page: Page) -> None:
        self.page, self.routes, self.open = page, list[Route](), False
        page.route(
            "**/gradio_api/run/**",
            lambda route: route.continue_() if self.open else self.routes.append(route),
        )

    def wait(self) -> None:
        """Waits until a question is held."""
        for _ in range(PATIENCE // 20):
            if self.routes:
                return
            self.page.wait_for_timeout(20)  # lets the page tell of its requests
        raise AssertionError("the page asked nothing")

    def let_one_go(self) -> None:
        self.wait()
        self.routes.pop(0).continue_()

    def let_go(self) -> None:
        self.open = True
        while self.routes:
            self.routes.pop(0).continue_()


@pytest.fixture
def second(studio: Any) -> dict[str, Any]:
    """Another finished take with faces in it."""
    params = {"prompt": "three people on a bridge, a portrait", "aspect_ratio": "1:1"}
    (job,) = studio.submit("text_to_video", params)
    return dict(studio.wait_state(job["id"], "done"))


def calls(page: Page) -> list[dict[str, Any]]:
    """What the page asks of sessions from here on, as it is sent."""
    sent: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: sent.append(one.post_data_json)
        if one.method == "POST" and "/api/sessions" in one.url
        else None,
    )
    return sent


def test_a_listen_is_for_the_voice_that_the_form_shows(
    page: Page, studio: Any, film: dict[str, Any]
) -> None:
    ready(page, studio)
    tab(page, "Sound")
    use_take(page, "video", film["take"])
    form(page).get_by_role("button", name="Find faces - 7 credits").click()
    expect(form(page).get_by_role("radio", name="Face 1")).to_be_visible()
    group(page, "text").locator("textarea").fill(SAID)
    expect(group(page, "text")).to_contain_text("59 characters")
    voice, sent, before = group(page, "voice_id"), calls(page), studio.credits()["spent"]
    expect(voice.locator("select")).to_be_enabled()
    held = Held(page)
    voice.locator("select").select_option(label="Sunny")
    listen = voice.get_by_role("button", name=re.compile("^(Hear it|Kling is speaking)"))
    listen.click()
    expect(listen).to_have_attribute("aria-disabled", "true")
    listen.click(force=True)
    held.wait()
    assert sent == [], "nothing is paid for what was shown before"
    held.let_go()
    expect(voice.get_by_role("button", name="Pause Sunny")).to_be_visible()
    assert [one["voice_id"] for one in sent] == ["genshin_vindi2"]
    assert studio.credits()["spent"] - before == 7


def test_faces_are_looked_for_in_the_film_that_the_form_shows(
    page: Page, studio: Any, film: dict[str, Any], second: dict[str, Any]
) -> None:
    ready(page, studio)
    page.wait_for_function("id => window.studio?.jobs.has(id)", arg=second["id"])
    tab(page, "Sound")
    use_take(page, "video", film["take"])
    find = form(page).get_by_role("button", name=re.compile("^(Find|Looking for) faces"))
    sent, held = calls(page), Held(page)
    group(page, "video").get_by_role("button", name="Use a take").click()
    group(page, "video").get_by_role("button", name=f"Use {second['take']}", exact=True).click()
    find.click()
    held.wait()
    assert sent == []
    held.let_go()
    expect(form(page).get_by_role("radio", name="Face 1")).to_be_visible()
    assert [one["params"]["video"] for one in sent] == [second["assets"][0]["id"]]


def test_no_change_is_lost_behind_another(page: Page, studio: Any) -> None:
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    changes = [{"aspect_ratio": "1:1"}, {"duration": "10"}, {"mode": "pro"}, {"mode": "std"}]
    page.evaluate(
        "all => all.forEach(params => window.studioForm.order('text_to_video', { params }))",
        changes,
    )
    expect(pay(page)).to_have_text("Generate - 420 credits")
    held = [group(page, name).locator("input:checked") for one in changes[:3] for name in one]
    assert [one.input_value() for one in held] == ["1:1", "10", "std"]


def test_a_click_pays_what_the_button_said(page: Page, studio: Any) -> None:
    """Two changes, and the click comes when the price of the first is there and that of the second is not."""
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    before = studio.credits()
    held = Held(page)
    words(page, "A red kite above the dunes")
    held.wait()
    choose(page, "duration", "10 s")
    held.let_one_go()
    held.wait()  # the second price is being asked for
    expect(pay(page)).to_have_text("Generate - 210 credits")
    pay(page).click()
    held.let_go()
    expect(pay(page)).to_have_text("Generate - 420 credits")
    assert taken(before, studio.credits()) == 0
    pay(page).click()
    expect(pay(page)).to_have_text(QUEUED)
    assert taken(before, studio.credits()) == 420


def test_a_click_behind_the_last_letter_buys_it(page: Page, studio: Any) -> None:
    """The price is the one that was seen, so there is nothing to ask about; what is bought has every letter."""
    ready(page, studio)
    words(page, "A kite above")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    known = {one["id"] for one in studio.http.get("/api/jobs?since=0").json()["jobs"]}
    held = Held(page)
    words(page, "A kite above the sea")
    held.wait()
    words(page, "A kite above the sea, at dawn")
    held.let_one_go()
    held.wait()
    expect(pay(page)).to_have_text("Generate - 210 credits")
    pay(page).click()
    held.let_go()
    expect(pay(page)).to_have_text(QUEUED)
    new = wait_for(bought(studio, known), "the take")
    assert [one["params"]["prompt"] for one in new] == ["A kite above the sea, at dawn"]


def bought(studio: Any, known: set[str]) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [
        one
        for one in studio.http.get("/api/jobs?since=0").json()["jobs"]
        if one["id"] not in known
    ]
