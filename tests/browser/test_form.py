"""The form in a real browser: price, offers, files, drafts, one click one purchase, languages, keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

PROMPT = "Slow push-in over layered ridges at first light, thin mist in the valleys."


def ready(page: Page, studio: Any) -> Page:
    page.goto(studio.url)
    expect(form(page)).to_have_attribute("data-ready", "true")
    return page


def form(page: Page) -> Locator:
    return page.locator(".ks-form:visible")


def pay(page: Page) -> Locator:
    return page.locator(".ks-paybtn:visible")


def group(page: Page, name: str) -> Locator:
    return form(page).locator(f"[id$='-{name}'].ks-fld")


def choose(page: Page, name: str, label: str) -> None:
    group(page, name).get_by_text(label, exact=True).click()


def choose_model(page: Page, name: str) -> None:
    group(page, "model_name").locator("input").click()
    page.get_by_role("option", name=name, exact=True).click()


def give(page: Page, field: str, file: Path) -> None:
    group(page, field).locator("input[type=file]").set_input_files(file)


def words(page: Page, text: str = PROMPT) -> None:
    group(page, "prompt").locator("textarea").fill(text)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stills") / "ridge.png"
    Image.linear_gradient("L").resize((1280, 720)).save(path)
    return path


@pytest.fixture
def i2v(page: Page, studio: Any, still: Path) -> Page:
    """Image to video, filled."""
    ready(page, studio)
    tab(page, "Image to video")
    give(page, "image", still)
    words(page)
    expect(pay(page)).to_have_text("Generate - 210 credits")
    return page


def test_the_button_says_what_is_missing_and_then_the_price(
    page: Page, studio: Any, still: Path
) -> None:
    ready(page, studio)
    tab(page, "Image to video")
    expect(pay(page)).to_have_text("Add a start frame first")
    give(page, "image", still)
    expect(pay(page)).to_have_text("Write a prompt first")
    pay(page).click()
    expect(group(page, "prompt").locator("textarea")).to_be_focused()
    words(page)
    expect(pay(page)).to_have_text("Generate - 210 credits")
    choose(page, "variant_count", "3")
    expect(pay(page)).to_have_text("Generate 3 variants - 630 credits")
    expect(form(page).locator(".ks-left")).to_contain_text("left after")
    words(page, "")  # deleted, not typed: Gradio itself does not tell of that
    expect(pay(page)).to_have_text("Write a prompt first")
    assert page.errors == [] and page.external == []  # type: ignore[attr-defined]


def test_an_offer_names_its_price_and_changes_only_that(i2v: Page) -> None:
    choose(i2v, "duration", "10 s")
    offer = group(i2v, "image_tail").locator(".ks-offer")
    expect(offer).to_contain_text("kling-v2-6 takes an end frame in pro only.")
    offer.get_by_role("button", name="Switch to pro, +280").click()
    expect(pay(i2v)).to_have_text("Generate - 700 credits")
    expect(group(i2v, "image_tail").locator(".ks-drop")).to_be_visible()
    expect(group(i2v, "duration").locator("label.selected")).to_have_text("10 s")
    expect(group(i2v, "prompt").locator("textarea")).to_have_value(PROMPT)


def test_a_model_never_drops_a_value(i2v: Page) -> None:
    choose_model(i2v, "kling-v3")
    choose(i2v, "duration", "7 s")
    expect(pay(i2v)).to_have_text("Generate - 588 credits")
    choose_model(i2v, "kling-v2-6")
    expect(pay(i2v)).to_have_text("Duration does not fit")
    expect(group(i2v, "duration")).to_contain_text("kling-v2-6 takes 5 s, 10 s here, not 7 s.")
    choose_model(i2v, "kling-v3")
    expect(group(i2v, "duration").locator("label.selected")).to_have_text("7 s")
    choose_model(i2v, "kling-v2-1-master")
    expect(group(i2v, "mode")).to_be_hidden()
    group(i2v, "duration").get_by_role("button", name="10 s").click()
    expect(pay(i2v)).to_have_text(re.compile(r"Generate - [\d,]+ credits"))


def test_a_wrong_file_does_not_stay_and_says_why(
    page: Page, studio: Any, still: Path, tmp_path: Path
) -> None:
    ready(page, studio)
    tab(page, "Image to video")
    Image.new("RGB", (280, 640)).save(tmp_path / "small.png")
    (tmp_path / "note.png").write_bytes(b"not a picture")
    give(page, "image", tmp_path / "small.png")
    note = group(page, "image").locator("[role=alert]")
    expect(note).to_have_text("280 x 640 px; each side needs at least 300 px.")
    expect(group(page, "image").locator("img")).to_have_count(0)
    give(page, "image", tmp_path / "note.png")
    expect(note).to_contain_text("no known kind")
    expect(pay(page)).to_have_text("Add a start frame first")
    give(page, "image", still)
    expect(note).to_have_count(0)
    expect(group(page, "image").locator("img")).to_be_visible()
    group(page, "image").locator(".icon-button-wrapper button").first.click()
    expect(pay(page)).to_have_text("Add a start frame first")


def test_a_half_typed_form_survives_a_reload_with_its_file(i2v: Page) -> None:
    choose(i2v, "variant_count", "2")
    expect(pay(i2v)).to_have_text("Generate 2 variants - 420 credits")
    i2v.reload()
    expect(pay(i2v)).to_have_text("Generate 2 variants - 420 credits")
    expect(group(i2v, "prompt").locator("textarea")).to_have_value(PROMPT)
    i2v.wait_for_function(
        "() => document.querySelector('#f-image_to_video-image img')?.naturalWidth === 1280"
    )
    second = i2v.context.new_page()
    second.goto(i2v.url)
    expect(pay(second)).to_have_text("Generate 2 variants - 420 credits")
    assert i2v.errors == []  # type: ignore[attr-defined]


def test_one_click_is_one_purchase(page: Page, studio: Any) -> None:
    ready(page, studio)
    before = studio.credits()
    words(page, "A paper boat on a puddle")
    expect(pay(page)).to_have_text("Generate - 210 credits")
    pay(page).dblclick()
    queued = re.compile(r"^Take \d+ queued$")
    expect(pay(page)).to_have_text(queued)
    assert taken(before, studio.credits()) == 210
    expect(group(page, "prompt").locator("textarea")).to_have_value("A paper boat on a puddle")
    pay(page).click()
    expect(pay(page)).to_have_text(re.compile(r"Already queued as take \d+\. Run again\?"))
    pay(page).click()
    expect(pay(page)).to_have_text(queued)
    assert taken(before, studio.credits()) == 420
    expect(pay(page)).to_have_text("Generate - 210 credits")


def taken(before: dict[str, Any], after: dict[str, Any]) -> int:
    return int(before["available"] - after["available"])


def test_a_large_purchase_asks_and_the_keys_pay(page: Page, studio: Any) -> None:
    ready(page, studio)
    words(page, "A long dolly through a cathedral")
    choose_model(page, "kling-v3")
    choose(page, "mode", "4K")
    expect(pay(page)).to_have_text("Generate - 2,100 credits")
    before = studio.credits()
    group(page, "prompt").locator("textarea").press("Control+Enter")
    expect(pay(page)).to_have_text("Spend 2,100 credits? Click again")
    assert taken(before, studio.credits()) == 0
    group(page, "prompt").locator("textarea").press("Control+Enter")
    expect(pay(page)).to_have_text(re.compile(r"Take \d+ queued"))
    assert taken(before, studio.credits()) == 2100


def test_settings_of_a_take_come_back_in_its_form(page: Page, studio: Any) -> None:
    params = {"prompt": "Wax crayon city", "aspect_ratio": "1:1", "resolution": "2k"}
    [job] = studio.submit("image_generation", params)
    ready(page, studio)
    page.wait_for_function("id => window.studio?.jobs.has(id)", arg=job["id"])
    page.evaluate("id => window.studioForm.fill(window.studio.jobs.get(id), 'all')", job["id"])
    expect(form(page)).to_have_id("form-image_generation")
    expect(group(page, "prompt").locator("textarea")).to_have_value("Wax crayon city")
    expect(group(page, "aspect_ratio").locator("label.selected")).to_have_text("1:1")
    expect(group(page, "resolution").locator("label.selected")).to_have_text("2K")


def test_all_of_it_is_said_in_chinese(page: Page, studio: Any) -> None:
    ready(page, studio)
    page.evaluate("localStorage.setItem('studio.lang', 'zh')")
    page.reload()
    expect(pay(page)).to_have_text("请先写提示词")
    expect(page.get_by_role("tab", name="图生视频", exact=True)).to_be_visible()
    expect(group(page, "mode").locator("label").first).to_have_text("标准")
    expect(group(page, "prompt").locator("textarea")).to_have_attribute(
        "placeholder", "发生什么，镜头怎么动，光线如何变化。"
    )
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    english = re.compile(r"\b(Prompt|Model|Mode|Duration|Variants|Sound|Advanced|Drop|Switch)\b")
    assert not english.search(form(page).inner_text())


def test_nothing_runs_over_the_edge(new_page: Any, studio: Any) -> None:
    page = ready(new_page(viewport=(390, 860)), studio)
    for width in (390, 768, 1024, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 860})
        for name in ("Credits", "Create"):
            tab(page, name)
            page.wait_for_function(
                "width => document.documentElement.scrollWidth <= Math.min(width, innerWidth)",
                arg=width,
            )
        box = pay(page).bounding_box()
        assert box and box["y"] + box["height"] <= 860, "the pay button is always in sight"


def test_tabs_have_arrow_keys_and_credits_show_the_ledger(page: Page, studio: Any) -> None:
    ready(page, studio)
    page.get_by_role("tab", name="Create", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Credits", exact=True)).to_be_focused()
    expect(page.locator(".ks-big")).to_have_text(f"{studio.credits()['available']:,}")
    expect(page.locator(".ks-statement tbody tr").last).to_contain_text("Granted")


CLICKS = """async answers => {
    const purchase = await import('/static/form/purchase.js');
    const { priceChanged } = await import('/static/form/price.js');
    const rest = { state: 'ready', price: 210, variants: 1, missing: [], errors: {} };
    const answer = key => ({ ...rest, key, ask: key === 'large' });
    const one = { id: 'nowhere', phase: 'ready', wrong: {}, answer: answer('a') };
    const clicks = [];
    for (const step of answers) {
        const [what, key] = step.split(' ');
        if (what === 'press') {
            const before = one.click;
            one.phase === 'sending' || purchase.press(one);
            clicks.push(one.phase === 'sending' ? one.click : null);
        } else if (what === 'silence') one.phase = 'unsure';
        else if (what === 'form') { priceChanged(one); one.answer = answer(key); purchase.quoted(one); }
        else if (what === 'late') purchase.answered(one, { ...answer('a'), state: key, take: '7', click: clicks[0] });
        else purchase.answered(one, { ...answer(one.answer.key), state: what, take: '7', click: one.click });
    }
    clearTimeout(one.timer); clearTimeout(one.slow); clearTimeout(one.late);
    const names = [...new Set(clicks.filter(Boolean))];
    return [clicks.map(click => click && names.indexOf(click) + 1), one.phase];
}"""


# What happens, and for each press the click that went out.
HELD: list[tuple[str, list[int | None]]] = [
    # An equal purchase asks first, and is a click of its own ...
    ("press, sent, press, press", [1, None, 2]),
    # ... which it stays while nobody knows whether it was made, within ten seconds or not.
    ("press, sent, press, press, silence, press, silence, press", [1, None, 2, 2, 2]),
    ("press, silence, press, sent, press, press", [1, 1, None, 2]),
    # A large one asks once, not whether to send the same again.
    ("form large, press, press, silence, press", [None, 1, 1]),
    # A change that is taken back is the same purchase still; another form is another one.
    ("press, silence, form b, form a, press", [1, 1]),
    ("press, silence, form b, press, silence, form a, press", [1, 2, 1]),
    # What was refused was not bought.
    ("press, silence, press, blocked, form a, press", [1, 1, 2]),
    # A late answer ends its own doubt, and not the wait of the click after it.
    ("press, silence, form b, press, late sent, press", [1, 2, 2]),
    ("press, silence, form b, press, late sent, sent, form a, press", [1, 2, 3]),
    # Typed while it is sent: what is asked for next is known once its price is.
    ("press, form b, silence, press", [1, 2]),
    # Sent again for a form that has changed meanwhile: that says nothing of the first time.
    ("press, silence, press, moved, form a, press", [1, 1, 1]),
    ("press, moved, form a, press", [1, 2]),
]


def test_a_click_keeps_its_id_until_it_is_answered(page: Page, studio: Any) -> None:
    ready(page, studio)
    for steps, clicks in HELD:
        assert page.evaluate(CLICKS, steps.split(", ")) == [clicks, "sending"], steps


WISHES = """async steps => {
    const purchase = await import('/static/form/purchase.js');
    const { priceChanged } = await import('/static/form/price.js');
    const now = Date.now;
    const rest = { state: 'ready', variants: 1, missing: [], errors: {}, key: 'a' };
    const answer = price => ({ ...rest, price });
    const one = { id: 'nowhere', phase: 'ready', wrong: {}, answer: answer(210) };
    purchase.quoted(one);
    for (const step of steps) {
        const [what, figure] = step.split(' ');
        if (what === 'change') priceChanged(one);
        else if (what === 'press') purchase.press(one);
        else if (what === 'later') { const then = now() + Number(figure); Date.now = () => then; }
        else if (what === 'moved')
            purchase.answered(one, { ...answer(210), state: 'moved', click: one.click });
        else if (what === 'sent') {
            purchase.answered(one, { ...answer(210), state: 'sent', take: '7', click: one.click });
            Object.assign(one, { sent: null, phase: 'ready' });
        }
        else { one.answer = answer(Number(figure)); purchase.quoted(one); await null; await null; }
    }
    Date.now = now;
    for (const name of ['timer', 'slow', 'late']) clearTimeout(one[name]);
    return one.phase;
}"""


PHASES = [
    ("change, press, price 210", "sending"),
    ("change, press, price 420", "ready"),
    ("change, press, price 420, price 210", "ready"),
    ("change, press, later 9000, price 210", "ready"),
    ("press, moved, price 210", "sending"),
    ("press, moved, price 420", "ready"),
    ("press, moved, later 9000, price 210", "ready"),
    # One wish is one purchase.
    ("change, press, price 210, sent, price 210", "ready"),
]


def test_a_wish_is_for_the_price_that_was_seen_and_for_now(page: Page, studio: Any) -> None:
    ready(page, studio)
    for steps, phase in PHASES:
        assert page.evaluate(WISHES, steps.split(", ")) == phase, steps
