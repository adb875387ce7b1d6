"""The endpoints beside: longer films, avatars, motion, effects, pictures, sounds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from kling_pipeline.simulator import media
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


def test_a_film_is_made_longer(kling: Simulated) -> None:
    path = "/v1/videos/video-extend"
    old = _film(kling, model_name="kling-v1-6", mode="pro")
    done = kling.ended(path, {"video_id": old, "prompt": "on"})
    assert done["final_unit_deduction"] == "3.5"
    assert done["task_info"]["parent_video"]["id"] == old
    assert _seconds(kling, done["task_result"]["videos"][0]["url"]) == 10
    again = {"video_id": done["task_result"]["videos"][0]["id"]}
    more = kling.ended(path, again)
    assert more["final_unit_deduction"] == "3.5"
    assert _seconds(kling, more["task_result"]["videos"][0]["url"]) == 15
    new = _film(kling)
    _refused(kling, path, {"video_id": new}, "not supported by the model of the video")
    _refused(kling, path, {}, "video_id is required")
    sync = {"input": {"mode": "audio2video", "video_id": new, "audio_type": "file"}}
    sync["input"]["audio_file"] = sound(3)
    synced = kling.ended("/v1/videos/lip-sync", sync)["task_result"]["videos"][0]["id"]
    _refused(kling, path, {"video_id": synced}, "The video can not be extended")


def test_a_film_grows_to_three_minutes_at_most(
    kling: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _film(kling, model_name="kling-v1-6")
    monkeypatch.setattr(media, "measure", lambda data, kind: _of_length(kind, 176))
    body = {"video_id": old, "prompt": "on"}
    _refused(kling, "/v1/videos/video-extend", body, "must not exceed 3 minutes")


def test_an_extension_grows_no_further_either(
    kling: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/v1/videos/video-extend"
    old = _film(kling, model_name="kling-v1-6")
    longer = kling.ended(path, {"video_id": old})["task_result"]["videos"][0]["id"]
    monkeypatch.setattr(media, "measure", lambda data, kind: _of_length(kind, 176))
    _refused(kling, path, {"video_id": longer}, "must not exceed 3 minutes")


def _of_length(kind: str, seconds: float) -> media.Material:
    return media.Material(kind, "base_video", kind, b"", 1280, 720, seconds, 24)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "text2video"}, "text is required"),
        # A voice of English only; without a word about it the language is Chinese.
        ({"mode": "text2video", "text": "a", "voice_id": "AOT"}, "Voice id not found"),
        (
            {"mode": "text2video", "text": "a", "voice_id": "x", "voice_language": "en"},
            "Voice id not found",
        ),
        ({"mode": "audio2video"}, "Audio type is null"),
        ({"mode": "audio2video", "audio_type": "url"}, "audio_url is required"),
        ({"mode": "audio2video", "audio_type": "file"}, "audio_file is required"),
        ({"mode": "text2video", "text": "a" * 121}, "must not exceed 120 characters"),
        ({"mode": "text2video", "video_url": "https://a.b/c"}, "Exactly one of video_id"),
    ],
)
def test_the_old_lip_sync_is_strict_too(
    kling: Simulated, video_id: str, given: dict[str, Any], message: str
) -> None:
    _refused(kling, "/v1/videos/lip-sync", {"input": {"video_id": video_id} | given}, message)


def test_the_old_lip_sync_speaks_chinese_unless_told(kling: Simulated, video_id: str) -> None:
    words = {"mode": "text2video", "text": "a boat", "voice_id": "zhuxi_speech02"}
    done = kling.ended("/v1/videos/lip-sync", {"input": {"video_id": video_id, **words}})
    assert done["task_status"] == "succeed"


def test_a_portrait_talks_as_long_as_its_sound(kling: Simulated) -> None:
    path = "/v1/videos/avatar/image2video"
    done = kling.ended(path, {"image": P, "sound_file": sound(3)})
    assert done["final_unit_deduction"] == "1.2"
    assert _seconds(kling, done["task_result"]["videos"][0]["url"]) == pytest.approx(3, abs=0.05)
    _refused(kling, path, {"image": P}, "audio_id or sound_file is required")
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
