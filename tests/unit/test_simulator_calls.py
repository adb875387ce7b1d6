"""Calls that prepare and edit: faces, selections, speech, sounds, effects and pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.unit.simulator_client import (
    IMAGE,
    SimulatorClient,
    error_of,
    wav_base64,
)

ELEMENTS = "/v1/videos/multi-elements"
LIP_SYNC = "/v1/videos/advanced-lip-sync"
FACES = "/v1/videos/identify-face"
TTS = "/v1/audio/tts"
SPOT = {"x": 0.5, "y": 0.25}
SPEECH = {"text": "A boat goes down the river to the sea. " * 2, "voice_id": "oversea_male1"}
EDIT = {"edit_mode": "removal", "prompt": "remove the boat from <<<video_1>>>", "mode": "std"}


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000, "image": 10_000}) as client:
        yield client


@pytest.fixture(scope="module")
def video_id(kling: SimulatorClient) -> str:
    return kling.create_video(prompt="two people in a boat")


# ------------------------------------------------------------------ lip-sync


def _faces(kling: SimulatorClient, video_id: str) -> dict[str, Any]:
    return kling.create(FACES, {"video_id": video_id, "video_url": ""})


def _choice(face_id: str = "0", **change: Any) -> dict[str, Any]:
    times = {"sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 1000}
    return {"face_id": face_id, "sound_file": wav_base64(3), **times, **change}


def test_identified_faces_can_be_lip_synced(kling: SimulatorClient, video_id: str) -> None:
    session = _faces(kling, video_id)
    assert session["final_unit_deduction"] == "0.05"
    assert [face["face_id"] for face in session["face_data"]] == ["0", "1"]
    crops = [kling.http.get(face["face_image"]).content for face in session["face_data"]]
    sizes = [Image.open(BytesIO(crop)).size for crop in crops]
    assert sizes[0] > sizes[1]
    assert session["face_data"][0]["end_time"] == 5000
    body = {"session_id": session["session_id"], "face_choose": [_choice("1")]}
    done = kling.create_and_wait(LIP_SYNC, body | {"external_task_id": "sync-1"})
    assert done["final_unit_deduction"] == "0.5"
    parent = done["task_info"]["parent_video"]
    assert (parent["id"], parent["duration"]) == (video_id, "5")
    assert kling.seconds(done["task_result"]["videos"][0]["url"]) == 5
    found = kling.get(f"{LIP_SYNC}/sync-1")
    assert error_of(found)[1] == 1201


def test_a_video_may_have_no_face(kling: SimulatorClient) -> None:
    session = _faces(kling, kling.create_video(prompt="[noface] a boat"))
    assert session["face_data"] == []


def test_speech_can_be_used_for_lip_sync(kling: SimulatorClient, video_id: str) -> None:
    speech = kling.create(TTS, SPEECH | {"voice_language": "en"})
    assert speech["task_status"] == "succeed"
    (audio,) = speech["task_result"]["audios"]
    assert abs(kling.seconds(audio["url"]) - float(audio["duration"])) < 0.2
    choice = _choice(audio_id=audio["id"], sound_file="")
    session = _faces(kling, video_id)
    kling.create(LIP_SYNC, {"session_id": session["session_id"], "face_choose": [choice]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face_id": "9"}, "face_id 9 not found"),
        ({"sound_file": ""}, "audio_id or sound_file is required"),
        ({"audio_id": "1"}, "audio_id 1 not found or expired"),
        ({"sound_end_time": 1999}, "at least 2 seconds long"),
        ({"sound_end_time": 4000}, "must not exceed the length of the sound"),
        ({"sound_insert_time": 2500}, "must lie inside the video"),
        ({"face_id": "1", "sound_insert_time": 1500}, "overlap the time of the face"),
        ({"sound_volume": 3}, "sound_volume out of range"),
        ({"sound_start_time": None}, "sound_start_time is required"),
        ({"sound_file": wav_base64(1)}, "duration must be between 2s and 60s"),
        ({"sound_file": IMAGE}, "format is invalid"),
    ],
)
def test_a_sound_must_fit_its_face(
    kling: SimulatorClient, video_id: str, change: dict[str, Any], message: str
) -> None:
    session = _faces(kling, video_id)
    body = {"session_id": session["session_id"], "face_choose": [_choice(**change)]}
    kling.rejected(LIP_SYNC, body, message)


def test_sessions_must_exist_and_have_one_video(kling: SimulatorClient, video_id: str) -> None:
    body = {"session_id": "1", "face_choose": [_choice()]}
    kling.rejected(LIP_SYNC, body, "session_id 1 not found or expired")
    both = {"video_id": video_id, "video_url": "https://example.com/a.mp4"}
    for path in (FACES, f"{ELEMENTS}/init-selection"):
        kling.rejected(path, both, "Exactly one of video_id and video_url")
        kling.rejected(path, {}, "video_id or video_url is required")
        kling.rejected(path, {"video_id": "1"}, "video_id 1 not found or expired")
        kling.rejected(path, {"video_url": "film.mp4"}, "video_url must be a URL")


def test_a_placeholder_replaces_a_remote_video(kling: SimulatorClient) -> None:
    session = kling.create(FACES, {"video_url": "https://example.com/couple.mp4"})
    assert len(session["face_data"]) == 2


# ------------------------------------------------------------------ multi-elements


def _select(kling: SimulatorClient, video_id: str, *points: dict[str, float]) -> str:
    session = kling.create(f"{ELEMENTS}/init-selection", {"video_id": video_id})
    id_ = str(session["session_id"])
    if points:
        body = {"session_id": id_, "frame_index": 0, "points": list(points)}
        kling.create(f"{ELEMENTS}/add-selection", body)
    return id_


def test_a_selection_is_added_previewed_and_deleted(kling: SimulatorClient, video_id: str) -> None:
    session = kling.create(f"{ELEMENTS}/init-selection", {"video_id": video_id})
    assert (session["status"], session["fps"], session["total_frame"]) == (0, 24, 120)
    assert (session["width"], session["height"]) == (1280, 720)
    assert session["original_duration"] == 5000
    assert kling.http.get(session["normalized_video"]).status_code == 200
    body = {"session_id": session["session_id"], "frame_index": 3, "points": [SPOT]}
    added = kling.create(f"{ELEMENTS}/add-selection", body)["res"]
    assert added["frame_index"] == 3
    (mask,) = added["rle_mask_list"]
    png = Image.open(BytesIO(base64.b64decode(mask["png_mask"]["base64"])))
    assert png.size == (1280, 720)
    assert _decode(mask["rle_mask"]) == _columns(png)
    shown = kling.create(f"{ELEMENTS}/preview-selection", {"session_id": session["session_id"]})
    assert all(kling.http.get(url).status_code == 200 for url in shown["res"].values())
    other = body | {"points": [{"x": 0.5, "y": 0.26}]}
    kling.rejected(f"{ELEMENTS}/delete-selection", other, "must equal the points")
    gone = kling.create(f"{ELEMENTS}/delete-selection", body)
    assert gone["res"]["rle_mask_list"] == []
    cleared = {"session_id": session["session_id"]}
    assert kling.create(f"{ELEMENTS}/clear-selection", cleared)["status"] == 0
    kling.rejected(f"{ELEMENTS}/preview-selection", cleared, "No selection in the session")


def _decode(mask: dict[str, Any]) -> list[int]:
    """The official page's way to read the runs: 5 bits a character, differences from the third."""
    runs: list[int] = []
    position, text = 0, mask["counts"]
    while position < len(text):
        value = shift = 0
        more = True
        while more:
            bits = ord(text[position]) - 48
            value |= (bits & 0x1F) << shift
            more, position, shift = bool(bits & 0x20), position + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def _columns(png: Image.Image) -> list[int]:
    flat = png.transpose(Image.Transpose.TRANSPOSE).tobytes()
    runs, inside = [0], 0
    for pixel in flat:
        if bool(pixel) != bool(inside):
            runs.append(0)
            inside = pixel
        runs[-1] += 1
    return runs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame_index": 120}, "frame_index is outside the video"),
        ({"frame_index": -1}, "frame_index out of range"),
        ({"points": [{"x": 1.2, "y": 0}]}, "points[0].x out of range"),
        ({"points": []}, "points is required"),
        ({"points": [SPOT] * 11}, "At most 10 points items are allowed."),
        ({"session_id": "1"}, "session_id 1 not found or expired"),
    ],
)
def test_points_must_lie_on_the_video(
    kling: SimulatorClient, video_id: str, change: dict[str, Any], message: str
) -> None:
    body = {"session_id": _select(kling, video_id), "frame_index": 0, "points": [SPOT]}
    kling.rejected(f"{ELEMENTS}/add-selection", body | change, message)


