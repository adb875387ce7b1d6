"""The doctor under the balance: one line when all is well, what to do when it is not, and never in the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
LOST = {
    "code": "orphan", "figures": {"task": "800000000000000001", "external": "ks-1-a", "price": 210},
    "message": "", "next": "",
}  # fmt: skip
PAUSED = {
    "code": "paused", "figures": {"code": "kling_1102", "message": "not enough"},
    "message": "", "next": "",
}  # fmt: skip
STRANGE = {"code": "newer", "figures": {}, "message": "<b>Said</b> later.", "next": "Wait."}


def open_credits(page: Page, studio: Any, name: str = "Credits") -> Any:
    page.goto(getattr(studio, "url", studio))
    page.get_by_role("tab", name=name, exact=True).click()
    return page.locator(".ks-doctor")


def tell(page: Page, problems: list[Any], warnings: list[Any]) -> None:
    pools = [{"name": "video", "cap": 5, "used": 2}]
    body = {"jobs": {}, "audit": "ok", "problems": problems, "warnings": warnings, "pools": pools}
    page.route("**/api/doctor", lambda route: answer(route, body))


def answer(route: Route, body: Any) -> None:
    route.fulfill(body=json.dumps(body), content_type="application/json")


def test_well_is_one_line_of_the_real_studio(page: Page, studio: Any) -> None:
    doctor = open_credits(page, studio)
    expect(doctor.locator(".ks-dr-status")).to_have_text("All is well")
    expect(doctor.locator(".ks-dr-line")).to_be_hidden()
    doctor.get_by_role("button", name="Check again").click()
    expect(doctor.locator(".ks-dr-at")).to_contain_text("checked at")
    assert (page.external, page.errors) == ([], [])  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [1440, 390])
def test_what_needs_somebody_unfolds_with_how_to_mend_it(
    page: Page, studio: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 850})
    tell(page, [LOST], [PAUSED, STRANGE])
    doctor = open_credits(page, studio)
    line = doctor.get_by_role("button", name="3 things need you")
    expect(doctor.locator("li").first).to_be_hidden()
    line.click()
    expect(line).to_have_attribute("aria-expanded", "true")
    lost, paused, strange = doctor.locator("li").all()
    expect(lost).to_contain_text("Damage")
    expect(lost).to_contain_text("800000000000000001")
    expect(paused).to_contain_text("Takes wait: The Kling account has no units left.")
    expect(strange).to_contain_text("<b>Said</b> later.")
    expect(doctor.locator(".ks-dr-pools")).to_contain_text("video 2 of 5")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.unroute("**/api/doctor")
    tell(page, [], [])
    doctor.get_by_role("button", name="Check again").click()
    expect(doctor.locator(".ks-dr-status")).to_have_text("All is well")
    expect(doctor.locator("li").first).to_be_hidden()


def test_a_doctor_that_does_not_answer_blocks_nothing(page: Page, studio: Any) -> None:
    held: list[Route] = []
    page.route("**/api/doctor", lambda route: held.append(route))  # a builtin cannot be wrapped
    doctor = open_credits(page, studio)
    expect(doctor.locator(".ks-dr-status")).to_have_text("Checking…")
    expect(page.locator(".ks-statement")).to_be_visible()
    held[0].abort()
    expect(doctor.locator(".ks-dr-status")).to_contain_text("did not answer")


def test_a_lost_task_is_taken_up_by_a_click_that_says_its_price(page: Page, studio: Any) -> None:
    asked: list[Any] = []

    def take(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or ""))
        said = {"error": {"code": "no_such_code", "message": "Not now.", "fields": {}}}
        body = said if len(asked) == 1 else {"jobs": []}
        route.fulfill(
            status=422 if len(asked) == 1 else 201,
            body=json.dumps(body),
            content_type="application/json",
        )

    tell(page, [LOST], [])
    page.route("**/api/doctor/adopt", take)
    doctor = open_credits(page, studio)
    doctor.get_by_role("button", name="1 thing needs you").click()
    button = doctor.get_by_role("button", name="Take it up - 210 credits", exact=True)
    button.click()
    expect(doctor.locator("li [role=status]")).to_have_text("Not now.")
    page.unroute("**/api/doctor")
    tell(page, [], [])
    button.click()
    expect(doctor.locator(".ks-dr-status")).to_have_text("All is well")
    assert asked == [{"task_id": "800000000000000001"}] * 2
