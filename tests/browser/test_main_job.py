"""The main job on real input: an image dropped in a real browser becomes a playable, stored, paid-for clip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import App, wait_for
from tests.pictures import picture

pytestmark = pytest.mark.browser
PLAYING = """() => { const v = document.querySelector('.ks-viewer video');
    return v && v.readyState >= 2 && v.currentTime > 0.3 && !v.error }"""


@pytest.fixture
def still(tmp_path: Path) -> Path:
    path = tmp_path / "still.png"
    path.write_bytes(picture())
    return path


def open_tab(page: Page, studio: App, group: str, tab: str) -> None:
    page.goto(studio.url)
    page.get_by_role("tab", name=group, exact=True).click()
    page.get_by_role("tab", name=tab, exact=True).click()


def fill_image_to_video(page: Page, studio: App, still: Path, prompt: str) -> Any:
    open_tab(page, studio, "Video", "Image to video")
    form = page.locator("#form-image_to_video")
    form.locator("input[type=file]").first.set_input_files(still)
    form_prompt(page).fill(prompt)
    pay = form.locator(".ks-pay")
    expect(pay).to_contain_text("210 credits")
    # The price is known before the file is there; what is left after it only with everything.
    expect(form.locator(".ks-left")).to_contain_text("left after")
    return pay


def newest(studio: App) -> Any:
    jobs = studio.http.get("/api/jobs?since=0").json()["jobs"]
    return max(jobs, key=lambda job: job["created_at"], default=None)


def test_an_image_becomes_a_clip_that_plays_and_is_paid_for_exactly(page, studio, still):
    before = studio.credits()
    pay = fill_image_to_video(page, studio, still, "a slow push-in at dusk")
    known = {job["id"] for job in studio.http.get("/api/jobs?since=0").json()["jobs"]}
    pay.click()
    row = page.locator(".ks-board .ks-job").first
    job = wait_for(lambda: (one := newest(studio)) and one["id"] not in known and one, "the job")
    expect(row).to_have_attribute("data-take", job["take"])
    seen = set()

    def ended() -> bool:
        seen.add(row.get_attribute("data-state"))
        return "done" in seen

    wait_for(ended, "the card to be done")
    assert seen & {"queued", "sending", "running", "saving"}, "the card was seen on its way"
    expect(form_prompt(page)).to_have_value("a slow push-in at dusk")
    page.wait_for_function(PLAYING)
    length = page.evaluate("() => document.querySelector('.ks-viewer video').duration")
    assert length == pytest.approx(5, abs=0.2)
    done = studio.job(job["id"])
    assert done["assets"][0]["width"] > done["assets"][0]["height"]
    after = studio.credits()
    assert after["available"] == before["available"] - 210
    assert after["spent"] == before["spent"] + 210
    expect(page.locator(".ks-header")).to_contain_text(f"{after['available']:,}")
    assert page.external == []
    assert page.errors == []


def form_prompt(page: Page) -> Any:
    return page.locator("#f-image_to_video-prompt textarea")


def test_a_failure_ends_failed_with_exactly_its_refund(page, studio, still):
    before = studio.credits()
    fill_image_to_video(page, studio, still, "a storm [fail]").click()
    row = page.locator(".ks-board .ks-job").first
    expect(row).to_have_attribute("data-state", "failed")
    expect(row).to_contain_text("210 refunded")
    assert studio.credits() == before
    assert page.errors == []


def test_words_become_a_picture_that_zooms(page, studio):
    open_tab(page, studio, "Image", "Generate")
    form = page.locator("#form-image_generation")
    page.locator("#f-image_generation-prompt textarea").fill("a still life of glossy spheres")
    expect(form.locator(".ks-pay")).to_contain_text("14 credits")
    form.locator(".ks-pay").click()
    expect(page.locator(".ks-board .ks-job").first).to_have_attribute(
        "data-state", "done", timeout=60_000
    )
    expect(page.locator(".ks-viewer img").first).to_be_visible()
    assert page.errors == []


def test_a_bad_picture_is_said_at_its_field_with_its_measure(page, studio, tmp_path):
    small = tmp_path / "small.png"
    small.write_bytes(picture(280, 640))
    before = studio.credits()
    open_tab(page, studio, "Video", "Image to video")
    form = page.locator("#form-image_to_video")
    form.locator("input[type=file]").first.set_input_files(small)
    expect(form).to_contain_text(re.compile("280 x 640"))
    assert studio.credits() == before


def test_a_half_typed_form_survives_a_reload_and_a_restart(page, studio, still):
    fill_image_to_video(page, studio, still, "half a thought, and")
    page.wait_for_timeout(500)
    page.reload()
    page.get_by_role("tab", name="Image to video", exact=True).click()
    expect(form_prompt(page)).to_have_value("half a thought, and")
    expect(page.locator("#form-image_to_video .ks-pay")).to_contain_text("210")


def test_demo_mode_is_always_said(page, studio):
    page.goto(studio.url)
    badge = page.locator(".ks-header [role=status]").first
    expect(badge).to_contain_text("Demo")
    expect(badge).to_be_visible()