def test_points_and_frames_are_limited(kling: SimulatorClient, video_id: str) -> None:
    id_ = _select(kling, video_id, *({"x": n / 10, "y": 0.5} for n in range(10)))
    body: dict[str, Any] = {"session_id": id_, "frame_index": 0, "points": [SPOT]}
    path = f"{ELEMENTS}/add-selection"
    kling.rejected(path, body, "At most 10 points are allowed in a frame.")
    for frame in range(1, 10):
        kling.create(path, body | {"frame_index": frame})
    kling.rejected(path, body | {"frame_index": 10}, "At most 10 frames can be marked.")


def test_a_selection_can_be_swapped(kling: SimulatorClient, video_id: str) -> None:
    swap = {
        "session_id": _select(kling, video_id, SPOT),
        "edit_mode": "swap",
        "prompt": "swap the boat of <<<video_1>>> for <<<image_1>>>",
        "image_list": [{"image": IMAGE}],
    }
    done = kling.create_and_wait(ELEMENTS, swap)
    (video,) = done["task_result"]["videos"]
    assert video["session_id"] == swap["session_id"]
    assert done["final_unit_deduction"] == "3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edit_mode": "paint"}, "edit_mode value 'paint' is invalid"),
        ({"edit_mode": "swap"}, "image_list must have 1 to 1 images"),
        ({"image_list": [{"image": IMAGE}]}, "image_list must have 0 to 0 images"),
        ({"prompt": "remove the boat"}, "prompt must refer to <<<video_1>>>"),
        (
            {"edit_mode": "addition", "image_list": [{"image": IMAGE}]},
            "prompt must refer to <<<image_1>>>",
        ),
        ({"duration": "10"}, "duration must be '5'"),
        ({"session_id": "1"}, "session_id 1 not found or expired"),
        ({"model_name": "kling-v2-6"}, "model_name value 'kling-v2-6' is invalid"),
    ],
)
def test_a_wrong_edit_is_rejected(
    kling: SimulatorClient, video_id: str, change: dict[str, Any], message: str
) -> None:
    body = EDIT | {"session_id": _select(kling, video_id, SPOT)}
    kling.rejected(ELEMENTS, body | change, message)


def test_an_edit_needs_a_selection(kling: SimulatorClient, video_id: str) -> None:
    body = EDIT | {"session_id": _select(kling, video_id)}
    kling.rejected(ELEMENTS, body, "No selection in the session")
