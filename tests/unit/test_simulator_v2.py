"""The vendor's new standard (v2): models in the path, translated bodies, queries of many tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.simulator_client import (
    FIRST,
    IMAGE,
    SimulatorClient,
    error_of,
    sign,
)

TURBO = "/text-to-video/kling-3.0-turbo"
LAST = {"type": "last_frame", "url": IMAGE}
WORDS = {"type": "prompt", "text": "a girl on a train"}
FILM = {"type": "base_video", "url": "https://example.com/a.mp4", "id": "video_1"}
FEATURE = FILM | {"type": "feature_video"}
DANCE = [{"type": "image", "url": IMAGE}, {"type": "video", "url": "https://example.com/b.mp4"}]
ELEMENT = {"type": "element", "element_id": "162", "id": "e"}
SQUARE = {"aspect_ratio": "1:1"}
OMNI = "/omni-video/kling-3.0-omni"
O1 = "/omni-video/kling-o1"
NOTHING = dict.fromkeys(("resolution", "duration", "aspect_ratio", "audio", "multi_shot"))


@pytest.fixture(scope="module")
def kling() -> Iterator[SimulatorClient]:
    with SimulatorClient(slots={"video": 10_000}) as client:
        yield client


def _wait(kling: SimulatorClient, id_: str) -> dict[str, Any]:
    while True:
        (task,) = kling.get(f"/tasks?task_ids={id_}").json()["data"]
        if task["status"] in ("succeeded", "failed"):
            return dict(task)


def test_a_v2_task_from_create_to_output(kling: SimulatorClient) -> None:
    body = {
        "prompt": "a girl on a train",
        "settings": {"duration": 3, "resolution": "720p", "aspect_ratio": "9:16"},
        "options": {"external_task_id": "new-1", "watermark_info": {"enabled": False}},
    }
    made = kling.create(TURBO, body)
    assert made.keys() == {
        "id", "status", "message", "create_time", "update_time", "external_id"
    }  # fmt: skip
    assert (made["status"], made["message"]) == ("submitted", "")
    task = _wait(kling, made["id"])
    assert (task["status"], task["external_id"], task["message"]) == ("succeeded", "new-1", "")
    (output,) = task["outputs"]
    assert (output["type"], output["duration"]) == ("video", "3.0")
    assert task["billing"] == [{"charge_type": "unit", "amount": "2.4", "package_type": "video"}]
    (same,) = kling.get("/tasks?external_task_ids=new-1").json()["data"]
    assert same["id"] == made["id"]


def test_v2_accepts_an_api_key_only(kling: SimulatorClient) -> None:
    for key in (sign(), "nonsense"):
        for response in (
            kling.http.post(TURBO, json={}, headers={"authorization": f"Bearer {key}"}),
            kling.get("/tasks?task_ids=1", authorization=f"Bearer {key}"),
        ):
            status, code, text = error_of(response)
            assert (status, code) == (401, 1002)
            assert "does not support AK/SK" in text


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("/text-to-video/kling-3.0", {"prompt": "a", "settings": {"resolution": "4k"}}),
    ("/text-to-video/kling-3.0", {"prompt": "a", "settings": {"multi_shot": True}}),
    (
        "/image-to-video/kling-2.6",
        {
            "contents": [WORDS, FIRST, {"type": "voice", "voice_id": "1", "id": "1"}],
            "settings": {"audio": "native", "resolution": "1080p", "duration": 5},
        },
    ),
    ("/image-to-video/kling-3.0", {"contents": [FIRST, LAST], "settings": {"audio": "off"}}),
    (
        "/omni-video/kling-3.0-omni",
        {"contents": [WORDS, FILM], "settings": {"audio": "original", "multi_shot": False}},
    ),
    (
        "/omni-video/kling-3.0-omni",
        {
            "contents": [WORDS, FEATURE],
            "settings": {"multi_shot": True, "audio": "off"},
        },
    ),
    (
        "/omni-video/kling-3.0-omni",
        {
            "contents": [WORDS, FIRST, LAST, {"type": "element", "element_id": "162", "id": "e"}],
            "settings": {"audio": "native", "resolution": "1080p", "duration": 5},
        },
    ),
    (
        "/omni-video/kling-o1",
        {
            "contents": [WORDS, FIRST, {"type": "refer_image", "url": IMAGE, "id": "image_2"}],
            "settings": {"resolution": "1080p", "duration": 3, "audio": "off"},
        },
    ),
    (
        "/motion-control/kling-2.6",
        {"contents": DANCE, "settings": {"character_orientation": "video"}},
    ),
    ("/text-to-video/kling-3.0", {"prompt": "a", "settings": NOTHING}),
    ("/text-to-video/kling-3.0", {"prompt": "a", "settings": dict.fromkeys(NOTHING, "")}),
    (OMNI, {"contents": [WORDS, FIRST, LAST, ELEMENT, ELEMENT, ELEMENT]}),
    (OMNI, {"contents": [WORDS, FEATURE, FIRST, LAST], "settings": {"audio": "off"}}),
    (O1, {"contents": [WORDS, FEATURE, FIRST]}),
    (O1, {"contents": [WORDS, FEATURE], "settings": {"multi_shot": False}}),
    (O1, {"contents": [WORDS, FIRST, LAST], "settings": {"duration": 7}}),
    (O1, {"contents": [WORDS, FILM], "settings": {"audio": "original"}}),
    ("/text-to-video/kling-3.0", {"prompt": "shot 1, 2, a boat; shot 2, 3, the sea;"}),
    ("/text-to-video/kling-3.0", {"prompt": "In a shot 1, 2, or 3 boats; no shots at all"}),
    ("/text-to-video/kling-2.6", {"prompt": "shot 1, 9, a boat;"}),
    (
        "/text-to-video/kling-3.0",
        {"prompt": "shot 1, 9, a boat;", "settings": {"multi_shot": False}},
    ),
    (OMNI, {"contents": [{"type": "prompt", "text": "shot 1, 9, a boat;"}, FILM]}),
]


@pytest.mark.parametrize(("path", "body"), ACCEPTED)
def test_what_the_v2_pages_allow_is_accepted(
    kling: SimulatorClient, path: str, body: dict[str, Any]
) -> None:
    assert kling.create(path, body)["status"] == "submitted"


REJECTED: list[tuple[str, dict[str, Any], str]] = [
    (TURBO, {}, "prompt is required"),
    (TURBO, {"prompt": "a", "settings": {"duration": "5"}}, "duration must be an integer"),
    (TURBO, {"prompt": "a", "settings": {"duration": 16}}, "duration value '16' is invalid"),
    (TURBO, {"prompt": "a", "settings": {"resolution": "std"}}, "resolution value 'std'"),
    (TURBO, {"prompt": "a", "settings": {"audio": "native"}}, "Sound is not supported"),
    (TURBO, {"prompt": "a", "settings": {"audio": "loud"}}, "audio value 'loud'"),
    (TURBO, {"prompt": "a", "settings": {"audio": "original"}}, "audio value 'original'"),
    (TURBO, {"prompt": "a", "settings": []} | {"settings": [1]}, "settings must be an object"),
    (TURBO, {"prompt": "a", "contents": "x"}, "contents value type is invalid, expected array"),
    (TURBO, {"prompt": "a" * 3073}, "must not exceed 3072 characters"),
    ("/text-to-video/kling-2.6", {"prompt": "a" * 2501}, "must not exceed 2500 characters"),
    (
        "/text-to-video/kling-2.6",
        {"prompt": "a", "settings": {"multi_shot": True}},
        "Multi shot is not supported",
    ),
    ("/image-to-video/kling-3.0", {"contents": [WORDS]}, "image is required"),
    ("/image-to-video/kling-3.0", {"contents": [LAST]}, "image is required"),
    ("/image-to-video/kling-3.0-turbo", {"contents": [FIRST, LAST]}, "Image tail is not supported"),
    (
        "/image-to-video/kling-2.6",
        {"contents": [FIRST, LAST]},
        "model/mode/duration(kling-2.6/std/5) is not supported with image_tail",
    ),
    (
        "/image-to-video/kling-3.0",
        {"contents": [FIRST, FILM]},
        "contents[1].type value 'base_video'",
    ),
    ("/omni-video/kling-3.0-omni", {"contents": [WORDS]}, "aspect_ratio is required"),
    (
        "/omni-video/kling-3.0-omni",
        {
            "contents": [WORDS, FEATURE],
            "settings": {"multi_shot": False, "aspect_ratio": "1:1"},
        },
        "multi_shot must be true with a feature video",
    ),
    ("/motion-control/kling-2.6", {"contents": DANCE}, "character_orientation is required"),
    (
        "/motion-control/kling-2.6",
        {"contents": DANCE, "settings": {"character_orientation": "video", "audio": "native"}},
        "audio value 'native'",
    ),
    # options carry three fields and no more
    (
        "/image-to-video/kling-3.0",
        {"contents": [WORDS], "options": {"image": IMAGE}},
        "image is required",
    ),
    (
        "/motion-control/kling-3.0",
        {
            "contents": DANCE[:1],
            "settings": {"character_orientation": "video"},
            "options": {"video_url": "https://example.com/b.mp4"},
        },
        "video_url is required",
    ),
    (
        "/image-to-video/kling-3.0-turbo",
        {"contents": [FIRST, {"type": "prompt", "text": "a" * 2501}]},
        "prompt must not exceed 2500 characters",
    ),
    (
        "/image-to-video/kling-3.0",
        {"contents": [FIRST, FIRST]},
        "At most 1 first_frame item is allowed in contents",
    ),
    (
        "/image-to-video/kling-3.0",
        {"contents": [FIRST, LAST, LAST]},
        "At most 1 last_frame item is allowed in contents",
    ),
    ("/text-to-video/kling-3.0", {"prompt": "a", "contents": [ELEMENT]}, "type value 'element'"),
    ("/text-to-video/kling-3.0", {"prompt": "a", "contents": [FIRST]}, "type value 'first_frame'"),
    # omni video
    (
        OMNI,
        {"contents": [WORDS, FEATURE], "settings": {"audio": "original"}},
        "audio must be off with a feature video",
    ),
    *(
        (OMNI, {"contents": [WORDS, *frames, *[ELEMENT] * 4]}, "At most 3 elements")
        for frames in ([FIRST], [FIRST, LAST])
    ),
    (O1, {"contents": [WORDS, FIRST, *[ELEMENT] * 4]}, "At most 3 elements"),
    (
        O1,
        {"contents": [WORDS, FIRST, LAST, ELEMENT], "settings": {"duration": 7}},
        "elements are not supported with first_frame and end_frame",
    ),
    (
        O1,
        {"contents": [WORDS, FEATURE, FIRST, LAST]},
        "end_frame is not supported with a feature video",
    ),
    (O1, {"contents": [WORDS, FEATURE], "settings": {"multi_shot": True}}, "Multi shot is not"),
    # shots in the words of a prompt
    *(
        (path, {"contents": [FIRST], "prompt": prompt, "settings": {"duration": 5}}, message)
        for path in ("/image-to-video/kling-3.0", "/image-to-video/kling-3.0-turbo")
        for prompt, message in [
            ("shot 1, 2, a; shot 2, 4, b;", "The sum of the shots' seconds must equal duration"),
            ("Shot 1,5,a;\nShot 2,0,b;", "A shot must last at least 1 second"),
            ("shot 1, 1, a;" * 7, "At most 6 shots are allowed"),
            (f"shot 1, 5, {'a' * 513};", "A shot must not exceed 512 characters"),
        ]
    ),
    (
        OMNI,
        {"contents": [{"type": "prompt", "text": "shot 1, 9, a;"}], "settings": SQUARE},
        "The sum of the shots' seconds",
    ),
]


@pytest.mark.parametrize(("path", "body", "message"), REJECTED)
def test_what_the_v2_pages_do_not_allow_is_rejected(
    kling: SimulatorClient, path: str, body: dict[str, Any], message: str
) -> None:
    status, code, text = error_of(kling.post(path, body))
    assert (status, code) == (400, 1201)
    assert message in text


def test_options_cannot_change_what_is_made(kling: SimulatorClient) -> None:
    mine = {"model_name": "kling-2.6", "duration": "10", "sound": "on", "prompt": "b"}
    body = {"prompt": "a", "options": mine | {"external_task_id": "mine-2"}, "settings": {}}
    made = _wait(kling, kling.create("/text-to-video/kling-3.0", body)["id"])
    assert (made["external_id"], made["billing"][0]["amount"]) == ("mine-2", "3")


def test_views_are_listed_one_by_one(kling: SimulatorClient) -> None:
    v1_body = {"element_frontal_image": IMAGE}
    task = _wait(kling, kling.create("/v1/general/ai-multi-shot", v1_body)["task_id"])
    assert [output.keys() for output in task["outputs"]] == [{"type", "url", "group_id"}] * 9
    assert [output["group_id"] for output in task["outputs"]] == [*"000111222"]
    assert len({output["url"] for output in task["outputs"]}) == 9


def test_try_on_is_billed_as_images(kling: SimulatorClient) -> None:
    v1_body = {"human_image": IMAGE, "cloth_image": IMAGE}
    task = _wait(kling, kling.create("/v1/images/kolors-virtual-try-on", v1_body)["task_id"])
    assert task["billing"] == [{"charge_type": "unit", "amount": "1", "package_type": "image"}]


def test_empty_filters_restrict_no_list(kling: SimulatorClient) -> None:
    kling.create(TURBO, {"prompt": "a"})
    for body in (
        dict.fromkeys(("limit", "start_time", "end_time", "cursor", "filters")),
        {"start_time": "", "end_time": "", "limit": "", "cursor": "", "filters": []},
    ):
        assert kling.post("/tasks", body).json()["data"]["count"] > 0


def test_tasks_are_queried_and_listed() -> None:
    with SimulatorClient() as kling:
        ids = [kling.create(TURBO, {"prompt": "a"})["id"] for _ in range(3)]
        v1_body = {"model_name": "kling-v2-1", "prompt": "a [fail]"}
        image = kling.create("/v1/images/generations", v1_body)["task_id"]
        asked = kling.get(f"/tasks?task_ids={ids[0]},{image},123").json()["data"]
        assert [task["id"] for task in asked] == [ids[0], image]
        for id_ in ids:
            _wait(kling, id_)
        too_many = ",".join(str(n) for n in range(21))
        for query in ("", f"?task_ids={too_many}", "?task_ids=1&external_task_ids=2"):
            assert error_of(kling.get(f"/tasks{query}"))[:2] == (400, 1201)
        first = kling.post("/tasks", {"limit": 2}).json()["data"]
        assert [task["id"] for task in first["result"]] == [image, ids[2]]
        assert (first["count"], first["has_more"]) == (2, True)
        rest = kling.post("/tasks", {"cursor": first["next_cursor"]}).json()["data"]
        assert [task["id"] for task in rest["result"]] == [ids[1], ids[0]]
        assert not rest["has_more"]
        failed = {"filters": [{"key": "status", "values": ["failed"]}]}
        assert kling.post("/tasks", failed).json()["data"]["count"] == 1
        for wrong in (
            {"limit": 501},
            {"start_time": "x"},
            {"filters": [{"key": "colour", "values": []}]},
        ):
            assert error_of(kling.post("/tasks", wrong))[:2] == (400, 1201)
