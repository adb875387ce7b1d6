"""Error messages that were recorded from the real service, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.simulator_client import (
    BOAT,
    FIRST,
    FRAME,
    I2V,
    IMAGE,
    IMAGES,
    OMNI,
    T2V,
    WORDS,
    SimulatorClient,
    error_of,
    image_base64,
)

FIVE_OR_TEN = "Duration only supports 5 or 10 seconds when no refer_image is provided"


@pytest.fixture(scope="module", params=["vendor", "brief"])
def kling(request: pytest.FixtureRequest) -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000}, contract=request.param) as client:
        yield client


NO_VIDEO = (
    "/v1/videos/identify-face",
    "/v1/videos/multi-elements/init-selection",
    "/v1/audio/video-to-audio",
)
NEW_I2V, NEW_OMNI = "/image-to-video/kling-3.0", "/omni-video/kling-3.0-omni"
MASKS = [{"mask": IMAGE, "trajectories": [{"x": 1, "y": 1}, {"x": 9, "y": 9}]}]
PART = [WORDS, {"type": "image", "url": IMAGE}]
TEXTS: list[tuple[str, Any, str]] = [
    *(
        (
            I2V,
            {"model_name": "kling-v1-6", "mode": mode, "image": IMAGE, **masks},
            "kling-v1-6 is not supported with motion brush",
        )
        for mode in ("std", "pro")
        for masks in ({"static_mask": IMAGE}, {"dynamic_masks": MASKS})
    ),
    (
        I2V,
        {"model_name": "kling-v2-6", "image": IMAGE, "static_mask": IMAGE},
        "Motion brush is not supported by the current model",
    ),
    *(
        (OMNI, {"prompt": "a", "duration": "7", **change}, FIVE_OR_TEN)
        for change in ({"aspect_ratio": "1:1"}, {"image_list": [FRAME]})
    ),
    *(
        (
            "/omni-video/kling-o1",
            {"contents": contents, "settings": {"duration": 3, "aspect_ratio": "1:1"}},
            FIVE_OR_TEN,
        )
        for contents in ([WORDS], [WORDS, FIRST])
    ),
    *(
        (path, {"prompt": "a", "contents": contents}, "contents cannot be empty")
        for path in (NEW_I2V, NEW_OMNI, "/omni-video/kling-o1", "/motion-control/kling-3.0")
        for contents in ([], None)
    ),
    (
        NEW_OMNI,
        {"model_name": "kling-v3-omni", "prompt": "a", "image_list": []},
        "contents cannot be empty",
    ),
    (NEW_OMNI, {}, "contents cannot be empty"),
    (NEW_OMNI, {"contents": {"type": "prompt"}}, "contents value type is invalid, expected array"),
    (
        NEW_OMNI,
        {"contents": [WORDS, {"type": "end_frame", "url": IMAGE}]},
        "contents[1].type value 'end_frame' is invalid",
    ),
    *(
        (
            path,
            {"contents": [{"type": "prompt", "text": text}, FIRST]},
            "content item of type 'prompt' must have non-blank text",
        )
        for path in (NEW_I2V, NEW_OMNI)
        for text in ("", "  ", None)
    ),
    *(
        (
            NEW_OMNI,
            {"contents": [WORDS, {"type": kind, "url": url}]},
            f"content item of type '{kind}' must have a non-blank url",
        )
        for kind in ("first_frame", "last_frame", "refer_image", "base_video", "feature_video")
        for url in ("", " ", None)
    ),
    (NEW_OMNI, {"contents": [WORDS, {"type": "element"}]}, "Invalid element id: "),
    (
        NEW_OMNI,
        {"contents": [WORDS], "settings": {"aspect_ratio": "7:3"}},
        "settings.aspect_ratio value '7:3' is invalid",
    ),
    (
        "/text-to-video/kling-3.0",
        {"prompt": "a", "settings": {"aspect_ratio": "7:3"}},
        "settings.aspect_ratio value '7:3' is invalid",
    ),
    (
        NEW_OMNI,
        {"contents": [WORDS], "settings": {"resolution": "9000p"}},
        "settings.resolution value '9000p' is invalid",
    ),
    (
        NEW_OMNI,
        {"contents": [WORDS], "settings": {"audio": "bogus"}},
        "settings.audio value 'bogus' is invalid",
    ),
    *((path, {}, "video_id or video_url is required") for path in NO_VIDEO),
    (
        "/v1/videos/lip-sync",
        {"input": {"mode": "text2video", "text": "a", "voice_id": "AOT"}},
        "video_id or video_url is required",
    ),
    (
        T2V,
        BOAT | {"model_name": "kling-v1"},
        "The model 'kling-v1' has been discontinued and is no longer available.",
    ),
    (
        I2V,
        {"model_name": "kling-v2-5-turbo", "image": IMAGE, "image_tail": IMAGE},
        "model/mode/duration(kling-v2-5-turbo/std/5) is not supported with image_tail",
    ),
    (
        I2V,
        {"model_name": "kling-v2-1-master", "image": IMAGE, "image_tail": IMAGE},
        "Image tail is not supported by the current model",
    ),
    (
        I2V,
        {"model_name": "kling-v2-6", "image": "data:image/png;base64," + IMAGE},
        "File is not in a valid base64 format",
    ),
    (
        "/v1/audio/tts",
        {"text": "a", "voice_id": "829", "voice_language": "en"},
        "Voice id not found",
    ),
]


@pytest.mark.parametrize(("path", "body", "message"), TEXTS)
def test_messages_are_word_for_word(
    kling: SimulatorClient, path: str, body: dict[str, Any], message: str
) -> None:
    assert kling.rejected(path, body) == message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "task_ids or external_task_ids is required"),
        ("?ids=1", "task_ids or external_task_ids is required"),
        ("?task_ids=", "task_ids or external_task_ids is required"),
        *(
            (
                f"?{name}={','.join(map(str, range(21)))}",
                "task_ids and external_task_ids cannot exceed 20 in total",
            )
            for name in ("task_ids", "external_task_ids")
        ),
    ],
)
def test_messages_of_a_query_are_word_for_word(
    kling: SimulatorClient, query: str, message: str
) -> None:
    assert error_of(kling.get(f"/tasks{query}")) == (400, 1201, message)
    assert kling.get("/tasks?task_ids=1").json()["data"] == []


def test_other_messages_are_word_for_word(kling: SimulatorClient) -> None:
    kling.create(T2V, BOAT | {"external_task_id": "once"})
    message = kling.rejected(I2V, BOAT | {"image": IMAGE, "external_task_id": "once"})
    assert message == "External_task_id once already exists"
    assert error_of(kling.get(f"{T2V}/9")) == (400, 1201, "Task not found by id/external id: 9")
    small = {"model_name": "kling-v2-6", "image": image_base64(299, 400)}
    assert kling.rejected(I2V, small) == "Image pixel is invalid"
    with SimulatorClient(slots={"video": 0}, units={"image": 0}) as poor:
        shown = error_of(poor.post(T2V, BOAT))
        assert shown == (429, 1303, "parallel task over resource pack limit")
        shown = error_of(poor.post(IMAGES, {"model_name": "kling-v3", "prompt": "a"}))
        assert shown == (429, 1102, "Account balance not enough")
