"""Calls that prepare and edit: faces, selections, speech, sounds, effects and pictures."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.unit.simulator_client import Simulated, picture, refusal, sound

P = picture()
T2V = "/v1/videos/text2video"
ELEMENTS = "/v1/videos/multi-elements"
LIP_SYNC = "/v1/videos/advanced-lip-sync"
FACES = "/v1/videos/identify-face"
TTS = "/v1/audio/tts"
SPOT = {"x": 0.5, "y": 0.25}
SPEECH = {"text": "A boat goes down the river to the sea. " * 2, "voice_id": "oversea_male1"}
EDIT = {"edit_mode": "removal", "prompt": "remove the boat from <<<video_1>>>", "mode": "std"}


@pytest.fixture(scope="module")
def kling() -> Iterator[Simulated]:
    with Simulated(slots={"video": 10_000, "image": 10_000}) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def video_id(kling: Simulated) -> str:
    return _film(kling, prompt="two people in a boat")


def _film(kling: Simulated, **change: Any) -> str:
    body = {"model_name": "kling-v2-6", "prompt": "a boat"} | change
    return str(kling.ended(T2V, body)["task_result"]["videos"][0]["id"])


def _refused(kling: Simulated, path: str, body: dict[str, Any], message: str) -> None:
    status, code, text = refusal(kling.post(path, body))
    assert (status, code) == (400, 1201)
    assert message in text


def _seconds(kling: Simulated, url: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "film")
        target.write_bytes(kling.http.get(url).content)
        with av.open(str(target), "r") as film:
            return (film.duration or 0) / 1e6


# ------------------------------------------------------------------ lip-sync


def _faces(kling: Simulated, video_id: str) -> dict[str, Any]:
    return kling.made(FACES, {"video_id": video_id, "video_url": ""})


def _choice(face_id: str = "0", **change: Any) -> dict[str, Any]:
    times = {"sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 1000}
    return {"face_id": face_id, "sound_file": sound(3), **times, **change}


def test_faces_are_shown_and_one_of_them_speaks(kling: Simulated, video_id: str) -> None:
    session = _faces(kling, video_id)
    assert session["final_unit_deduction"] == "0.05"
    assert [face["face_id"] for face in session["face_data"]] == ["0", "1"]
    crops = [kling.http.get(face["face_image"]).content for face in session["face_data"]]
    sizes = [Image.open(BytesIO(crop)).size for crop in crops]
    assert sizes[0] > sizes[1]
    assert session["face_data"][0]["end_time"] == 5000
    body = {"session_id": session["session_id"], "face_choose": [_choice("1")]}
    done = kling.ended(LIP_SYNC, body | {"external_task_id": "sync-1"})
    assert done["final_unit_deduction"] == "0.5"
    parent = done["task_info"]["parent_video"]
    assert (parent["id"], parent["duration"]) == (video_id, "5")
    assert _seconds(kling, done["task_result"]["videos"][0]["url"]) == 5
    looked = kling.get(f"{LIP_SYNC}/sync-1")
    assert refusal(looked)[1] == 1201


def test_a_video_may_have_no_face(kling: Simulated) -> None:
    session = _faces(kling, _film(kling, prompt="[noface] a boat"))
    assert session["face_data"] == []


def test_speech_can_be_used_for_lip_sync(kling: Simulated, video_id: str) -> None:
    speech = kling.made(TTS, SPEECH | {"voice_language": "en"})
    assert speech["task_status"] == "succeed"
    (audio,) = speech["task_result"]["audios"]
    assert abs(_seconds(kling, audio["url"]) - float(audio["duration"])) < 0.2
    choice = _choice(audio_id=audio["id"], sound_file="")
    session = _faces(kling, video_id)
    kling.made(LIP_SYNC, {"session_id": session["session_id"], "face_choose": [choice]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face_id": "9"}, "face_id 9 not found"),
        ({"sound_file": ""}, "Exactly one of audio_id and sound_file"),
        ({"audio_id": "1"}, "audio_id 1 not found or expired"),
        ({"sound_end_time": 1999}, "at least 2 seconds long"),
        ({"sound_end_time": 4000}, "must not exceed the length of the sound"),
        ({"sound_insert_time": 2500}, "must lie inside the video"),
        ({"sound_volume": 3}, "sound_volume out of range"),
        ({"sound_start_time": None}, "sound_start_time is required"),
        ({"sound_file": sound(1)}, "duration must be between 2s and 60s"),
        ({"sound_file": P}, "format is invalid"),
    ],
)
def test_a_sound_must_fit_its_face(
    kling: Simulated, video_id: str, change: dict[str, Any], message: str
) -> None:
    session = _faces(kling, video_id)
    body = {"session_id": session["session_id"], "face_choose": [_choice(**change)]}
    _refused(kling, LIP_SYNC, body, message)


def test_sessions_must_exist_and_have_one_video(kling: Simulated, video_id: str) -> None:
    body = {"session_id": "1", "face_choose": [_choice()]}
    _refused(kling, LIP_SYNC, body, "session_id 1 not found or expired")
    both = {"video_id": video_id, "video_url": "https://example.com/a.mp4"}
    for path in (FACES, f"{ELEMENTS}/init-selection"):
        _refused(kling, path, both, "Exactly one of video_id and video_url")
        _refused(kling, path, {}, "Exactly one of video_id and video_url")
        _refused(kling, path, {"video_id": "1"}, "video_id 1 not found or expired")
        _refused(kling, path, {"video_url": "film.mp4"}, "video_url must be a URL")


def test_a_film_elsewhere_is_not_fetched_but_stood_in_for(kling: Simulated) -> None:
    session = kling.made(FACES, {"video_url": "https://example.com/couple.mp4"})
    assert len(session["face_data"]) == 2


# ------------------------------------------------------------------ multi-elements


def _select(kling: Simulated, video_id: str, *points: dict[str, float]) -> str:
    session = kling.made(f"{ELEMENTS}/init-selection", {"video_id": video_id})
    id_ = str(session["session_id"])
    if points:
        body = {"session_id": id_, "frame_index": 0, "points": list(points)}
        kling.made(f"{ELEMENTS}/add-selection", body)
    return id_


def test_a_selection_is_made_shown_and_taken_back(kling: Simulated, video_id: str) -> None:
    session = kling.made(f"{ELEMENTS}/init-selection", {"video_id": video_id})
    assert (session["status"], session["fps"], session["total_frame"]) == (0, 24, 120)
    assert (session["width"], session["height"]) == (1280, 720)
    assert session["original_duration"] == 5000
    assert kling.http.get(session["normalized_video"]).status_code == 200
    body = {"session_id": session["session_id"], "frame_index": 3, "points": [SPOT]}
    added = kling.made(f"{ELEMENTS}/add-selection", body)["res"]
    assert added["frame_index"] == 3
    (mask,) = added["rle_mask_list"]
    png = Image.open(BytesIO(base64.b64decode(mask["png_mask"]["base64"])))
    assert png.size == (1280, 720)
    assert _decode(mask["rle_mask"]) == _columns(png)
    shown = kling.made(f"{ELEMENTS}/preview-selection", {"session_id": session["session_id"]})
    assert all(kling.http.get(url).status_code == 200 for url in shown["res"].values())
    other = body | {"points": [{"x": 0.5, "y": 0.26}]}
    _refused(kling, f"{ELEMENTS}/delete-selection", other, "must equal the points")
    gone = kling.made(f"{ELEMENTS}/delete-selection", body)
    assert gone["res"]["rle_mask_list"] == []
    cleared = {"session_id": session["session_id"]}
    assert kling.made(f"{ELEMENTS}/clear-selection", cleared)["status"] == 0
    _refused(kling, f"{ELEMENTS}/preview-selection", cleared, "No selection in the session")


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
def test_points_must_lie_on_the_film(
    kling: Simulated, video_id: str, change: dict[str, Any], message: str
) -> None:
    body = {"session_id": _select(kling, video_id), "frame_index": 0, "points": [SPOT]}
    _refused(kling, f"{ELEMENTS}/add-selection", body | change, message)


def test_points_and_frames_are_limited(kling: Simulated, video_id: str) -> None:
    id_ = _select(kling, video_id, *({"x": n / 10, "y": 0.5} for n in range(10)))
    body: dict[str, Any] = {"session_id": id_, "frame_index": 0, "points": [SPOT]}
    path = f"{ELEMENTS}/add-selection"
    _refused(kling, path, body, "At most 10 points are allowed in a frame.")
    for frame in range(1, 10):
        kling.made(path, body | {"frame_index": frame})
    _refused(kling, path, body | {"frame_index": 10}, "At most 10 frames can be marked.")


def test_a_selection_is_swapped(kling: Simulated, video_id: str) -> None:
    swap = {
        "session_id": _select(kling, video_id, SPOT),
        "edit_mode": "swap",
        "prompt": "swap the boat of <<<video_1>>> for <<<image_1>>>",
        "image_list": [{"image": P}],
    }
    done = kling.ended(ELEMENTS, swap)
    (video,) = done["task_result"]["videos"]
    assert video["session_id"] == swap["session_id"]
    assert done["final_unit_deduction"] == "3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edit_mode": "paint"}, "edit_mode value 'paint' is invalid"),
        ({"edit_mode": "swap"}, "image_list must have 1 to 1 images"),
        ({"image_list": [{"image": P}]}, "image_list must have 0 to 0 images"),
        ({"prompt": "remove the boat"}, "prompt must refer to <<<video_1>>>"),
        (
            {"edit_mode": "addition", "image_list": [{"image": P}]},
            "prompt must refer to <<<image_1>>>",
        ),
        ({"duration": "10"}, "duration must be '5'"),
        ({"session_id": "1"}, "session_id 1 not found or expired"),
        ({"model_name": "kling-v2-6"}, "model_name value 'kling-v2-6' is invalid"),
    ],
)
def test_an_edit_must_make_sense(
    kling: Simulated, video_id: str, change: dict[str, Any], message: str
) -> None:
    body = EDIT | {"session_id": _select(kling, video_id, SPOT)}
    _refused(kling, ELEMENTS, body | change, message)


def test_an_edit_needs_a_selection(kling: Simulated, video_id: str) -> None:
    body = EDIT | {"session_id": _select(kling, video_id)}
    _refused(kling, ELEMENTS, body, "No selection in the session")


# ------------------------------------------------------------------ the rest


def test_a_film_is_made_longer(kling: Simulated) -> None:
    path = "/v1/videos/video-extend"
    old = _film(kling, model_name="kling-v1-6", mode="pro")
    done = kling.ended(path, {"video_id": old, "prompt": "on"})
    assert done["final_unit_deduction"] == "3.5"
    assert done["task_info"]["parent_video"]["id"] == old
    assert _seconds(kling, done["task_result"]["videos"][0]["url"]) == 10
    new = _film(kling)
    _refused(kling, path, {"video_id": new}, "not supported by the model of the video")
    _refused(kling, path, {}, "video_id is required")
    sync = {"input": {"mode": "audio2video", "video_id": new, "audio_type": "file"}}
    sync["input"]["audio_file"] = sound(3)
    synced = kling.ended("/v1/videos/lip-sync", sync)["task_result"]["videos"][0]["id"]
    _refused(kling, path, {"video_id": synced}, "The video can not be extended")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "text2video"}, "input.text is required"),
        ({"mode": "text2video", "text": "a", "voice_id": "AOT"}, "input.voice_language is"),
        (
            {"mode": "text2video", "text": "a", "voice_id": "x", "voice_language": "en"},
            "Voice id not found",
        ),
        ({"mode": "audio2video"}, "input.audio_type is required"),
        ({"mode": "audio2video", "audio_type": "url"}, "input.audio_url is required"),
        ({"mode": "audio2video", "audio_type": "file"}, "input.audio_file is required"),
        ({"mode": "text2video", "text": "a" * 121}, "must not exceed 120 characters"),
        ({"mode": "text2video", "video_url": "https://a.b/c"}, "Exactly one of video_id"),
    ],
)
def test_the_old_lip_sync_is_strict_too(
    kling: Simulated, video_id: str, given: dict[str, Any], message: str
) -> None:
    _refused(kling, "/v1/videos/lip-sync", {"input": {"video_id": video_id} | given}, message)


def test_a_portrait_talks_as_long_as_its_sound(kling: Simulated) -> None:
    path = "/v1/videos/avatar/image2video"
    done = kling.ended(path, {"image": P, "sound_file": sound(3)})
    assert done["final_unit_deduction"] == "1.2"
    assert _seconds(kling, done["task_result"]["videos"][0]["url"]) == pytest.approx(3, abs=0.05)
    _refused(kling, path, {"image": P}, "Exactly one of audio_id and sound_file")
    _refused(kling, path, {"sound_file": sound(3)}, "image is required")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"character_orientation": ""}, "character_orientation is required"),
        ({"mode": ""}, "mode is required"),
        ({"image_url": ""}, "image_url is required"),
        ({"video_url": ""}, "video_url is required"),
        ({"element_list": [{"element_id": 1}]}, "Element list is not supported"),
        ({"model_name": "kling-v2-5-turbo"}, "model_name value 'kling-v2-5-turbo' is invalid"),
        (
            {"model_name": "kling-v3", "element_list": [{"element_id": 1}, {"element_id": 2}]},
            "At most 1 element_list items",
        ),
        ({"model_name": "kling-v3", "element_list": [{"element_id": "x"}]}, "must be a number"),
    ],
)
def test_motion_control_names_what_is_missing(
    kling: Simulated, change: dict[str, Any], message: str
) -> None:
    body = {
        "image_url": P,
        "video_url": "https://example.com/dance.mp4",
        "character_orientation": "video",
        "mode": "std",
    }
    path = "/v1/videos/motion-control"
    kling.made(path, body)
    _refused(kling, path, body | change, message)


def test_effects_know_their_scenes(kling: Simulated) -> None:
    path = "/v1/videos/effects"
    done = kling.ended(path, {"effect_scene": "hug_pro", "input": {"images": [P, P]}})
    assert done["task_result"]["videos"][0].keys() == {"id", "url"}
    kling.made(path, {"effect_scene": "pet_lion_pro", "input": {"image": P}})
    for scene, given, message in [
        ("hug", {"images": [P, P]}, "has been discontinued"),
        ("no_such_scene", {"image": P}, "effect_scene value 'no_such_scene' is invalid"),
        ("hug_pro", {"image": P}, "input.images is required"),
        ("hug_pro", {"images": [P]}, "At least 2 input.images items"),
        ("pet_lion_pro", {"images": [P, P]}, "input.image is required"),
        ("pet_lion_pro", {}, "input is required"),
        ("hug_pro", {"images": "x"}, "input.images must be a list of strings"),
    ]:
        _refused(kling, path, {"effect_scene": scene, "input": given}, message)


def test_several_pictures_become_a_film_or_a_picture(kling: Simulated) -> None:
    film = {"image_list": [{"image": P}] * 4, "prompt": "a"}
    kling.made("/v1/videos/multi-image2video", film)
    too_many = film | {"image_list": [{"image": P}] * 5}
    _refused(kling, "/v1/videos/multi-image2video", too_many, "At most 4 image_list items")
    path = "/v1/images/multi-image2image"
    still = {
        "model_name": "kling-v2-1",
        "subject_image_list": [{"subject_image": P}],
        "style_image": P,
    }
    assert len(kling.ended(path, still | {"n": 2})["task_result"]["images"]) == 2
    _refused(kling, path, {"prompt": "a"}, "subject_image_list is required")


def test_a_picture_is_grown_at_its_sides(kling: Simulated) -> None:
    path = "/v1/images/editing/expand"
    sides = {f"{side}_expansion_ratio": 0 for side in ("up", "down", "left")}
    body = {"image": P, **sides, "right_expansion_ratio": 0.5}
    url = kling.ended(path, body)["task_result"]["images"][0]["url"]
    assert Image.open(BytesIO(kling.http.get(url).content)).size == (600, 300)
    far = body | {"up_expansion_ratio": 2, "right_expansion_ratio": 0.1}
    _refused(kling, path, far, "must not exceed 3 times")
    _refused(kling, path, body | {"up_expansion_ratio": None}, "up_expansion_ratio is required")


def test_clothes_are_tried_on_for_units_of_their_own(kling: Simulated) -> None:
    path = "/v1/images/kolors-virtual-try-on"
    done = kling.ended(path, {"human_image": picture(300, 400), "cloth_image": P})
    assert done["final_unit_deduction"] == "1"
    _refused(kling, path, {"human_image": P}, "cloth_image is required")


def test_a_subject_is_shown_from_three_sides(kling: Simulated) -> None:
    path = "/v1/general/ai-multi-shot"
    done = kling.ended(path, {"element_frontal_image": P})
    assert [image["index"] for image in done["task_result"]["images"]] == [0, 1, 2]
    assert done["task_result"]["images"][2].keys() == {"index", "url_1", "url_2", "url_3"}
    assert done["final_unit_deduction"] == "20"


def test_a_picture_is_taken_apart(kling: Simulated) -> None:
    found = kling.made("/v1/videos/image-recognize", {"image": P})
    kinds = [image["type"] for image in found["task_result"]["images"]]
    assert kinds == ["object_seg", "head_seg", "face_seg", "cloth_seg"]


def test_sounds_come_in_both_formats(kling: Simulated, video_id: str) -> None:
    path = "/v1/audio/text-to-audio"
    (audio,) = kling.ended(path, {"prompt": "rain", "duration": 3.5})["task_result"]["audios"]
    assert audio["duration_wav"] == "3.5"
    for url in (audio["url_mp3"], audio["url_wav"]):
        assert abs(_seconds(kling, url) - 3.5) < 0.15
    for duration, message in [(3.25, "one decimal"), (2.9, "out of range"), ("5", "a number")]:
        _refused(kling, path, {"prompt": "rain", "duration": duration}, message)
    both = kling.ended("/v1/audio/video-to-audio", {"video_id": video_id})
    assert both["task_result"].keys() == {"videos", "audios"}
    assert both["task_info"]["parent_video"]["id"] == video_id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voice_id": "nobody"}, "Voice id not found"),
        ({"voice_language": "zh"}, "Voice id not found"),
        ({"voice_language": "fr"}, "voice_language value 'fr' is invalid"),
        ({"voice_speed": 0.5}, "voice_speed out of range"),
        ({"voice_speed": 1.25}, "at most one decimal place"),
        ({"text": "a" * 1001}, "must not exceed 1000 characters"),
    ],
)
def test_speech_needs_a_voice_of_its_language(
    kling: Simulated, change: dict[str, Any], message: str
) -> None:
    _refused(kling, TTS, SPEECH | {"voice_language": "en"} | change, message)


def test_a_local_film_is_lent_an_address(kling: Simulated) -> None:
    data = b"not much of a film"
    lent = kling.http.post("/_simulator/inputs/mp4", content=data).json()["url"]
    assert lent.startswith("http://127.0.0.1:7001/files/")
    assert kling.http.get(lent).content == data
    assert kling.http.post("/_simulator/inputs/mp4x5", content=data).status_code == 404
