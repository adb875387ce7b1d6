"""A video goes to Kling by address only: where there is none, the form says so at the field, before money."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from kling_pipeline.simulator import Options
from tests.conftest import KEYS, App
from tests.pictures import picture
from tests.service.nine import SPOT, House, house
from tests.unit.simulator_client import sign, video_file

LINK = "https://example.com/dance.mp4"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("video")) as started:
        yield started


def asked(video: str, face: str) -> dict[str, tuple[str, dict[str, object]]]:
    """Every capability that takes a video: its field and a request."""
    edit = {"edit_mode": "removal", "prompt": "without it: <<<video_1>>>", "points": [SPOT]}
    said = {"text": "A boat goes down the river to the sea.", "voice_id": "oversea_male1"}
    return {
        "motion_control": ("video_url", {"video_url": video, "image_url": face}),
        "lip_sync": ("video", {"video": video, **said}),
        "multi_elements": ("video", {"video": video, **edit}),
    }


def test_with_keys_a_local_film_is_refused_with_what_helps(app: House) -> None:
    local, face = app.upload(video_file(5))["id"], app.files()["face"]
    before = app.credits()
    for name, (field, params) in asked(local, face).items():
        for address in ("/api/quote", "/api/jobs"):
            answer = app.http.post(address, json={"capability": name, "params": params})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (422, "video_unreachable")
            assert list(error["fields"]) == [field]
            assert "https link" in error["fields"][field]
        session = app.http.post(
            "/api/sessions", json={"capability": name, "params": {field: local}}
        )
        assert 400 <= session.status_code < 500
    assert app.credits() == before


@pytest.mark.parametrize(
    ("orientation", "price"), [("video", 30 * 70), ("image", 10 * 70)], ids=["thirty", "ten"]
)
def test_a_film_at_an_address_is_priced_as_the_longest_that_is_taken(
    app: House, orientation: str, price: int
) -> None:
    """Nobody has seen it, and what is held must be enough; the form says that it was not checked."""
    params = {
        "video_url": LINK,
        "image_url": app.files()["face"],
        "character_orientation": orientation,
    }
    body = {"capability": "motion_control", "params": params}
    assert app.http.post("/api/quote", json=body).json()["price"] == price
    (job,) = app.submit("motion_control", params)
    assert app.wait_state(job["id"], "done", "failed")["price"] == price


def test_only_https_is_taken(app: House) -> None:
    face = app.files()["face"]
    for link in ("http://example.com/a.mp4", "file:///etc/passwd", "ftp://example.com/a.mp4"):
        for name, (field, params) in asked(link, face).items():
            answer = app.http.post("/api/quote", json={"capability": name, "params": params})
            assert answer.status_code == 422
            assert list(answer.json()["error"]["fields"]) == [field]


def test_a_film_of_the_wrong_kind_length_or_size_is_named(app: House) -> None:
    face, ours = app.files()["face"], app.film(duration="10")
    wrong = {face: "a video is needed", ours: "at most 10 s"}
    short, small = app.upload(video_file(2.5))["id"], app.upload(video_file(5, 320, 320))["id"]
    wrong |= {short: "3 to 30 s", small: "at least 340 px"}
    for video, said in list(wrong.items())[:1] + list(wrong.items())[2:]:
        params = {"video_url": video, "image_url": face}
        answer = app.http.post(
            "/api/quote", json={"capability": "motion_control", "params": params}
        )
        assert said in answer.json()["error"]["fields"]["video_url"]
    params = {"video_url": ours, "image_url": face, "character_orientation": "video"}
    quote = app.http.post("/api/quote", json={"capability": "motion_control", "params": params})
    assert quote.json()["price"] == 700


def test_in_demo_mode_a_local_film_is_enough(start_app: Callable[..., App]) -> None:
    demo = start_app(STUDIO_TIME_SCALE="10")
    local, face = demo.upload(video_file(3))["id"], demo.upload(picture(800, 800))["id"]
    jobs = {name: demo.submit(name, one)[0] for name, (_, one) in asked(local, face).items()}
    for name, job in jobs.items():
        done = demo.wait_state(job["id"], "done", "failed", seconds=120)
        assert (done["state"], done["error"]) == ("done", None)
        (asset,) = done["assets"]
        # An edit is of 5 or 10 seconds, whatever the film.
        assert asset["duration"] == pytest.approx(5 if name == "multi_elements" else 3, abs=0.2)


def test_around_the_form_kling_names_what_is_wrong_with_a_film(app: House) -> None:
    """The 1201 texts that only a film that can be fetched brings about, and that of a question without times."""
    token = sign(Options(access_key=KEYS[0], secret_key=KEYS[1]))
    with httpx.Client(
        base_url=app.kling.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as kling:
        for path, data, said in (
            (
                "multi-elements/init-selection",
                video_file(5, 720, 720, 12),
                "frame rate must be between",
            ),
            (
                "multi-elements/init-selection",
                video_file(6, 720, 720),
                "between 2s and 5s or between 7s",
            ),
            (
                "multi-elements/init-selection",
                video_file(5, 480, 480),
                "width and height must be between",
            ),
            ("identify-face", video_file(1), "duration must be between 2s and 60s"),
        ):
            url = kling.post("/_simulator/inputs/mp4", content=data).json()["url"]
            answer = kling.post(f"/v1/videos/{path}", json={"video_url": url})
            assert (answer.status_code, answer.json()["code"]) == (400, 1201)
            assert said in answer.json()["message"]
        untimed = kling.get("/account/costs?start_time=1")
        assert (untimed.json()["code"], untimed.json()["message"]) == (1201, "end_time is required")
