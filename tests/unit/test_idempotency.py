"""One click is one purchase, of one thing: however it is written, and whatever else comes under its name."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import pytest

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.errors import CreditError, InputError, StorageError
from kling_pipeline.jobs import idempotency
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.submit import Submission
from kling_pipeline.media.base64_files import decode_base64
from tests.pictures import picture
from tests.unit.conftest import FACES, Harness
from tests.unit.test_store import together

OWNER = Harness.owner
TEXT = {"prompt": "a paper boat", "duration": "5"}


def click(
    harness: Harness, params: dict[str, Any], name: str = "text_to_video", **more: Any
) -> Any:
    return harness.pipeline.submit(OWNER, name, params, **{"click_id": "one", **more})


def ids(submission: Submission) -> list[str]:
    return [job.id for job in submission.jobs]


@pytest.mark.parametrize(
    ("params", "more"),
    [
        ({**TEXT, "prompt": "a paper boat "}, {}),
        ({**TEXT, "duration": "10"}, {}),
        ({**TEXT, "model_name": "kling-v1-6"}, {}),
        ({**TEXT, "negative_prompt": "rain"}, {}),
        (TEXT, {"variant_count": 2}),
        (TEXT, {"variant_count": True}),
        ({"prompt": "a paper boat"}, {"name": "image_generation"}),
        ({"prompt": ""}, {}),
        ({"prompt": 7}, {}),
        ({**TEXT, "no_such_field": 1}, {}),
        ({}, {"name": "no_such_capability"}),
        (TEXT, {"template": "none"}),
    ],
    ids=str,
)
def test_another_request_under_the_same_click_is_refused_and_costs_nothing(
    harness: Harness, params: dict[str, Any], more: dict[str, Any]
) -> None:
    first = click(harness, TEXT)
    before = harness.credits()
    with pytest.raises(InputError, match="another request") as caught:
        click(harness, params, **more)
    assert (caught.value.code, list(caught.value.fields)) == ("click_conflict", ["click_id"])
    assert harness.credits() == before
    assert ids(click(harness, TEXT)) == ids(first)
    assert len(harness.pipeline.all_jobs(OWNER)) == 1


@pytest.mark.parametrize(
    "params",
    [
        dict(reversed(TEXT.items())),
        {"prompt": "a paper boat"},
        {**TEXT, "mode": "std"},
        {**TEXT, "negative_prompt": ""},
        {**TEXT, "model_name": load_catalog("vendor").models("text_to_video")[0].name},
        {**TEXT, "camera_control": None},
    ],
    ids=str,
)
def test_the_same_request_written_in_another_way_is_the_same(
    harness: Harness, params: dict[str, Any]
) -> None:
    first = click(harness, TEXT)
    again = click(harness, params)
    assert (ids(again), first.created, again.created) == (ids(first), True, False)
    assert click(harness, params, variant_count=1).created is False


def test_a_file_is_the_same_by_its_id_and_as_base64(harness: Harness) -> None:
    data = picture()
    raw = base64.b64encode(data).decode()
    asset = harness.pipeline.upload(OWNER, data)["id"]
    other = harness.pipeline.upload(OWNER, picture(800, 800))["id"]
    first = click(harness, {"prompt": "in", "image": raw}, "image_to_video")
    for image in (raw, asset):
        assert ids(click(harness, {"image": image, "prompt": "in"}, "image_to_video")) == ids(first)
    for image in (other, "as_" + "0" * 32, "https://example.com/a.png", None):
        with pytest.raises(InputError, match="another request"):
            click(harness, {"prompt": "in", "image": image}, "image_to_video")
    listed = click(
        harness, {"prompt": "x", "image_list": [asset, other]}, "omni_image", click_id="2"
    )
    same = {"prompt": "x", "image_list": [raw, other]}
    assert ids(click(harness, same, "omni_image", click_id="2")) == ids(listed)
    with pytest.raises(InputError, match="another request"):
        click(harness, {**same, "image_list": [other, raw]}, "omni_image", click_id="2")


def test_null_is_what_the_session_began_with_for_a_click_as_well(harness: Harness) -> None:
    video = "https://example.com/a.mp4"
    session = harness.add_session("lip_sync", FACES, video=video)
    given = {"session": session, "sound_file": "https://example.com/a.mp3"}
    first = click(harness, given, "lip_sync")
    assert ids(click(harness, {**given, "video": None}, "lip_sync")) == ids(first)
    assert ids(click(harness, {**given, "video": video}, "lip_sync")) == ids(first)
    other = {**given, "video": "https://example.com/b.mp4"}
    with pytest.raises(InputError, match="another request"):
        click(harness, other, "lip_sync")


def test_files_are_decoded_for_a_click_only_and_while_nothing_is_read(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def decode(text: str) -> bytes | None:
        assert getattr(harness.store._reading, "db", None) is None, "a reader waits for it"
        decoded.append(text)
        return decode_base64(text)

    monkeypatch.setattr(idempotency, "decode_base64", decode)
    params = {"prompt": "in", "image": base64.b64encode(picture()).decode()}
    click(harness, params, "image_to_video", click_id=None)
    assert decoded == []
    click(harness, params, "image_to_video")
    assert decoded == [params["image"]]


def test_a_click_of_an_older_release_is_taken_at_its_word(harness: Harness) -> None:
    first = click(harness, TEXT)
    harness.store.write(lambda db: db.execute("UPDATE click SET written = NULL, normalized = NULL"))
    assert ids(click(harness, {"prompt": "something else"})) == ids(first)


def test_the_same_words_are_the_same_under_other_defaults(
    harness: Harness, monkeypatch: Any
) -> None:
    first = click(harness, {"prompt": "a paper boat"})
    models = harness.engine.catalog._models["text_to_video"]
    monkeypatch.setitem(harness.engine.catalog._models, "text_to_video", models[::-1])
    assert ids(click(harness, {"prompt": "a paper boat"})) == ids(first)
    with pytest.raises(InputError, match="another request"):
        click(harness, {"prompt": "a paper boat", "duration": "5"})


def test_two_requests_that_race_under_one_click_are_one_purchase(harness: Harness) -> None:
    told = together(
        *(lambda n=n: click(harness, {"prompt": f"boat {n % 2}"}) for n in range(8)),
    )
    made = [one for one in told if isinstance(one, Submission)]
    assert len({tuple(ids(one)) for one in made}) == 1
    assert sum(one.created for one in made) == 1
    assert {one.code for one in told if isinstance(one, InputError)} == {"click_conflict"}
    assert len(harness.pipeline.all_jobs(OWNER)) == 1
    assert harness.credits()[1] == 210


def test_each_of_several_orders_has_a_click_of_its_own(harness: Harness) -> None:
    first, second = (JobRequest("text_to_video", TEXT, click_id=name) for name in ("a", "b"))
    with pytest.raises(InputError, match="of its own"):
        harness.pipeline.submit_all(OWNER, [first, dataclasses.replace(second, click_id="a")])
    one = harness.pipeline.submit_all(OWNER, [first])
    both = harness.pipeline.submit_all(OWNER, [first, second])
    assert (ids(both)[0], both.created, len(ids(both))) == (ids(one)[0], True, 2)
    again = harness.pipeline.submit_all(OWNER, [second, first])
    assert (ids(again), again.created) == (ids(both)[::-1], False)
    assert harness.credits()[1] == 2 * 210
    other = dataclasses.replace(second, params={"prompt": "x"})
    third = JobRequest("text_to_video", TEXT, click_id="c")
    with pytest.raises(InputError, match="another request"):
        harness.pipeline.submit_all(OWNER, [third, other])
    assert len(harness.pipeline.all_jobs(OWNER)) == 2, "all or none"


def test_without_room_nothing_is_sold_and_what_was_sold_is_told(harness: Harness) -> None:
    first = click(harness, TEXT)
    before = harness.credits()
    harness.configure(studio_disk_floor_mb=10**9)
    with pytest.raises(StorageError, match="nothing was charged") as caught:
        click(harness, TEXT, click_id="another")
    assert caught.value.code == "disk_full"
    assert ids(click(harness, TEXT)) == ids(first)
    assert harness.credits() == before


def test_a_repeat_is_told_when_the_credits_are_gone(harness: Harness) -> None:
    first = click(harness, TEXT, variant_count=95)
    with pytest.raises(CreditError):
        click(harness, TEXT, click_id="another")
    assert ids(click(harness, TEXT, variant_count=95)) == ids(first)
