"""The videos and sounds of a request: container, size, frame rate and duration are checked."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from kling_pipeline.simulator.inputs import reader
from tests.unit.simulator_client import (
    IMAGE,
    OMNI,
    WORDS,
    SimulatorClient,
    error_of,
    sound_base64,
    video_file,
    wav_base64,
)

HERE = "http://127.0.0.1:7001/film"
AVATAR = "/v1/videos/avatar/image2video"
FACES = "/v1/videos/identify-face"
LIP_SYNC = "/v1/videos/advanced-lip-sync"
SELECTION = "/v1/videos/multi-elements/init-selection"


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000}) as client:
        yield client


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files at addresses on this machine, without a server for them."""
    files: dict[str, bytes] = {}

    async def fetch(url: str, *_: object) -> bytes | None:
        return files.get(url)

    monkeypatch.setattr(reader, "_fetch", fetch)
    return files


@pytest.mark.parametrize(
    ("container", "codec", "size"),
    [
        ("matroska", "libx264", 720),
        ("webm", "libvpx", 512),
        ("avi", "mpeg4", 512),
        ("flv", "flv", 512),
        ("gif", "gif", 512),
    ],
)
def test_a_video_must_be_mp4_or_mov_by_its_bytes(
    kling: SimulatorClient, files: dict[str, bytes], container: str, codec: str, size: int
) -> None:
    files[HERE] = video_file(2, size, size, 24, container, codec)
    body = {"video_url": HERE}
    kling.rejected(FACES, body, "video format is invalid, only mp4 and mov")
    files[HERE] = video_file(2, 720, 720, 24, "mov")
    kling.create(FACES, body)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("ogg", "libopus"), ("matroska", "libmp3lame"), ("matroska", "aac")],
)
def test_a_sound_of_another_format_is_rejected(
    kling: SimulatorClient, container: str, codec: str
) -> None:
    body = {"image": IMAGE, "sound_file": sound_base64(container, codec)}
    kling.rejected(AVATAR, body, "audio format is invalid, only mp3, wav, m4a and aac")


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("ipod", "aac"), ("adts", "aac")],
)
def test_four_formats_of_sound_are_accepted(
    kling: SimulatorClient, container: str, codec: str
) -> None:
    kling.create(AVATAR, {"image": IMAGE, "sound_file": sound_base64(container, codec)})


def _video_body(**settings: Any) -> dict[str, Any]:
    return {"contents": [WORDS, {"type": "base_video", "url": HERE}], "settings": settings}


@pytest.mark.parametrize(
    ("model", "width", "height", "message"),
    [
        ("kling-3.0-omni", 704, 704, ""),
        ("kling-o1", 704, 704, ""),
        ("kling-3.0-omni", 2400, 1200, ""),
        ("kling-o1", 2400, 1200, "width and height must be between 700px and 2160px"),
        ("kling-3.0-omni", 690, 720, "width and height must be between 700px and 4553px"),
        ("kling-3.0-omni", 2100, 720, "aspect ratio must be between 0.4 and 2"),
        ("kling-3.0-omni", 720, 1900, "aspect ratio must be between 0.4 and 2"),
        ("kling-3.0-omni", 3842, 2160, "area must not exceed 8294400 pixels"),
    ],
)
def test_v2_has_its_own_sizes_of_reference_videos(
    kling: SimulatorClient,
    files: dict[str, bytes],
    model: str,
    width: int,
    height: int,
    message: str,
) -> None:
    files[HERE] = video_file(3, width, height)
    response = kling.post(f"/omni-video/{model}", _video_body())
    if message:
        assert error_of(response)[:2] == (400, 1201)
        assert message in error_of(response)[2]
    else:
        assert response.status_code == 200, response.text


def test_v1_keeps_its_sizes_of_reference_videos(
    kling: SimulatorClient, files: dict[str, bytes]
) -> None:
    files[HERE] = video_file(3, 704, 704)
    body = {"model_name": "kling-v3-omni", "prompt": "a", "video_list": [{"video_url": HERE}]}
    kling.rejected(OMNI, body, "width and height must be between 720px and 2160px")


@pytest.mark.parametrize("fps", [24, 30, 60, Fraction(24000, 1001), Fraction(60000, 1001)])
def test_a_selection_accepts_three_frame_rates(
    kling: SimulatorClient, files: dict[str, bytes], fps: int | Fraction
) -> None:
    files[HERE] = video_file(2, 720, 720, fps)
    kling.create(SELECTION, {"video_url": HERE})


@pytest.mark.parametrize("fps", [25, 50])
def test_a_selection_rejects_frame_rates_between(
    kling: SimulatorClient, files: dict[str, bytes], fps: int
) -> None:
    files[HERE] = video_file(2, 720, 720, fps)
    kling.rejected(SELECTION, {"video_url": HERE}, "must be between 24 and 60, one of 24, 30, 60")


def test_an_edit_is_as_long_as_its_video(kling: SimulatorClient, files: dict[str, bytes]) -> None:
    files[HERE] = video_file(4)
    for model, duration in (("kling-video-o1", "15"), ("kling-v3-omni", "2")):
        body = {"model_name": model, "prompt": "a", "mode": "std", "duration": duration}
        done = kling.create_and_wait(OMNI, body | {"video_list": [{"video_url": HERE}]})
        assert done["final_unit_deduction"] == "3.6"
        assert done["task_result"]["videos"][0]["duration"] == "4.0"
    made = kling.create("/omni-video/kling-o1", _video_body(duration=15))
    assert made["status"] == "submitted"


def test_a_speech_can_be_too_long_for_lip_sync(
    kling: SimulatorClient, files: dict[str, bytes]
) -> None:
    files[HERE] = video_file(5)
    session = kling.create(FACES, {"video_url": HERE})["session_id"]
    speech = {"text": "a" * 900, "voice_id": "oversea_male1", "voice_language": "en"}
    (audio,) = kling.create("/v1/audio/tts", speech)["task_result"]["audios"]
    assert float(audio["duration"]) > 61
    times = {"sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}
    choice = {"face_id": "0", "audio_id": audio["id"], **times}
    body = {"session_id": session, "face_choose": [choice]}
    kling.rejected(LIP_SYNC, body, "audio_id duration must be between 2s and 60s")


def test_a_source_video_is_shown_with_id_and_duration(
    kling: SimulatorClient, files: dict[str, bytes]
) -> None:
    files[HERE] = video_file(4)
    path, known = "/v1/videos/lip-sync", {}
    for url in (HERE, "https://example.com/film.mp4"):
        given = {"mode": "audio2video", "video_url": url, "audio_type": "file"}
        task = kling.create(path, {"input": given | {"audio_file": wav_base64(3)}})
        parent = kling.wait(path, task["task_id"])["task_info"]["parent_video"]
        assert parent.keys() == {"id", "url", "duration"}
        assert parent["id"]
        known[url] = parent["duration"]
    # Nobody has measured the second; the simulator takes it for one of five seconds.
    assert list(known.values()) == ["4", "5"]
