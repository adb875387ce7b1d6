"""What a person chooses before the price: sessions of lip sync and multi-elements, and their refusals."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.nine import SPOT, Asked, House, check_done, house

TOLD = {"text": "A boat goes down the river to the sea.", "voice_id": "oversea_male1"}
LIP_SYNC, ELEMENTS = "/v1/videos/advanced-lip-sync", "/v1/videos/multi-elements"
EDIT = {"edit_mode": "removal", "prompt": "remove the woman from <<<video_1>>>"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # A preview is drawn while the studio waits, on a machine that may be busy.
    with house(tmp_path_factory.mktemp("sessions"), STUDIO_TIME_SCALE="5") as started:
        yield started


@pytest.fixture(scope="module")
def film(app: House) -> str:
    """A result of ours with two faces, five seconds."""
    return app.film("two people in a boat", aspect_ratio="1:1")


@pytest.fixture(scope="module")
def faces(app: House, film: str) -> dict[str, Any]:
    return app.begin("lip_sync", video=film)


@pytest.fixture(scope="module")
def marked(app: House, film: str) -> dict[str, Any]:
    return app.begin("multi_elements", video=film)


def test_a_face_is_chosen_a_voice_is_heard_and_the_face_speaks(app: House, film: str) -> None:
    before = app.credits()["spent"]
    session = app.begin("lip_sync", video=film)
    found = session["answers"]["identify-face"]["faces"]
    assert [one["face_id"] for one in found] == ["0", "1"]
    assert all(app.http.get(one["image"]["url"]).status_code == 200 for one in found)
    assert {call["id"]: call["price"] for call in session["calls"]} == {"tts": 7}
    said = app.call(session["id"], "tts", **TOLD)["answers"]["tts"]
    assert app.http.get(said["audio"]["url"]).headers["content-type"].startswith("audio/")
    assert app.credits()["spent"] - before == 14, "the two calls were paid when they were made"
    params = {"session": session["id"], "face_id": "1", "video": film, **TOLD}
    (job,) = app.submit("lip_sync", params)
    check_done(app, job, Asked(params, 70, LIP_SYNC, "0.5"))
    assert app.credits()["spent"] - before == 84


def test_a_text_is_spoken_without_a_session(app: House, film: str) -> None:
    params = {"video": film, **TOLD}
    (job,) = app.submit("lip_sync", params)
    check_done(app, job, Asked(params, 84, LIP_SYNC, "0.5"))


def test_a_text_that_was_changed_is_spoken_anew(
    app: House, faces: dict[str, Any], film: str
) -> None:
    app.call(faces["id"], "tts", **TOLD)
    changed = {"session": faces["id"], "video": film, **TOLD, "text": TOLD["text"] * 2}
    (job,) = app.submit("lip_sync", changed)
    check_done(app, job, Asked(changed, 77, LIP_SYNC, "0.5"))


def test_things_are_marked_seen_unmarked_and_edited(app: House, film: str) -> None:
    before = app.credits()["spent"]
    session = app.begin("multi_elements", video=film)
    begun = session["answers"]["init-selection"]
    assert (begun["width"], begun["height"]) == (960, 960)
    assert {call["price"] for call in session["calls"]} == {0}
    other = {"x": 0.2, "y": 0.8}
    one = app.call(session["id"], "add-selection", frame_index=3, points=[SPOT])
    two = app.call(session["id"], "add-selection", frame_index=3, points=[other])
    masks = [seen["answers"]["add-selection"]["masks"][0] for seen in (one, two)]
    assert masks[0] != masks[1]
    less = app.call(session["id"], "delete-selection", frame_index=3, points=[other])
    assert less["answers"]["add-selection"]["masks"] == [masks[0]], "what is marked is one thing"
    shown = app.call(session["id"], "preview-selection")["answers"]["preview-selection"]["video"]
    assert shown["kind"] == "video"
    assert app.http.get(shown["url"]).headers["content-type"] == "video/mp4"
    assert app.credits()["spent"] == before, "looking costs nothing"
    params = {"session": session["id"], "video": film, **EDIT}
    (job,) = app.submit("multi_elements", params)
    check_done(app, job, Asked(params, 420, ELEMENTS, "3"))


def test_what_was_cleared_is_not_edited(app: House, film: str) -> None:
    session = app.begin("multi_elements", video=film)
    app.call(session["id"], "add-selection", points=[SPOT])
    app.call(session["id"], "clear-selection")
    before = app.credits()
    answer = app.http.post(
        "/api/jobs",
        json={"capability": "multi_elements", "params": {"session": session["id"], "video": film, **EDIT}},
    )  # fmt: skip
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["error"]["fields"]) == ["points"]
    assert app.credits() == before


def refused(app: House, answer: httpx.Response, status: int, code: str, said: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    assert said in error["message"]


def test_a_video_without_a_face_is_said_and_not_charged(app: House) -> None:
    nobody = app.film("[noface] an empty boat")
    before = app.credits()
    answer = app.http.post(
        "/api/sessions", json={"capability": "lip_sync", "params": {"video": nobody}}
    )
    refused(app, answer, 422, "no_face", "Choose one with a face")
    assert list(answer.json()["error"]["fields"]) == ["video"]
    assert app.credits() == before
    sound = app.files()["sound"]
    (job,) = app.submit("lip_sync", {"video": nobody, "sound_file": sound})
    failed = app.wait_state(job["id"], "failed", "done")
    assert (failed["state"], failed["error"]["code"]) == ("failed", "no_face")
    assert app.credits() == before


@pytest.mark.parametrize(
    ("call", "params", "status", "code", "said"),
    [
        ("add-selection", {"points": [{"x": 1.5, "y": 0.5}]}, 422, "invalid_input", "too large"),
        ("add-selection", {"points": []}, 422, "invalid_input", "at least 1"),
        ("add-selection", {"points": [SPOT] * 11}, 422, "invalid_input", "at most 10"),
        ("add-selection", {"points": [SPOT], "frame_index": 9999}, 422, "kling_1201", "outside the video"),
        ("delete-selection", {"points": [{"x": 0.1, "y": 0.1}]}, 422, "kling_1201", "Nothing was charged"),
        ("add-selection", {"points": [SPOT], "colour": "red"}, 422, "invalid_input", "no such field"),
        ("init-selection", {}, 404, "not_found", "no call"),
        ("sing", {}, 404, "not_found", "no call"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_a_sentence(
    app: House, marked: dict[str, Any], call: str, params: Any, status: int, code: str, said: str
) -> None:
    before = app.credits()
    answer = app.http.post(f"/api/sessions/{marked['id']}/{call}", json=params)
    refused(app, answer, status, code, said)
    assert app.credits() == before


def test_a_session_is_for_its_own_capability_and_owner(
    app: House, faces: dict[str, Any], film: str
) -> None:
    before = app.credits()
    for session, status in ((faces["id"], 422), ("0" * 32, 422)):
        params = {"session": session, "video": film, **EDIT}
        for address in ("/api/quote", "/api/jobs"):
            answer = app.http.post(address, json={"capability": "multi_elements", "params": params})
            assert answer.status_code == status, answer.text
    unknown = app.http.post(f"/api/sessions/{'0' * 32}/add-selection", json={"points": [SPOT]})
    refused(app, unknown, 404, "not_found", "no such session")
    none = app.http.post("/api/sessions", json={"capability": "text_to_video", "params": {}})
    refused(app, none, 404, "not_found", "needs no session")
    assert app.credits() == before


def test_a_session_that_ended_says_so(app: House, film: str) -> None:
    session = app.begin("multi_elements", video=film)
    with sqlite3.connect(app.folder / "studio.db") as db:
        db.execute(
            "UPDATE session SET expires_at = ? WHERE id = ?",
            [int(time.time() * 1000) - 1, session["id"]],
        )
    db.close()
    before = app.credits()
    late = app.http.post(f"/api/sessions/{session['id']}/add-selection", json={"points": [SPOT]})
    refused(app, late, 422, "session_expired", "Choose the video again")
    params = {"session": session["id"], "video": film, **EDIT}
    job = app.http.post("/api/jobs", json={"capability": "multi_elements", "params": params})
    refused(app, job, 422, "session_expired", "Choose the video again")
    assert list(job.json()["error"]["fields"]) == ["session"]
    assert app.credits() == before


def test_each_deliberate_call_is_charged_once_and_a_lost_one_not_at_all(
    app: House, film: str
) -> None:
    known = app.prepared()
    session = app.begin("lip_sync", video=film)
    app.call(session["id"], "tts", **TOLD)
    app.call(session["id"], "tts", **TOLD, voice_speed=1.2)
    assert app.prepared() == [*known, 7, 7, 7]
    before = app.credits()
    for on_path, address, body in (
        ("/v1/audio/tts", f"/api/sessions/{session['id']}/tts", {**TOLD, "voice_speed": 1.5}),
        (
            "/v1/videos/identify-face",
            "/api/sessions",
            {"capability": "lip_sync", "params": {"video": film}},
        ),
    ):
        for kind in ({"kind": "lost_before"}, {"kind": "refuse", "code": 5000}):
            fault = {**kind, "on": "call", "path": on_path, "times": 1}
            httpx.post(
                f"{app.kling.url}/_simulator/faults", json={"faults": [fault]}, trust_env=False
            ).raise_for_status()
            answer = app.http.post(address, json=body)
            assert 400 <= answer.status_code < 500, answer.text
            assert "Nothing was charged" in answer.json()["error"]["message"]
    assert app.credits() == before
    assert app.prepared() == [*known, 7, 7, 7]
