"""The nine from a request to a stored, settled result, over HTTP with Huey and the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.nine import House, check_done, house, vendor

NAMES = [
    "text_to_video", "image_to_video", "multi_image_to_video", "motion_control", "lip_sync",
    "multi_elements", "image_generation", "omni_image", "face_swap",
]  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("nine")) as started:
        yield started


@pytest.fixture(scope="module")
def nine(app: House):
    """Every request, asked at once; the balance is looked at when all have ended."""
    asked = vendor(app.files(), app.film())
    before = app.credits()
    jobs = {name: app.submit(name, one.params)[0] for name, one in asked.items()}
    return asked, jobs, before


def test_there_are_nine(app: House) -> None:
    listed = [row["id"] for row in app.http.get("/api/capabilities").json()["capabilities"]]
    assert sorted(listed) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_of_the_nine_becomes_a_verified_file_at_its_price(app: House, nine, name: str) -> None:
    asked, jobs, _ = nine
    quoted = app.http.post(
        "/api/quote", json={"capability": name, "params": asked[name].params}
    ).json()
    assert quoted["price"] == jobs[name]["price"] == asked[name].price
    done = check_done(app, jobs[name], asked[name])
    for field, value in asked[name].params.items():
        assert done["params"][field] == value


def test_the_nine_cost_exactly_their_prices(app: House, nine) -> None:
    asked, jobs, before = nine
    for job in jobs.values():
        app.wait_state(job["id"], "done", "failed")
    total, after = sum(one.price for one in asked.values()), app.credits()
    assert after["spent"] - before["spent"] == total
    assert before["available"] - after["available"] == total
    assert after["held"] == 0
