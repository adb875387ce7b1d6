"""`kill -9` at any moment: every job ends as it would have, each is billed once, the ledger audits clean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kling_pipeline.doctor import examine
from kling_pipeline.errors import NotFound
from tests.conftest import App, wait_for
from tests.pictures import picture
from tests.service.disks import real_disk
from tests.service.kills import BOAT, NEVER, OWNER, Killing, killing, named_lines

ENDED = ("done", "failed", "canceled")
POINTS = (
    "claimed", "intent", "refused", "doubted", "posted", "adopted", "polled", "saving", "fetched",
    "stored", "settled",
)  # fmt: skip
STEP_POINTS = ("step", "intent", "posted")
SESSION_POINTS = ("session_asks", "session_asked", "session_kept")
CALL_POINTS = ("session_asks", "session_asked", "call_kept")
ORPHAN_POINTS = ("orphan_seen", "orphan_adopted")
WORDS = {"text": "A boat goes down the river to the sea.", "voice_id": "oversea_male1"}


def assert_all_well(app: App, ids: list[str], tasks: list[dict], spent: int) -> None:
    jobs = [app.wait_state(job_id, *ENDED) for job_id in ids]
    assert {job["state"] for job in jobs} == {"done"}
    assert len(tasks) == len(ids), "billed exactly once each"
    assert {task["external_task_id"] for task in tasks} == {job["external_task_id"] for job in jobs}
    for job in jobs:
        assert len(job["assets"]) == 1
        assert app.http.get(job["assets"][0]["url"]).status_code == 200
    credits = app.credits()
    assert (credits["held"], credits["spent"]) == (0, spent)
    report = json.loads(app.run("doctor", "--json").stdout)
    assert report["audit"] == "ok"
    assert report["problems"] == []


def mixed(app: App) -> list[str]:
    """Four jobs; by the time the last is asked for, the first are already further on."""
    image = app.upload(picture())["id"]
    ids = [app.submit("image_generation", {"prompt": "a vase"})[0]["id"]]
    ids.append(app.submit("image_to_video", {"prompt": "a push-in", "image": image})[0]["id"])
    wait_for(
        lambda: any(app.job(one)["state"] in ("saving", "done") for one in ids), "a job to be saved"
    )
    return ids + [
        job["id"] for job in app.submit("text_to_video", {"prompt": "a"}, variant_count=2)
    ]


@pytest.mark.service
def test_the_whole_demo_is_killed_and_comes_back(start_app):
    """Without keys: the app and its simulator die together."""
    app = start_app(STUDIO_TIME_SCALE="4")
    ids = mixed(app)
    wait_for(lambda: app.job(ids[-1])["state"] != "queued", "the last to be sent")
    app.kill()
    again = start_app(STUDIO_TIME_SCALE="4")
    jobs = [again.wait_state(job_id, *ENDED, seconds=120) for job_id in ids]
    assert {job["state"] for job in jobs} == {"done"}
    assert again.credits()["spent"] == sum(job["price"] for job in jobs)
    port = json.loads((again.folder / "simulator.port").read_text())["port"]
    import httpx  # noqa: PLC0415  # only here the demo's own simulator is asked

    tasks = httpx.get(f"http://127.0.0.1:{port}/_simulator/tasks", trust_env=False).json()
    tasks = tasks["tasks"] if isinstance(tasks, dict) else tasks
    assert_all_well(again, ids, tasks, sum(job["price"] for job in jobs))


@pytest.mark.service
def test_a_studio_with_keys_is_killed_while_jobs_are_in_every_state(simulator, keyed, start_app):
    app = start_app(**keyed)
    ids = mixed(app)
    app.kill()
    again = start_app(**keyed)
    spent = sum(again.job(job_id)["price"] for job_id in ids)
    for job_id in ids:
        again.wait_state(job_id, *ENDED)
    assert_all_well(again, ids, simulator.tasks(), spent)


@pytest.fixture(scope="module")
def field() -> Iterator[Killing]:
    with real_disk() as folder, killing(folder) as made:
        yield made


@pytest.fixture(scope="module")
def speech(field: Killing) -> tuple[str, dict[str, Any]]:
    return field.lip_sync()


def test_every_named_line_is_tried():
    lines = (*POINTS, *STEP_POINTS, *SESSION_POINTS, *CALL_POINTS, *ORPHAN_POINTS)
    assert set(lines) == named_lines()


@pytest.mark.service
@pytest.mark.parametrize("point", POINTS)
def test_every_named_line_may_be_the_last(field: Killing, point: str):
    field.last_line(point, *BOAT)
    field.assert_well()


@pytest.mark.service
@pytest.mark.parametrize("point", STEP_POINTS)
def test_every_named_line_may_be_the_last_of_a_request_in_steps(field: Killing, speech, point: str):
    """Its endpoint is not asked by our id: only the echo in the list finds a task again."""
    field.last_line(point, *speech)
    field.assert_well()


@pytest.mark.service
@pytest.mark.parametrize("point", SESSION_POINTS)
def test_a_session_is_kept_and_charged_together_or_not_at_all(field: Killing, speech, point: str):
    paid, kept = len(field.prepaid()), len(field.sessions())
    field.dies_asking(point, "open_session", OWNER, "lip_sync", {"video": speech[1]["video"]})
    more = 1 if point == "session_kept" else 0
    assert len(field.prepaid()) - paid == len(field.sessions()) - kept == more
    field.pipeline.open_session(OWNER, "lip_sync", {"video": speech[1]["video"]})
    assert len(field.prepaid()) - paid == len(field.sessions()) - kept == more + 1
    assert examine(field.pipeline.engine)["audit"] == "ok"


@pytest.mark.service
@pytest.mark.parametrize("point", CALL_POINTS)
def test_a_call_of_a_session_is_kept_and_charged_together_or_not_at_all(
    field: Killing, speech, point: str
):
    opened = field.pipeline.open_session(OWNER, "lip_sync", {"video": speech[1]["video"]})["id"]
    paid = len(field.prepaid())
    field.dies_asking(point, "call_session", OWNER, opened, "tts", WORDS)
    more = 1 if point == "call_kept" else 0
    answers = field.pipeline.session(OWNER, opened)["answers"]
    assert ("tts" in answers, len(field.prepaid()) - paid) == (bool(more), more)
    field.pipeline.call_session(OWNER, opened, "tts", WORDS)
    assert len(field.prepaid()) - paid == field.sessions()[opened] - 1 == more + 1
    assert len(field.prepaid()) == len({name for name, _ in field.prepaid()})
    assert examine(field.pipeline.engine)["audit"] == "ok"


@pytest.mark.service
@pytest.mark.parametrize("point", ORPHAN_POINTS)
def test_a_lost_task_is_taken_up_once_or_still_there_to_be_taken_up(field: Killing, point: str):
    task = field.lose_task()
    before, held = field.pipeline.all_jobs(OWNER), field.pipeline.credits(OWNER)["held"]
    field.dies_asking(point, "adopt_orphan", OWNER, task)
    taken = point == "orphan_adopted"
    assert len(field.pipeline.all_jobs(OWNER)) - len(before) == int(taken)
    assert field.pipeline.credits(OWNER)["held"] - held == (210 if taken else 0)
    if not taken:
        field.pipeline.adopt_orphan(OWNER, task)
    assert field.lost_tasks() == []
    with pytest.raises(NotFound):
        field.pipeline.adopt_orphan(OWNER, task)
    one = field.worker()
    field.wait()
    field.kill(one)
    [made] = [job for job in field.pipeline.all_jobs(OWNER) if job["provider_task_id"] == task]
    assert (made["state"], made["price"]) == ("done", 210)
    assert field.figures() == dict.fromkeys(NEVER, 0)
