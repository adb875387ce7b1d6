"""How answers read, the documented ones and the hostile ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError, StudioError
from kling_pipeline.kling.dialects import body, read_page, read_task

VIDEO = Route("text2video", "/v1/videos/text2video", "videos", "video")
IMAGE = Route("omni-image", "/v1/images/omni-image", "images", "image")
AUDIO = Route("text-to-audio", "/v1/audio/text-to-audio", "audios", "video")


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "task_id": "829611643369439283",
        "task_status": "succeed",
        "task_status_msg": "",
        "task_info": {"external_task_id": "ks-1"},
        "task_result": {
            "videos": [
                {
                    "id": "video-001",
                    "url": "https://p1.example.com/video-001.mp4?sign=1",
                    "watermark_url": "https://p1.example.com/video-001-w.mp4",
                    "duration": "5.1",
                }
            ]
        },
        "final_unit_deduction": "2.4",
        "created_at": 1722769557708,
        "updated_at": 1722769560000,
    } | changes


def test_a_task_that_succeeded() -> None:
    task = read_task(VIDEO, answer())
    assert (task.id, task.external_id, task.status) == ("829611643369439283", "ks-1", "succeeded")
    assert task.units == Decimal("2.4")
    assert task.created_ms == 1722769557708
    (output,) = task.outputs
    assert (output.kind, output.provider_id, output.index) == ("video", "video-001", 0)
    assert output.duration == 5.1
    assert output.watermark_url == "https://p1.example.com/video-001-w.mp4"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("submitted", "queued"),
        ("processing", "running"),
        ("succeed", "succeeded"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
    ],
)
def test_every_word_of_status(word: str, status: str) -> None:
    assert read_task(VIDEO, answer(task_status=word)).status == status


def test_a_real_failed_task() -> None:
    said = {
        "task_id": "833446756",
        "task_info": {},
        "created_at": 1766737710125,
        "updated_at": 1766737711775,
        "task_result": {},
        "task_status": "failed",
        "task_status_msg": "Image pixel is invalid",
    }
    task = read_task(VIDEO, said)
    assert (task.status, task.message) == ("failed", "Image pixel is invalid")
    assert (task.outputs, task.units, task.external_id) == ((), None, None)


def test_a_create_answers_with_little() -> None:
    said = {"task_id": "a-1", "task_status": "submitted", "task_info": {"external_task_id": None}}
    task = read_task(VIDEO, said)
    assert (task.id, task.external_id, task.created_ms) == ("a-1", None, 0)


@pytest.mark.parametrize("key", ["images", "series_images"])
def test_pictures_come_under_two_names(key: str) -> None:
    items = [{"index": n, "url": f"https://p.example.com/{n}.png"} for n in range(3)]
    task = read_task(IMAGE, answer(task_result={"images": [], key: items}))
    assert [(one.kind, one.index) for one in task.outputs] == [("image", n) for n in range(3)]


@pytest.mark.parametrize(
    ("told", "read"), [([2, 0, 1], [2, 0, 1]), ([0, 0, 1], [0, 1, 2]), (["0", None, 99], [0, 1, 2])]
)
def test_pictures_bear_kling_s_own_numbers_where_these_tell_them_apart(told, read) -> None:
    items = [{"index": n, "url": f"https://p.example.com/{n}.png"} for n in told]
    task = read_task(IMAGE, answer(task_result={"images": items}))
    assert [one.index for one in task.outputs] == read


def test_sounds_come_in_two_shapes() -> None:
    plain = {"id": "a", "url": "https://p.example.com/a.mp3", "duration": "3"}
    double = {"id": "b", "url_mp3": "https://p.example.com/b.mp3", "duration_mp3": "4.5"}
    task = read_task(AUDIO, answer(task_result={"audios": [plain, double]}))
    assert [one.duration for one in task.outputs] == [3.0, 4.5]
    assert task.outputs[1].url.endswith("b.mp3")


def one_video(**changes: Any) -> dict[str, Any]:
    item = {"id": "v", "url": "https://p.example.com/v.mp4", "duration": "5"} | changes
    return answer(task_result={"videos": [item]})


HOSTILE: dict[str, object] = {
    "not an object": [],
    "nothing": None,
    "a number": 7,
    "no id": answer(task_id=None),
    "an empty id": answer(task_id=""),
    "an id that is a list": answer(task_id=["a"]),
    "an id that is a truth": answer(task_id=True),
    "an id that lost its digits": answer(task_id=8.296116433694393e17),
    "an id below zero": answer(task_id=-5),
    "an id of five thousand digits": answer(task_id=10**5000),
    "an id that climbs": answer(task_id="../../account"),
    "an id with a line end": answer(task_id="a\nb"),
    "a long id": answer(task_id="1" * 129),
    "an id that no file can hold": answer(task_id="\ud800"),
    "an unknown status": answer(task_status="exploded"),
    "a status that is a list": answer(task_status=["succeed"]),
    "a status that is an object": answer(task_status={}),
    "no status": answer(task_status=None),
    "info that is a text": answer(task_info="ks-1"),
    "a result that is a list": answer(task_result=[]),
    "no result": answer(task_result=None),
    "an empty result": answer(task_result={}),
    "files that are an object": answer(task_result={"videos": {"url": "https://p.example.com"}}),
    "a million files": answer(task_result={"videos": [{}] * 10**6}),
    "a file that is a text": answer(task_result={"videos": ["https://p.example.com/v.mp4"]}),
    "a file without an address": one_video(url=None),
    "a local address": one_video(url="file:///etc/passwd"),
    "an address with a line in it": one_video(url="https://p.example.com/a\nb"),
    "an address with half a character": one_video(url="https://p.example.com/\ud800"),
    "a host with a space": one_video(url="https://p example.com/a"),
    "an address without a host": one_video(url="https:///a"),
    "an address that grows too long": one_video(url="https://p.example.com/" + "\u5f71" * 1000),
    "an endless address": one_video(url="https://p.example.com/" + "a" * 9000),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_as_documented_proves_nothing(data: object) -> None:
    with pytest.raises(KlingError) as caught:
        read_task(VIDEO, data)
    assert caught.value.verdict == "uncertain"
    assert len(str(caught.value)) < 200


def test_an_id_may_be_a_whole_number() -> None:
    task = read_task(
        VIDEO,
        one_video(id=829836802793406551)
        | {"task_id": 829611643369439283, "task_info": {"external_task_id": 5}},
    )
    assert (task.id, task.external_id) == ("829611643369439283", "5")
    assert task.outputs[0].provider_id == "829836802793406551"


ASIDE: dict[str, tuple[Any, Any]] = {
    "final_unit_deduction": (
        [None, "", "string", "-1", "NaN", float("nan"), "Infinity", "1e9", 10**5000, True, [], {}],
        None,
    ),
    "created_at": ([None, -1, 10**30, "now", 1.5, True, [], {}], 0),
    "task_status_msg": ([None, 5, True, [], {}], ""),
}
READ_AS = {
    "final_unit_deduction": "units",
    "created_at": "created_ms",
    "task_status_msg": "message",
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_is_told_beside_the_result_never_holds_it_up(name: str) -> None:
    values, without = ASIDE[name]
    for odd in values:
        task = read_task(VIDEO, one_video() | {name: odd})
        assert (task.status, len(task.outputs)) == ("succeeded", 1)
        assert getattr(task, READ_AS[name]) == without


@pytest.mark.parametrize("odd", ["", {"a": 1}, None, "a b", -5, True])
def test_a_file_without_a_readable_id_is_a_file(odd: object) -> None:
    (output,) = read_task(VIDEO, one_video(id=odd)).outputs
    assert (output.provider_id, output.url) == (None, "https://p.example.com/v.mp4")


@pytest.mark.parametrize("odd", ["", "string", "nan", "-5", None, [], True, 10**400, "9" * 5000])
def test_an_odd_length_is_only_not_known(odd: object) -> None:
    assert read_task(VIDEO, one_video(duration=odd)).outputs[0].duration is None


def test_plain_numbers_of_units_are_taken() -> None:
    assert read_task(VIDEO, answer(final_unit_deduction=2.5)).units == Decimal("2.5")
    assert read_task(VIDEO, answer(final_unit_deduction=8)).units == Decimal("8")


def test_a_message_is_one_short_printable_line() -> None:
    task = read_task(
        VIDEO, answer(task_status="failed", task_status_msg="a\x00\u202e\ud800b" * 400)
    )
    assert task.message.isprintable()
    assert len(task.message) <= 500


def test_a_page_leaves_out_what_cannot_be_read() -> None:
    good = answer(task_status="processing")
    assert [task.id for task in read_page(VIDEO, [None, good, {}, 3])] == [good["task_id"]]


@pytest.mark.parametrize("data", [None, {}, "tasks", [None] * 1001], ids=repr)
def test_a_page_is_a_short_list(data: object) -> None:
    with pytest.raises(KlingError) as caught:
        read_page(VIDEO, data)
    assert caught.value.verdict == "uncertain"


def test_the_body_holds_what_is_set_and_the_ids() -> None:
    laid = body(VIDEO, {"model_name": "kling-v2-6", "prompt": "a", "sound": None}, "ks-1", None)
    assert laid == {"model_name": "kling-v2-6", "prompt": "a", "external_task_id": "ks-1"}
    called = body(VIDEO, {}, "ks-1", "https://studio.example.com/callbacks/kling")
    assert called["callback_url"] == "https://studio.example.com/callbacks/kling"


def test_a_route_of_the_new_generation_is_not_asked() -> None:
    with pytest.raises(StudioError):
        body(Route("t2v", "/text-to-video/kling-3.0", "videos", "video", "new"), {}, "ks-1", None)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("\u5f71\u7247 1.mp4?s=a%2Bb", "%E5%BD%B1%E7%89%87%201.mp4?s=a%2Bb"),
        ("a[1]|b.mp4 \n", "a[1]|b.mp4"),
    ],
)
def test_a_file_may_have_a_name_in_any_letters(told: str, asked: str) -> None:
    for scheme in ("https", "HTTPS"):
        urls = {
            "url": f" {scheme}://p.example.com/{told}",
            "watermark_url": "https://p.example.com/ w",
        }
        output = read_task(VIDEO, one_video(**urls)).outputs[0]
        assert output.url == f"{scheme}://p.example.com/{asked}"
        assert output.watermark_url == "https://p.example.com/%20w"
