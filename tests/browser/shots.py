"""Takes a picture of every tab: `scripts/shots [--lang zh] [FOLDER]`."""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium, open_page
from tests.conftest import ROOT, App, wait_for

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
ORDERS: list[tuple[str, dict[str, Any], int]] = [
    ("text_to_video", {"prompt": "A paper boat on a quiet pond at dawn, slow push-in"}, 1),
    ("image_generation", {"prompt": "A still life of glossy spheres, soft key light"}, 1),
    ("text_to_video", {"prompt": "A storm over the city at night [fail]"}, 1),
    ("text_to_video", {"prompt": "Layered ridges at first light, thin mist in the valleys"}, 3),
]


def fill(app: App) -> None:
    """Takes that show what the board can say."""
    ids = []
    for capability, params, count in ORDERS:
        ids += [job["id"] for job in app.submit(capability, params, variant_count=count)]
    ended = ("done", "failed")
    wait_for(lambda: all(app.job(one)["state"] in ended for one in ids), "the takes", 180)
    app.submit("text_to_video", {"prompt": "Snow falling on a forest road [slow]"})


def shoot(page: Page, app: App, folder: Path, name: str) -> None:
    """One picture of each capability's form and of each section."""
    page.goto(app.url)
    page.wait_for_selector(".ks-board .ks-job")
    page.wait_for_timeout(2500)
    # By the page's own door: on a phone some tabs are behind a menu.
    for capability in page.request.get(f"{app.url}/api/capabilities").json()["capabilities"]:
        page.evaluate("id => window.studioForm.openCapability(id)", capability["id"])
        page.wait_for_selector(f"#form-{capability['id']}:visible")
        page.wait_for_timeout(1200)
        page.screenshot(
            path=folder / f"{capability['id'].replace('_', '-')}-{name}.png",
            full_page="phone" in name,
        )
    page.get_by_role("tab", name="Credits", exact=True).first.click()
    page.wait_for_timeout(1200)
    page.screenshot(path=folder / f"credits-{name}.png")


def front(page: Page, app: App, target: Path) -> None:
    """The picture of the README: a form that is filled in, a take of three variants on the stage."""
    page.goto(app.url)
    page.get_by_role("tab", name="Image to video", exact=True).click()
    page.locator("#form-image_to_video input[type=file]").first.set_input_files(
        ROOT / "data" / "samples" / "first-light.jpg"
    )
    page.locator("#f-image_to_video-prompt textarea").fill(
        "Slow push-in over layered ridges at first light, thin mist in the valleys."
    )
    page.locator("#f-image_to_video-variant_count label").nth(2).click()
    page.wait_for_function(
        "() => document.querySelector('#form-image_to_video .ks-pay')?.innerText.includes('630')"
    )
    page.wait_for_timeout(3000)
    page.screenshot(path=target)


def main() -> None:
    """Starts a demo studio, fills it, looks at it."""
    parser = argparse.ArgumentParser(prog="scripts/shots")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "shots")
    parser.add_argument("--lang", default="en-US")
    parser.add_argument("--front", action="store_true", help="only the picture of the README")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        data = Path(temporary) / "var"
        data.mkdir()
        app = App(data, STUDIO_TIME_SCALE="3").ready()
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        try:
            fill(app)
            for (size, (width, height)), scheme in product(SIZES.items(), ("dark", "light")):
                context = browser.new_context(color_scheme=scheme, locale=chosen.lang)
                page = open_page(context, (width, height))
                if size == "desktop":
                    front(page, app, chosen.folder / f"front-{scheme}.png")
                if not chosen.front:
                    shoot(page, app, chosen.folder, f"{size}-{scheme}")
                context.close()
        finally:
            browser.close()
            app.stop()


if __name__ == "__main__":
    main()
