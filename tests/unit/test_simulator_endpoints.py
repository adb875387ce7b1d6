"""The smaller endpoints: extension, lip-sync, avatars, motion, effects, images, sounds."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from kling_pipeline.simulator.inputs import probe, reader
from tests.unit.simulator_client import (
    IMAGE,
    SimulatorClient,
    image_base64,
    wav_base64,
)

TTS = "/v1/audio/tts"
SPEECH = {"text": "A boat goes down the river to the sea. " * 2, "voice_id": "oversea_male1"}


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000, "image": 10_000}) as client:
        yield client


@pytest.fixture(scope="module")
def video_id(kling: SimulatorClient) -> str:
    return kling.create_video(prompt="two people in a boat")


def test_a_video_is_extended(kling: SimulatorClient) -> None:
    path = "/v1/videos/video-extend"
    old = kling.create_video(model_name="kling-v1-6", mode="pro")
    done = kling.create_and_wait(path, {"video_id": old, "prompt": "on"})
    assert done["final_unit_deduction"] == "3.5"
    assert done["task_info"]["parent_video"]["id"] == old
    assert kling.seconds(done["task_result"]["videos"][0]["url"]) == 10
    again = {"video_id": done["task_result"]["videos"][0]["id"]}
    more = kling.create_and_wait(path, again)
    assert more["final_unit_deduction"] == "3.5"
    assert kling.seconds(more["task_result"]["videos"][0]["url"]) == 15
    new = kling.create_video()
    kling.rejected(path, {"video_id": new}, "not supported by the model of the video")
    kling.rejected(path, {}, "video_id is required")
    sync = {"input": {"mode": "audio2video", "video_id": new, "audio_type": "file"}}
    sync["input"]["audio_file"] = wav_base64(3)
    synced = kling.create_and_wait("/v1/videos/lip-sync", sync)["task_result"]["videos"][0]["id"]
    kling.rejected(path, {"video_id": synced}, "The video can not be extended")


def test_a_video_is_extended_to_three_minutes_at_most(
    kling: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = kling.create_video(model_name="kling-v1-6")
    monkeypatch.setattr(reader, "measure", lambda data, kind: _of_length(kind, 176))
    body = {"video_id": old, "prompt": "on"}
    kling.rejected("/v1/videos/video-extend", body, "must not exceed 3 minutes")


def test_an_extension_is_extended_to_three_minutes_at_most(
    kling: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/v1/videos/video-extend"
    old = kling.create_video(model_name="kling-v1-6")
    longer = kling.create_and_wait(path, {"video_id": old})["task_result"]["videos"][0]["id"]
    monkeypatch.setattr(reader, "measure", lambda data, kind: _of_length(kind, 176))
    kling.rejected(path, {"video_id": longer}, "must not exceed 3 minutes")


def _of_length(kind: str, seconds: float) -> probe.InputFile:
    return probe.InputFile(kind, "base_video", kind, b"", 1280, 720, seconds, 24)


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
def test_a_wrong_old_lip_sync_is_rejected(
    kling: SimulatorClient, video_id: str, given: dict[str, Any], message: str
) -> None:
    kling.rejected("/v1/videos/lip-sync", {"input": {"video_id": video_id} | given}, message)


def test_the_old_lip_sync_defaults_to_chinese(kling: SimulatorClient, video_id: str) -> None:
    words = {"mode": "text2video", "text": "a boat", "voice_id": "zhuxi_speech02"}
    done = kling.create_and_wait("/v1/videos/lip-sync", {"input": {"video_id": video_id, **words}})
    assert done["task_status"] == "succeed"


def test_an_avatar_is_as_long_as_its_sound(kling: SimulatorClient) -> None:
    path = "/v1/videos/avatar/image2video"
    done = kling.create_and_wait(path, {"image": IMAGE, "sound_file": wav_base64(3)})
    assert done["final_unit_deduction"] == "1.2"
    assert kling.seconds(done["task_result"]["videos"][0]["url"]) == pytest.approx(3, abs=0.05)
    kling.rejected(path, {"image": IMAGE}, "audio_id or sound_file is required")
    kling.rejected(path, {"sound_file": wav_base64(3)}, "image is required")


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
def test_a_wrong_motion_control_is_rejected(
    kling: SimulatorClient, change: dict[str, Any], message: str
) -> None:
    body = {
        "image_url": IMAGE,
        "video_url": "https://example.com/dance.mp4",
        "character_orientation": "video",
        "mode": "std",
    }
    path = "/v1/videos/motion-control"
    kling.create(path, body)
    kling.rejected(path, body | change, message)


def test_effects_are_checked_by_scene(kling: SimulatorClient) -> None:
    path = "/v1/videos/effects"
    done = kling.create_and_wait(
        path, {"effect_scene": "hug_pro", "input": {"images": [IMAGE, IMAGE]}}
    )
    assert done["task_result"]["videos"][0].keys() == {"id", "url"}
    kling.create(path, {"effect_scene": "pet_lion_pro", "input": {"image": IMAGE}})
    for scene, given, message in [
        ("hug", {"images": [IMAGE, IMAGE]}, "has been discontinued"),
        ("no_such_scene", {"image": IMAGE}, "effect_scene value 'no_such_scene' is invalid"),
        ("hug_pro", {"image": IMAGE}, "input.images is required"),
        ("hug_pro", {"images": [IMAGE]}, "At least 2 input.images items"),
        ("pet_lion_pro", {"images": [IMAGE, IMAGE]}, "input.image is required"),
        ("pet_lion_pro", {}, "input is required"),
        ("hug_pro", {"images": "x"}, "input.images must be a list of strings"),
    ]:
        kling.rejected(path, {"effect_scene": scene, "input": given}, message)


def test_several_images_become_a_video_or_an_image(kling: SimulatorClient) -> None:
    video = {"image_list": [{"image": IMAGE}] * 4, "prompt": "a"}
    kling.create("/v1/videos/multi-image2video", video)
    too_many = video | {"image_list": [{"image": IMAGE}] * 5}
    kling.rejected("/v1/videos/multi-image2video", too_many, "At most 4 image_list items")
    path = "/v1/images/multi-image2image"
    still = {
        "model_name": "kling-v2-1",
        "subject_image_list": [{"subject_image": IMAGE}],
        "style_image": IMAGE,
    }
    assert len(kling.create_and_wait(path, still | {"n": 2})["task_result"]["images"]) == 2
    kling.rejected(path, {"prompt": "a"}, "subject_image_list is required")


def test_an_image_is_expanded(kling: SimulatorClient) -> None:
    path = "/v1/images/editing/expand"
    sides = {f"{side}_expansion_ratio": 0 for side in ("up", "down", "left")}
    body = {"image": IMAGE, **sides, "right_expansion_ratio": 0.5}
    url = kling.create_and_wait(path, body)["task_result"]["images"][0]["url"]
    assert Image.open(BytesIO(kling.http.get(url).content)).size == (600, 300)
    far = body | {"up_expansion_ratio": 2, "right_expansion_ratio": 0.1}
    kling.rejected(path, far, "must not exceed 3 times")
    kling.rejected(path, body | {"up_expansion_ratio": None}, "up_expansion_ratio is required")


def test_virtual_try_on_has_its_own_pool(kling: SimulatorClient) -> None:
    path = "/v1/images/kolors-virtual-try-on"
    done = kling.create_and_wait(
        path, {"human_image": image_base64(300, 400), "cloth_image": IMAGE}
    )
    assert done["final_unit_deduction"] == "1"
    kling.rejected(path, {"human_image": IMAGE}, "cloth_image is required")


def test_ai_multi_shot_makes_three_views(kling: SimulatorClient) -> None:
    path = "/v1/general/ai-multi-shot"
    done = kling.create_and_wait(path, {"element_frontal_image": IMAGE})
    assert [image["index"] for image in done["task_result"]["images"]] == [0, 1, 2]
    assert done["task_result"]["images"][2].keys() == {"index", "url_1", "url_2", "url_3"}
    assert done["final_unit_deduction"] == "20"


def test_image_recognize_makes_four_cut_outs(kling: SimulatorClient) -> None:
    found = kling.create("/v1/videos/image-recognize", {"image": IMAGE})
    kinds = [image["type"] for image in found["task_result"]["images"]]
    assert kinds == ["object_seg", "head_seg", "face_seg", "cloth_seg"]


def test_sounds_come_in_both_formats(kling: SimulatorClient, video_id: str) -> None:
    path = "/v1/audio/text-to-audio"
    (audio,) = kling.create_and_wait(path, {"prompt": "rain", "duration": 3.5})["task_result"][
        "audios"
    ]
    assert audio["duration_wav"] == "3.5"
    for url in (audio["url_mp3"], audio["url_wav"]):
        assert abs(kling.seconds(url) - 3.5) < 0.15
    for duration, message in [(3.25, "one decimal"), (2.9, "out of range"), ("5", "a number")]:
        kling.rejected(path, {"prompt": "rain", "duration": duration}, message)
    both = kling.create_and_wait("/v1/audio/video-to-audio", {"video_id": video_id})
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
    kling: SimulatorClient, change: dict[str, Any], message: str
) -> None:
    kling.rejected(TTS, SPEECH | {"voice_language": "en"} | change, message)


def test_the_control_route_stores_an_input(kling: SimulatorClient) -> None:
    data = b"not much of a film"
    url = kling.http.post("/_simulator/inputs/mp4", content=data).json()["url"]
    assert url.startswith("http://127.0.0.1:7001/files/")
    assert kling.http.get(url).content == data
    assert kling.http.post("/_simulator/inputs/mp4x5", content=data).status_code == 404
