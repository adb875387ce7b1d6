"""What is prepared before a request, through the real form: faces, voices, marks, takes, tokens; each ends done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_form import form, give, group, pay, ready, tab, words
from tests.conftest import wait_for

pytestmark = pytest.mark.browser

SAMPLES = Path(__file__).resolve().parent.parent.parent / "data" / "samples"
FACES = [SAMPLES / f"portrait-{n}.jpg" for n in (1, 2, 3)]
SAID = "A boat goes down the river to the sea, and nobody asks why."


@pytest.fixture(scope="module")
def film(studio: Any) -> dict[str, Any]:
    """A finished take with two faces in it."""
    params = {"prompt": "two people in a boat, a portrait", "aspect_ratio": "1:1"}
    (job,) = studio.submit("text_to_video", params)
    return dict(studio.wait_state(job["id"], "done"))


def use_take(page: Page, field: str, take: str) -> None:
    group(page, field).get_by_role("button", name="Use a take").click()
    group(page, field).get_by_role("button", name=f"Use {take}", exact=True).click()
    expect(group(page, field).locator("video")).to_be_visible()


def jobs(studio: Any) -> list[dict[str, Any]]:
    return list(studio.http.get("/api/jobs?since=0").json()["jobs"])


def bought(page: Page, studio: Any) -> dict[str, Any]:
    """Presses the pay button and waits until the take is done."""
    expect(pay(page)).to_have_text(re.compile(r"Generate - [\d,]+ credits"))
    known = {one["id"] for one in jobs(studio)}
    pay(page).click()
    (job,) = wait_for(lambda: [one for one in jobs(studio) if one["id"] not in known], "the take")
    done = studio.wait_state(job["id"], "done", "failed")
    assert (done["state"], done["error"]) == ("done", None)
    assert page.errors == [] and page.external == []  # type: ignore[attr-defined]
    return dict(done)


def give_one(page: Page, n: int, file: Path) -> None:
    """One picture of a list."""
    form(page).locator(f"[id$='-image_list__{n}'] input[type=file]").first.set_input_files(file)


def token(page: Page, name: str) -> Locator:
    return group(page, "prompt").locator(f'[data-token="<<<{name}>>>"]')


def test_a_face_is_picked_and_a_voice_is_heard(
    page: Page, studio: Any, film: dict[str, Any]
) -> None:
    ready(page, studio)
    tab(page, "Sound")
    panel = form(page).locator(".ks-panel")
    expect(panel).to_contain_text("Add a video first.")
    use_take(page, "video", film["take"])
    before = studio.credits()["spent"]
    panel.get_by_role("button", name="Find faces - 7 credits").click()
    faces = panel.get_by_role("radio")
    expect(faces).to_have_count(2)
    expect(panel.locator('[aria-checked="true"]')).to_have_attribute("data-face", "0")
    faces.first.focus()
    page.keyboard.press("ArrowRight")
    expect(panel.locator('[aria-checked="true"]')).to_have_attribute("data-face", "1")
    group(page, "text").locator("textarea").fill(SAID)
    expect(group(page, "text")).to_contain_text("59 characters, about 4 s")
    voice = group(page, "voice_id")
    voice.locator("select").select_option(label="Sunny")
    expect(form(page).locator(".ks-left")).to_contain_text("left after")
    voice.get_by_role("button", name="Hear it - 7 credits").click()
    expect(voice.get_by_role("button", name="Pause Sunny")).to_be_visible()
    expect(voice.get_by_role("button", name="Hear it - 7 credits")).to_be_hidden()
    assert studio.credits()["spent"] - before == 14
    expect(pay(page)).to_have_text("Generate - 70 credits")
    page.reload()
    expect(panel.locator('[aria-checked="true"]')).to_have_attribute("data-face", "1")
    expect(pay(page)).to_have_text("Generate - 70 credits")
    params = bought(page, studio)["params"]
    assert (params["face_id"], params["voice_id"]) == ("1", "genshin_vindi2")
    assert params["session"]


def test_things_are_marked_on_a_frame_and_swapped(
    page: Page, studio: Any, film: dict[str, Any]
) -> None:
    ready(page, studio)
    tab(page, "Edit")
    use_take(page, "video", film["take"])
    give_one(page, 1, FACES[0])
    form(page).get_by_role("button", name="Mark it").click()
    marker = page.locator(".ks-point-editor")
    frame, rings = marker.locator(".ks-spot"), marker.locator(".ks-point")
    expect(frame).to_be_focused()
    page.keyboard.press(".")
    expect(marker.get_by_role("slider")).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    box = frame.bounding_box() or {}
    frame.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.7})
    expect(rings).to_have_count(2)
    seen = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
    expect(marker.get_by_text("Click to add a point.")).to_be_visible()
    assert marker.locator("canvas").evaluate(seen), "the mask lies over the frame"
    rings.nth(1).click()
    expect(rings).to_have_count(1)
    marker.get_by_role("button", name="Preview the mask").click()
    expect(marker.locator(".ks-preview")).to_be_visible()
    marker.get_by_role("button", name="Done").click()
    expect(form(page).locator(".ks-points-box")).to_contain_text("On frame 2.")
    words(page, "Swap the person in ")
    token(page, "video_1").click()
    token(page, "image_1").click()
    expect(group(page, "prompt").locator("textarea")).to_have_value(
        "Swap the person in <<<video_1>>> <<<image_1>>>"
    )
    params = bought(page, studio)["params"]
    assert (params["points"], params["frame_index"]) == ([{"x": 0.5, "y": 0.48}], 1)
    group(page, "video").locator(".icon-button-wrapper button").last.click()
    expect(form(page).locator(".ks-points-box")).to_have_attribute("data-points", "0")


def test_a_face_goes_into_a_picture(page: Page, studio: Any) -> None:
    ready(page, studio)
    tab(page, "Image")
    tab(page, "Face swap")
    give(page, "image", FACES[0])
    give(page, "face_image", FACES[1])
    expect(token(page, "image_2")).to_be_visible()
    assert bought(page, studio)["assets"][0]["kind"] == "image"


def test_a_prompt_names_its_pictures_by_a_click(page: Page, studio: Any) -> None:
    ready(page, studio)
    tab(page, "Image")
    tab(page, "Omni image")
    for n in (1, 2):
        give_one(page, n, FACES[n])
        expect(token(page, f"image_{n}")).to_be_visible()
    words(page, "A portrait of the person, in the style of ")
    token(page, "image_2").click()
    expect(token(page, "image_1")).to_have_attribute("data-unused", "")
    field = group(page, "prompt").locator("textarea")
    field.evaluate("node => node.setSelectionRange(24, 24)")
    token(page, "image_1").click()
    text = "A portrait of the person <<<image_1>>>, in the style of <<<image_2>>>"
    expect(field).to_have_value(text)
    expect(token(page, "image_1")).not_to_have_attribute("data-unused", "")
    job = bought(page, studio)
    assert job["params"]["prompt"] == text and len(job["params"]["image_list"]) == 2


def test_a_take_lends_its_motion(page: Page, studio: Any, film: dict[str, Any]) -> None:
    ready(page, studio)
    tab(page, "Motion control")
    field = group(page, "video_url")
    field.get_by_role("button", name="Address").click()
    field.get_by_role("textbox").fill("example.com/clip.mp4")
    page.keyboard.press("Enter")
    expect(field.get_by_role("alert")).to_have_text(re.compile("begins with https"))
    field.get_by_role("textbox").fill("https://example.com/clip.mp4")
    page.keyboard.press("Enter")
    expect(field).to_contain_text("An address. It was not checked.")
    field.get_by_role("button", name="Take it out").click()
    use_take(page, "video_url", film["take"])
    give(page, "image_url", FACES[2])
    assert bought(page, studio)["params"]["video_url"] == film["assets"][0]["id"]


def test_pictures_become_a_clip(page: Page, studio: Any) -> None:
    ready(page, studio)
    tab(page, "Multi-image")
    give_one(page, 1, FACES[0])
    words(page, "A slow turn of the head of ")
    token(page, "image_1").click()
    assert bought(page, studio)["assets"][0]["kind"] == "video"


def test_a_finished_clip_is_used_in_another_form(
    page: Page, studio: Any, film: dict[str, Any]
) -> None:
    ready(page, studio)
    page.wait_for_function("id => window.studio?.jobs.has(id)", arg=film["id"])
    page.evaluate("id => window.studio.open(id)", film["id"])
    page.get_by_role("button", name="Use as…").click()
    page.get_by_role("menuitem", name="Lip sync").click()
    expect(form(page)).to_have_id("form-lip_sync")
    expect(group(page, "video").locator("video")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1024])
def test_marking_fits_a_small_screen(
    new_page: Any, studio: Any, film: dict[str, Any], width: int
) -> None:
    page = ready(new_page(viewport=(width, 844)), studio)
    tab(page, "Edit")
    use_take(page, "video", film["take"])
    form(page).get_by_role("button", name="Mark it").click()
    page.locator(".ks-spot").click()
    expect(page.locator(".ks-point")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Escape")
    expect(page.locator(".ks-point-editor")).to_have_count(0)
