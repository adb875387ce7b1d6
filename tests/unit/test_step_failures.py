"""What nobody expected, in any step: counted, later and later, then its owner's; and nobody else's trouble."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.errors import BusyError, InputError, KlingError, ResultError
from kling_pipeline.jobs.job import find_job
from kling_pipeline.kling.dialects import Output
from tests.unit.conftest import Harness, refusal
from tests.unit.test_doctor import codes
from tests.unit.test_recover import set_row, to_saving
from tests.unit.test_send import OPENING, state


def stumble(*_: Any, **__: Any) -> Any:
    raise IndexError("tuple index out of range")


STEPS = {
    "before the claim": ("kling_pipeline.jobs.send._claim", "queued"),
    "preparing": ("kling_pipeline.jobs.send._prepare", "queued"),
    "laying out": ("kling_pipeline.jobs.send._body", "queued"),
    "posting": ("kling_pipeline.jobs.send._post", "queued"),
    "checking": ("kling_pipeline.jobs.reconcile.find_task", "checking"),
    "fetching": ("kling_pipeline.jobs.save._fetch_all", "saving"),
    "storing": ("kling_pipeline.jobs.save._store", "saving"),
}


def brought_to(harness: Harness, at: str) -> str:
    if at == "saving":
        return to_saving(harness)
    if at == "checking":
        harness.kling.script = ["lost"]
    [job_id] = harness.submit()
    if at == "checking":
        harness.pipeline.advance(job_id)
        assert state(harness, job_id) == "checking"
    return job_id


@pytest.mark.parametrize(("line", "at"), STEPS.values(), ids=STEPS)
def test_three_stumbles_in_a_row_are_the_owners_and_a_fourth_is_not_made(
    harness, monkeypatch, line, at
):
    job_id, calls = brought_to(harness, at), Counter[str]()

    def counted(*args: Any, **more: Any) -> Any:
        calls["made"] += 1
        return stumble()

    with monkeypatch.context() as patch:
        patch.setattr(line, counted)
        harness.ticks(100, 20)
    row, job = harness.row(job_id), harness.job(job_id)
    assert job["state"] == ("saving" if at == "saving" else "unknown")
    assert job["error"]["code"] in ("step_failed", "send_refused")
    assert calls["made"] == 3
    assert (row["lease_owner"], harness.engine.active_jobs) == (None, set())
    assert harness.credits() == (OPENING - 210, 210, 0)
    assert codes(harness)["undecided"]["figures"]["job"] == job_id
    harness.pipeline.retry("local", job_id)
    harness.ticks(6, 20)
    harness.kling.finish()
    harness.ticks(4, 20)
    assert state(harness, job_id) == "done"
    assert len(harness.kling.tasks) == 1
    assert harness.credits() == (OPENING - 210, 0, 210)


@pytest.mark.parametrize(("line", "at"), STEPS.values(), ids=STEPS)
def test_what_stumbled_can_be_given_up_and_is_paid_back_once(harness, monkeypatch, line, at):
    job_id = brought_to(harness, at)
    with monkeypatch.context() as patch:
        patch.setattr(line, stumble)
        harness.ticks(100, 20)
        for _ in range(2):
            harness.pipeline.cancel("local", job_id)
    assert state(harness, job_id) == "canceled"
    assert harness.credits() == (OPENING, 0, 0)


def test_a_stumble_waits_longer_each_time_and_stops_nobody_else(harness, monkeypatch):
    bad, good = harness.submit(2)
    prepare, times = __import__("kling_pipeline.jobs.send", fromlist=["x"])._prepare, []

    def some(engine: Any, job: Any) -> Any:
        if job.id != bad:
            return prepare(engine, job)
        times.append(harness.time)
        return stumble()

    monkeypatch.setattr("kling_pipeline.jobs.send._prepare", some)
    harness.ticks(120, 1)
    first, second = (b - a for a, b in itertools.pairwise(times))
    assert second > first > 10
    assert state(harness, good) == "running"


def test_two_stumbles_and_a_success_count_as_nothing(harness, monkeypatch):
    [job_id] = harness.submit()
    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.send._prepare", stumble)
        while harness.row(job_id)["crashes"] < 2:
            harness.tick(10)
    harness.ticks(2, 60)
    assert (state(harness, job_id), harness.row(job_id)["crashes"]) == ("running", 0)


def test_after_the_intent_a_stumble_is_looked_for_and_never_simply_sent_again(harness, monkeypatch):
    """The task is there: the answer was read, and then the studio stumbled."""
    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.send.adopt", stumble)
        [job_id] = harness.submit()
        harness.tick()
        assert state(harness, job_id) == "checking"
    harness.ticks(3, 30)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1


def test_the_text_of_an_exception_is_not_shown(harness, monkeypatch):
    def leak(*_: Any) -> Any:
        raise ValueError("secret-of-a-library")

    [job_id] = harness.submit()
    monkeypatch.setattr("kling_pipeline.jobs.send._prepare", leak)
    harness.ticks(20, 60)
    assert "ValueError" in harness.job(job_id)["error"]["message"]
    assert "secret-of" not in str(harness.job(job_id))


# --- a choice that names a result Kling no longer tells -------------------------------------------


def lip_sync(harness: Harness) -> tuple[str, dict[str, Any]]:
    """A film of ours, and what `thaw` makes of a link to it."""
    job_id = to_saving(harness)
    harness.ticks(2, 5)
    [asset] = harness.job(job_id)["assets"]
    return asset["id"], {"video_url": {"$link": asset["id"]}}


def tells(harness: Harness, monkeypatch: pytest.MonkeyPatch, *outputs: Output, **more: Any) -> None:
    real_task = harness.kling._task

    def task(task_id: str) -> Any:
        one = real_task(task_id)
        object.__setattr__(one, "outputs", outputs)
        for name, value in more.items():
            object.__setattr__(one, name, value)
        return one

    monkeypatch.setattr(harness.kling, "_task", task)


def test_a_result_is_known_by_its_own_id_wherever_it_stands(harness, monkeypatch):
    from kling_pipeline.jobs.inputs import thaw  # noqa: PLC0415  # only here and below

    _, body = lip_sync(harness)
    tells(
        harness, monkeypatch, Output("video", "https://example.com/other", "v0", 0),
        Output("video", "https://example.com/right", "v1", 1),
    )  # fmt: skip
    assert thaw(harness.engine, "local", body) == {"video_url": "https://example.com/right"}


@pytest.mark.parametrize("status", ["succeeded", "running"])
def test_a_result_that_kling_tells_no_more_is_a_wrong_choice_and_no_stumble(
    harness, monkeypatch, status
):
    from kling_pipeline.jobs.inputs import thaw  # noqa: PLC0415

    _, body = lip_sync(harness)
    tells(harness, monkeypatch, status=status)
    with pytest.raises(InputError) as caught:
        thaw(harness.engine, "local", body)
    assert caught.value.code == "video_unreachable"
    [job_id] = harness.submit()
    monkeypatch.setattr("kling_pipeline.jobs.send._body", lambda *_: body)
    harness.tick()
    assert harness.job(job_id)["error"]["code"] == "video_unreachable"
    assert harness.credits()[1] == 0, "given back: nothing was sent"


# --- results that never come ------------------------------------------------------------------------


def never(harness: Harness, monkeypatch: pytest.MonkeyPatch, code: str) -> list[str]:
    asked: list[str] = []

    def download(url: str, target: Path, **_: Any) -> int:
        asked.append(url)
        raise ResultError(f"It is {code}.", code=code)

    monkeypatch.setattr(harness.kling, "download", download)
    return asked


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("result_too_large", 3),
        ("result_address", 18),
        ("result_expired", 18),
        ("result_cut", 18),
        ("result_refused", 18),
    ],
)
def test_a_result_that_never_comes_is_set_aside_with_its_reason(harness, monkeypatch, code, most):
    job_id = to_saving(harness)
    with monkeypatch.context() as patch:
        asked = never(harness, patch, code)
        harness.ticks(100, 60)
        job = harness.job(job_id)
        assert (job["state"], job["error"]["code"]) == ("saving", code)
        assert job["error"]["message"] == f"It is {code}."
        assert 0 < len(asked) <= most
        assert harness.credits() == (OPENING - 210, 210, 0)
        assert codes(harness)["undecided"]["figures"]["said"] == f"It is {code}."
        harness.pipeline.retry("local", job_id)
        harness.ticks(60, 60)
        assert harness.job(job_id)["error"]["code"] == code, "and again with the same bound"
        assert len(asked) <= 2 * most
    harness.pipeline.retry("local", job_id)
    harness.tick()
    assert (state(harness, job_id), harness.job(job_id)["error"]) == ("done", None)
    assert harness.credits() == (OPENING - 210, 0, 210)


def test_another_kind_of_file_is_set_aside_and_can_be_given_up(harness, monkeypatch):
    job_id = to_saving(harness)
    monkeypatch.setattr(
        harness.kling,
        "download",
        lambda url, target, **_: target.write_bytes(b"\x89PNG" + b"0" * 99),
    )
    harness.ticks(60, 60)
    assert harness.job(job_id)["error"]["code"] == "result_wrong_kind"
    harness.pipeline.cancel("local", job_id)
    harness.pipeline.cancel("local", job_id)
    assert (state(harness, job_id), harness.credits()) == ("canceled", (OPENING, 0, 0))


@pytest.mark.parametrize("code", ["result_unreachable", "disk"])
def test_what_may_pass_is_tried_as_long_as_it_lasts(harness, monkeypatch, code):
    job_id = to_saving(harness)
    with monkeypatch.context() as patch:
        if code == "disk":
            patch.setattr("kling_pipeline.jobs.save.store_file", lambda *_: open("/nowhere/x"))  # noqa: SIM115
        else:
            never(harness, patch, code)
        harness.ticks(60, 300)
        assert harness.job(job_id)["status"]["code"] == "retrying"
    harness.ticks(2, 400)
    assert state(harness, job_id) == "done"


@pytest.mark.parametrize(
    "error",
    [refusal("uncertain", http_status=200), refusal("absent"), refusal("refused", http_status=400)],
    ids=["unreadable", "absent", "refused"],
)
def test_fresh_links_that_nobody_can_read_are_its_owners(harness, monkeypatch, error: KlingError):
    job_id = to_saving(harness)
    never(harness, monkeypatch, "result_expired")

    def told(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(harness.kling, "look", told)
    monkeypatch.setattr(harness.kling, "find", told)
    harness.ticks(80, 60)
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("saving", error.code)


# --- sessions ---------------------------------------------------------------------------------------


@pytest.fixture
def session(harness: Harness) -> str:
    answers = {"init-selection": {"session_id": "s-1", "original_duration": 5000}}
    return harness.add_session("multi_elements", answers)


def marking(harness: Harness, seen: list[int], together: threading.Barrier | None = None) -> None:
    """A Kling that keeps count of the marks of a session."""

    def ask(path: str, body: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        if together is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(0.2)
        seen.append(body["frame_index"])
        return {"res": {"frame_index": body["frame_index"], "rle_mask_list": [{"object_id": 0}]}}

    harness.kling.ask = ask  # type: ignore[attr-defined]


def test_two_marks_at_once_are_both_kept(harness, session):
    seen: list[int] = []
    marking(harness, seen, threading.Barrier(2))
    point = {"x": 0.5, "y": 0.5}

    def mark(frame: int) -> Any:
        return harness.pipeline.call_session(
            "local", session, "add-selection", {"frame_index": frame, "points": [point]}
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(mark, (1, 2)))
    marked = harness.pipeline.session("local", session)["answers"]["add-selection"]["marked"]
    assert sorted(marked) == ["1", "2"]
    assert sorted(seen) == [1, 2]


def test_a_call_does_not_wait_for_another_for_ever(harness, session, monkeypatch):
    monkeypatch.setattr("kling_pipeline.jobs.sessions._LOCK_SECONDS", 0.01)
    began, answers = threading.Event(), threading.Event()

    def slow(path: str, body: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        began.set()
        answers.wait()
        return {"res": {"frame_index": 1, "rle_mask_list": [{"object_id": 0}]}}

    harness.kling.ask = slow
    given = {"frame_index": 1, "points": [{"x": 0.5, "y": 0.5}]}

    def mark() -> Any:
        return harness.pipeline.call_session("local", session, "add-selection", given)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(mark)
        began.wait()
        try:
            with pytest.raises(BusyError, match="under way"):
                mark()
        finally:
            answers.set()
        assert "add-selection" in first.result()["answers"]
    assert "add-selection" in mark()["answers"], "its turn is given back"


def test_an_answer_of_another_process_is_kept_beside_ours(harness, session):
    def ask(path: str, body: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        harness.store.write(
            lambda db: db.execute(
                "UPDATE session SET step_results = json_set(step_results, '$.other', 1), calls = calls + 1"
            )
        )
        return {"res": {"frame_index": 3, "rle_mask_list": [{"object_id": 0}]}}

    harness.kling.ask = ask
    told = harness.pipeline.call_session(
        "local", session, "add-selection", {"frame_index": 3, "points": [{"x": 0.5, "y": 0.5}]}
    )
    assert {"other", "add-selection", "init-selection"} == set(told["answers"])
    with harness.store.read() as db:
        assert db.execute("SELECT calls FROM session").fetchone()[0] == 3


def test_a_session_of_a_capability_that_is_gone_is_its_own_trouble(harness, session):
    harness.store.write(lambda db: db.execute("UPDATE session SET capability = 'smell_to_video'"))
    for ask in (
        lambda: harness.pipeline.session("local", session),
        lambda: harness.pipeline.call_session("local", session, "add-selection", {}),
    ):
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.code == "unknown_capability"
    harness.submit()
    harness.tick()
    assert harness.pipeline.all_jobs("local")[0]["state"] == "running"


def test_a_job_given_up_while_kling_has_it_can_be_taken_up_again(harness):
    [job_id] = harness.submit()
    harness.tick()
    with harness.store.read() as db:
        task = find_job(db, job_id).provider_task_id
    set_row(harness, job_id, state="unknown", error='{"code": "answer_unreadable", "message": "x"}')
    harness.pipeline.cancel("local", job_id)
    assert codes(harness, "problems")["orphan"]["figures"]["task"] == task
    made = harness.pipeline.adopt_orphan("local", task)
    harness.kling.finish()
    harness.ticks(3, 10)
    assert harness.job(made["id"])["state"] == "done"
    assert harness.credits() == (OPENING - 210, 0, 210)
