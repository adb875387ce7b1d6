"""What is paid for is what the form shows, also while the studio has not answered a change yet."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_form import choose, form, group, pay, ready, still, tab, taken, words
from tests.browser.test_prepare import SAID, film, use_take
from tests.conftest import wait_for

pytestmark = pytest.mark.browser

__all__ = ["film", "still"]

RUN = re.compile("/gradio_api/run/")
QUEUED = re.compile(r"^Take \d+ queued$")


class Held:
    """Requests of the page, held until they are let go: its questions about forms, or others."""

    def __init__(self, page: Page, pattern: str | re.Pattern[str] = RUN) -> None:
        self.page, self.routes, self.open = page, list[Route](), False
        page.route(
            pattern,
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
        lambda one: (
            sent.append(one.post_data_json)
            if one.method == "POST" and "/api/sessions" in one.url
            else None
        ),
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
        "all => all.forEach(params => window.studioForm.update('text_to_video', { params }))",
        changes,
    )
    expect(pay(page)).to_have_text("Generate - 420 credits")
    held = [group(page, name).locator("input:checked") for one in changes[:3] for name in one]
    assert [one.input_value() for one in held] == ["1:1", "10", "std"]


def test_two_pictures_used_at_once_are_both_there(page: Page, studio: Any) -> None:
    params = {"prompt": "Two of a kind", "aspect_ratio": "1:1"}
    takes = [studio.submit("image_generation", params)[0] for _ in range(2)]
    takes = [studio.wait_state(one["id"], "done") for one in takes]
    ready(page, studio)
    page.wait_for_function(
        "ids => ids.every(id => window.studio?.jobs.has(id))", arg=[one["id"] for one in takes]
    )
    held = Held(page)
    for one in takes:
        page.evaluate("id => window.studio.open(id)", one["id"])
        page.get_by_role("button", name="Use as…").click()
        page.get_by_role("menuitem", name="Omni image").click()
    held.wait()
    held.let_go()
    expect(page.locator('.ks-form:visible [data-token="<<<image_2>>>"]')).to_be_visible()


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
        one for one in studio.http.get("/api/jobs?since=0").json()["jobs"] if one["id"] not in known
    ]


UPLOAD = re.compile(r"/gradio_api/upload\?")
DROP = """([node, name, text]) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(atob(text), one => one.charCodeAt(0))], name, { type: 'image/png' }));
    for (const type of ['dragenter', 'dragover', 'drop'])
        node.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: files }));
}"""


def test_a_click_behind_a_change_that_is_lost_gets_its_price(page: Page, studio: Any) -> None:
    """A price comes while the change is under way, the click waits for the change, and that is never answered."""
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    before, held = studio.credits(), Held(page)
    page.evaluate("window.studioForm.update('text_to_video', { params: { duration: '10' } })")
    held.wait()
    (change,) = held.routes
    held.routes.clear()
    held.open = True
    words(page, "A red kite above the dunes")
    page.wait_for_function(
        "async () => (await import('/static/form/form-store.js'))"
        ".form('text_to_video').answer.params.prompt === 'A red kite above the dunes'"
    )
    pay(page).click()
    change.fulfill(status=503, json={"detail": "busy"})
    expect(pay(page)).to_have_text("Generate - 210 credits")
    expect(pay(page)).to_have_attribute("aria-busy", "false")
    assert taken(before, studio.credits()) == 0


def drop(page: Page, field: str, file: Path, name: str = "picture.png") -> None:
    target = group(page, field).locator(".ks-drop button").first
    text = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(DROP, [target.element_handle(), name, text])


def give_it(page: Page, field: str, file: Path) -> None:
    group(page, field).locator("input[type=file]").first.set_input_files(file)


def picture_form(page: Page, studio: Any) -> None:
    ready(page, studio)
    tab(page, "Image")
    words(page, "A boat in fog")
    expect(pay(page)).to_have_text("Generate - 14 credits")


@pytest.mark.parametrize("way", ["drop", "choose"])
def test_nothing_is_bought_without_a_file_that_is_under_way(
    page: Page, studio: Any, still: Path, way: str
) -> None:
    picture_form(page, studio)
    known = {one["id"] for one in studio.http.get("/api/jobs?since=0").json()["jobs"]}
    held = Held(page, UPLOAD)
    (drop if way == "drop" else give_it)(page, "image", still)
    expect(pay(page)).to_have_text("Uploading the file")
    held.wait()
    words(page, "A boat in thick fog")  # the price of the words comes before the file
    expect(form(page).locator(".ks-left")).to_contain_text("left after")
    pay(page).click()
    expect(pay(page)).to_have_text("Uploading the file")
    assert bought(studio, known)() == []
    held.let_go()
    expect(pay(page)).to_have_text("Generate - 28 credits")
    pay(page).click()
    expect(pay(page)).to_have_text(QUEUED)
    (new,) = wait_for(bought(studio, known), "the take")
    assert new["params"]["image"] and new["params"]["prompt"] == "A boat in thick fog"


@pytest.mark.parametrize("status", [413, 507])
def test_a_file_that_does_not_come_leaves_the_form_as_it_was(
    page: Page, studio: Any, still: Path, status: int
) -> None:
    picture_form(page, studio)
    held = Held(page, UPLOAD)
    for _ in range(2):  # the second time, the first refusal still stands there
        give_it(page, "image", still)
        expect(pay(page)).to_have_text("Uploading the file")
        held.wait()
        held.routes.pop(0).fulfill(status=status, json={"detail": "no room"})
        expect(pay(page)).to_have_text("Generate - 14 credits")
        expect(pay(page)).to_have_attribute("aria-busy", "false")


def test_a_file_of_another_kind_is_no_upload(page: Page, studio: Any, still: Path) -> None:
    picture_form(page, studio)
    group(page, "image").locator("input[type=file]").set_input_files(Path(__file__))
    expect(page.get_by_text("Invalid file type")).to_be_visible()
    expect(pay(page)).to_have_text("Generate - 14 credits")
    pay(page).click()
    expect(pay(page)).to_have_text(QUEUED)


def test_a_price_that_was_lost_is_asked_for_again(page: Page, studio: Any) -> None:
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    lost = Held(page)
    choose(page, "duration", "10 s")
    lost.wait()
    for route in lost.routes:
        route.fulfill(status=503, json={"detail": "busy"})
    lost.routes.clear()
    lost.let_go()
    expect(pay(page)).to_have_text("Generate - 420 credits")


def test_an_order_that_is_not_answered_gives_way_to_the_next(page: Page, studio: Any) -> None:
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    lost = Held(page)
    page.evaluate(
        "() => { window.told = []; "
        "for (const duration of ['5', '10']) window.studioForm.update("
        "'text_to_video', { params: { duration } }).then(told => window.told.push(told)); }"
    )
    lost.wait()
    for route in lost.routes:
        route.fulfill(status=503, json={"detail": "busy"})
    lost.routes.clear()
    lost.let_go()
    expect(pay(page)).to_have_text("Generate - 420 credits")
    assert page.evaluate("window.told") == [False, True]


def test_a_file_that_nobody_could_look_at_goes_and_says_so(
    page: Page, studio: Any, still: Path
) -> None:
    picture_form(page, studio)
    held = Held(page)
    give_it(page, "image", still)
    held.wait()
    held.routes.pop(0).fulfill(status=503, json={"detail": "busy"})
    held.let_go()
    expect(group(page, "image")).to_contain_text("The file did not arrive. Drop it once more.")
    expect(group(page, "image").locator("img")).to_have_count(0)
    expect(pay(page)).to_have_text("Generate - 14 credits")
    give_it(page, "image", still)
    expect(pay(page)).to_have_text("Generate - 28 credits")
    expect(group(page, "image")).not_to_contain_text("did not arrive")


def test_a_picture_that_was_taken_out_is_not_paid_for(page: Page, studio: Any, still: Path) -> None:
    picture_form(page, studio)
    give_it(page, "image", still)
    expect(pay(page)).to_have_text("Generate - 28 credits")
    before, held = studio.credits(), Held(page)
    group(page, "image").locator(".icon-button-wrapper button").last.click()
    pay(page).click()
    held.wait()
    held.let_go()
    expect(pay(page)).to_have_text("Generate - 14 credits")
    assert taken(before, studio.credits()) == 0
    pay(page).click()
    expect(pay(page)).to_have_text(QUEUED)
    assert taken(before, studio.credits()) == 14


def test_a_change_is_one_request(page: Page, studio: Any) -> None:
    ready(page, studio)
    words(page, "A kite above the dunes")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if RUN.search(one.url) else None)
    changes: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: choose(page, "duration", "10 s"), "Generate - 420 credits"),
        (lambda: words(page, ""), "Write a prompt first"),
        (lambda: words(page, "A red kite"), "Generate - 420 credits"),
        (
            lambda: page.evaluate(
                "window.studioForm.update('text_to_video', { params: { duration: '5' } })"
            ),
            "Generate - 210 credits",
        ),
        (lambda: choose(page, "duration", "10 s"), "Generate - 420 credits"),
    )
    for number, (change, told) in enumerate(changes, start=1):
        change()
        expect(pay(page)).to_have_text(told)
        expect(pay(page)).to_have_attribute("aria-busy", "false")
        assert len(asked) == number, asked
