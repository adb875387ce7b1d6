"""Every paid task is seen again, whatever its list looks like, and nobody else's is taken for ours."""

from __future__ import annotations

import pytest

from kling_pipeline.doctor import examine
from kling_pipeline.errors import ResultError
from kling_pipeline.jobs.estimates import Typical, estimate_progress
from tests.unit.conftest import Harness, refusal
from tests.unit.test_send import state

DAY = 24 * 3600


def crowd(harness: Harness, count: int, external: str | None = "somebody-else-") -> None:
    """Tasks of another program on the same account, one a second."""
    for number in range(count):
        harness.time += 1
        harness.kling.add(f"{external}{number}" if external else None)


def run(harness: Harness, count: int = 1, **params) -> list[str]:
    ids = harness.submit(count, **params)
    harness.tick()
    assert {state(harness, one) for one in ids} == {"running"}
    return ids


def finish(harness: Harness, *ids: str) -> None:
    wanted = {harness.row(one)["external_task_id"] for one in ids}
    for task in harness.kling.tasks.values():
        if task["external"] in wanted:
            task["status"] = "succeeded"


def test_ours_are_found_among_three_thousand_others(harness):
    ids = []
    for _ in range(6):
        ids += run(harness, 2)
        crowd(harness, 500)
    finish(harness, *ids)
    harness.kling.pages.clear()
    harness.ticks(4, 5)
    assert {state(harness, one) for one in ids} == {"done"}
    assert harness.credits() == (20_000 - 12 * 210, 0, 12 * 210)
    assert len(harness.kling.looks) == 0, "the list showed them all"
    assert max(page for page, _ in harness.kling.pages) <= 7


def test_rows_that_move_to_the_next_page_while_it_is_read_are_not_lost(harness):
    ids = run(harness, 8)
    crowd(harness, 495)
    finish(harness, *ids)
    look_many = harness.kling.look_many

    def shifting(route, page, size=500):
        tasks = look_many(route, page, size)
        crowd(
            harness, 20
        )  # between two pages, so that the last rows of one are the first of the next
        return tasks

    harness.kling.look_many = shifting
    harness.ticks(4, 5)
    assert {state(harness, one) for one in ids} == {"done"}


def test_rows_that_move_to_the_page_before_are_asked_for_singly(harness):
    ids = run(harness, 2)
    crowd(harness, 499)
    finish(harness, *ids)
    look_many = harness.kling.look_many

    def vanishing(route, page, size=500):
        tasks = look_many(route, page, size)
        foreign = [one for one, task in harness.kling.tasks.items() if task["external"][0] == "s"]
        for one in foreign[:100]:
            del harness.kling.tasks[one]
        return tasks

    harness.kling.look_many = vanishing
    harness.ticks(3, 5)
    assert {state(harness, one) for one in ids} == {"done"}
    assert harness.kling.looks


def test_a_list_that_is_not_newest_first_is_left_for_single_looks(harness):
    harness.kling.ordered = False
    crowd(harness, 600)
    ids = run(harness, 3)
    harness.kling.pages.clear()
    harness.tick(5)
    assert harness.kling.pages == [(1, 500)], "its age proves nothing, so it is not read on"
    assert len(harness.kling.looks) == 3
    finish(harness, *ids)
    harness.ticks(3, 5)
    assert {state(harness, one) for one in ids} == {"done"}
    warnings = examine(harness.engine, ask_kling=False)["warnings"]
    assert "unordered" in [one["code"] for one in warnings]


def test_no_more_pages_than_tasks_that_are_missed(harness):
    ids = run(harness, 2)
    crowd(harness, 2_500)
    harness.kling.pages.clear()
    harness.tick(5)
    assert [page for page, _ in harness.kling.pages] == [1, 2]
    assert sorted(harness.kling.looks) == sorted(
        harness.row(one)["provider_task_id"] for one in ids
    )


def test_at_most_twenty_single_looks_in_a_tick_and_the_longest_due_come_first(harness):
    ids = run(harness, 30)
    broken = refusal("uncertain", http_status=502)
    harness.kling.look_many = lambda *_: (_ for _ in ()).throw(broken)
    named = {harness.row(one)["provider_task_id"] for one in ids}
    for tick in range(3):
        harness.kling.looks.clear()
        waiting = {harness.row(one)["provider_task_id"]: harness.row(one)["next_at"] for one in ids}
        harness.tick(6)
        asked = harness.kling.looks
        assert len(asked) == 20, tick
        latest = max(waiting[one] for one in asked)
        assert all(waiting[one] >= latest for one in named - set(asked)), "nobody was passed over"


def test_a_silent_kling_does_not_hold_the_tick_up(harness):
    ids = run(harness, 30)
    asked = []

    def silent(route, name):
        asked.append(name)
        raise refusal("uncertain")

    harness.kling.look = silent
    harness.kling.look_many = lambda *_: []
    harness.tick(6)
    assert len(asked) == 3
    assert {state(harness, one) for one in ids} == {"running"}


def test_a_job_that_is_open_for_29_days_is_still_fetched(harness):
    (job_id,) = run(harness)
    for _ in range(29):
        harness.tick(DAY)
        crowd(harness, 20)
    assert state(harness, job_id) == "running"
    finish(harness, job_id)
    harness.ticks(3, 20)
    assert state(harness, job_id) == "done"


@pytest.mark.parametrize("verdict", ["uncertain", "absent", "account", "token", "busy", "refused"])
def test_no_answer_to_a_look_fails_a_paid_job(harness, verdict):
    (job_id,) = run(harness)
    look, look_many = harness.kling.look, harness.kling.look_many

    def no(*_, **__):
        raise refusal(verdict)

    harness.kling.look = harness.kling.look_many = harness.kling.find = no
    harness.ticks(30, 60)
    # What Kling answers without telling of the task is left to the owner; silence is waited for.
    assert state(harness, job_id) == ("running" if verdict == "uncertain" else "unknown")
    assert harness.credits()[1] == 210
    harness.kling.look, harness.kling.look_many = look, look_many
    finish(harness, job_id)
    harness.ticks(12, 60)
    assert state(harness, job_id) == "done"


def test_an_empty_list_fails_nothing(harness):
    (job_id,) = run(harness)
    harness.kling.look_many = lambda *_: []
    harness.ticks(10, 10)
    finish(harness, job_id)
    harness.ticks(3, 10)
    assert state(harness, job_id) == "done"


def lived(harness: Harness, seconds: float, count: int = 5) -> None:
    """So many jobs that took about so long."""
    for job_id in run(harness, count):
        harness.engine.store.write(
            lambda db, one=job_id: db.execute(
                "UPDATE job SET started_at = started_at - ? WHERE id = ?",
                [int(seconds * 1000), one],
            )
        )
    harness.kling.finish()
    harness.ticks(3, 5)


def due_in(harness: Harness, job_id: str) -> float:
    return harness.row(job_id)["next_at"] / 1000 - harness.time


def test_due_times_and_figures_are_learned_from_five_and_not_from_four(harness):
    lived(harness, 30, 4)
    (job_id,) = run(harness)
    assert harness.job(job_id)["typical"] is None
    harness.tick(2)
    assert due_in(harness, job_id) == pytest.approx(5), "the brief's interval until more is known"
    harness.kling.finish()
    harness.ticks(3, 5)
    (later,) = run(harness)
    p50, p90 = harness.job(later)["typical"]
    assert 25_000 < p50 < 40_000
    assert p50 <= p90
    harness.tick(1.5)
    assert due_in(harness, later) == pytest.approx(5, abs=0.1)
    while harness.time - harness.row(later)["started_at"] / 1000 < 26:
        harness.tick(1)
    assert due_in(harness, later) < 4, "it looks more often when the end is near"


def test_another_shape_learns_from_its_own_past(harness):
    lived(harness, 30)
    (job_id,) = run(harness, duration="10")
    assert harness.job(job_id)["typical"] is None


def test_progress_never_runs_backwards_nor_to_eighty_while_it_runs(harness):
    lived(harness, 20)
    (job_id,) = run(harness)
    shown = [harness.job(job_id)["progress"]]
    for _ in range(200):
        harness.tick(3)
        shown.append(harness.job(job_id)["progress"])
    assert shown == sorted(shown)
    assert shown[0] == 20
    assert 70 < shown[-1] < 80
    harness.kling.unreachable = True
    finish(harness, job_id)
    harness.ticks(30)
    assert harness.job(job_id)["progress"] == shown[-1]


def test_progress_is_not_taken_back_when_a_result_is_fetched_anew(harness, monkeypatch):
    (job_id,) = run(harness)
    finish(harness, job_id)
    calls = []

    def full(*_):
        calls.append(1)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.save.store_file", full)
        harness.ticks(2, 5)
        assert (state(harness, job_id), harness.job(job_id)["progress"]) == ("saving", 90)
        assert harness.job(job_id)["status"]["code"] == "retrying"
        for _ in range(10):
            harness.tick(5)
            assert harness.job(job_id)["progress"] == 90
    assert len(calls) > 1
    harness.ticks(80, 5)
    assert state(harness, job_id) == "done", "there is space again"
    assert harness.credits() == (20_000 - 210, 0, 210)


@pytest.mark.parametrize("elapsed", [-3_600_000_000, -1, 0, 1, 10**12])
@pytest.mark.parametrize("p50", [0, 1, 1_000, 150_000])
def test_progress_is_a_figure_whatever_the_clock_says(elapsed, p50):
    assert 20 <= estimate_progress(elapsed, Typical(p50, 2 * p50, True)) <= 79


def test_late_is_said_after_the_ninetieth_percentile_and_not_before(harness):
    lived(harness, 30)
    (job_id,) = run(harness)
    p90 = harness.job(job_id)["typical"][1]
    while harness.time * 1000 - harness.row(job_id)["started_at"] <= p90 - 1000:
        harness.tick()
        assert harness.job(job_id)["status"]["code"] == "generating"
    harness.ticks(3)
    assert harness.job(job_id)["status"]["code"] == "late"
    assert state(harness, job_id) == "running"


def test_late_is_never_said_when_nobody_knows_what_is_usual(harness):
    (job_id,) = run(harness)
    harness.ticks(20, 3600)
    assert harness.job(job_id)["status"]["code"] == "generating"


def test_a_row_with_our_task_id_and_somebody_elses_id_is_not_ours(harness):
    (job_id,) = run(harness)
    task = harness.kling.tasks[harness.row(job_id)["provider_task_id"]]
    ours = task["external"]
    task.update(external="somebody-else", status="failed", message="not ours")
    harness.ticks(10, 5)
    assert state(harness, job_id) == "running", "another's failure is not ours"
    task.update(external=ours, status="succeeded")
    harness.ticks(3, 20)
    assert state(harness, job_id) == "done"


def test_a_row_without_any_id_of_ours_counts_by_its_task_id(harness):
    (job_id,) = run(harness)
    harness.kling.tasks[harness.row(job_id)["provider_task_id"]].update(
        external=None, status="succeeded"
    )
    harness.ticks(3, 5)
    assert state(harness, job_id) == "done"


@pytest.mark.parametrize("listed", [True, False])
def test_a_task_id_that_was_told_wrongly_is_mended(harness, listed):
    """Kling's answer to the create named another task: our own id leads to the right one."""
    foreign = harness.kling.add("somebody-else")
    (job_id,) = run(harness)
    right = harness.row(job_id)["provider_task_id"]
    harness.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [foreign, job_id])
    )
    harness.kling.tasks[foreign].update(status="failed")
    if not listed:
        harness.kling.look_many = lambda *_: []
    harness.ticks(4, 5)
    assert state(harness, job_id) == "running"
    finish(harness, job_id)
    harness.ticks(3, 5)
    assert (state(harness, job_id), harness.job(job_id)["provider_task_id"]) == ("done", right)


def test_a_result_that_was_named_without_a_file_is_asked_for_again(harness):
    (job_id,) = run(harness)
    finish(harness, job_id)
    task_of = harness.kling._task
    harness.kling._task = lambda task_id: task_of(task_id).__class__(
        **{**task_of(task_id).__dict__, "outputs": ()}
    )
    harness.ticks(3, 5)
    assert state(harness, job_id) == "saving"
    harness.kling._task = task_of
    harness.ticks(60, 5)
    assert state(harness, job_id) == "done"


def test_what_kling_will_delete_soonest_is_saved_first(harness):
    old, young = run(harness)[0], run(harness)[0]
    finish(harness, old, young)
    harness.time += 30
    harness.pipeline.engine.client.download = lambda *_, **__: (_ for _ in ()).throw(
        OSError("full")
    )
    assert harness.pipeline.tick() == [old, young]
    harness.pipeline.advance(old)
    harness.time += 600
    assert harness.pipeline.tick() == [old, young], "by age, not by who has waited longest"


def test_a_result_is_fetched_although_the_answer_named_another_task(harness):
    """A link has died, and the id that the create was told leads to nothing: ours leads there."""
    [job_id] = run(harness)
    finish(harness, job_id)
    harness.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = '1' WHERE id = ?", [job_id])
    )
    downloads = []
    download = harness.kling.download

    def dying(url, target, *, cap, on_bytes=None):
        downloads.append(url)
        if len(downloads) == 1:
            # What the poll had mended is spoiled again, as by one more hostile answer.
            harness.store.write(
                lambda db: db.execute(
                    "UPDATE job SET provider_task_id = '1' WHERE id = ?", [job_id]
                )
            )
            raise ResultError("gone", code="result_expired")
        return download(url, target, cap=cap, on_bytes=on_bytes)

    harness.kling.download = dying
    harness.ticks(6, 10)
    assert state(harness, job_id) == "done"
    assert len(downloads) == 2
    assert harness.row(job_id)["tries"] == 0, "by fresh links, in the same attempt"


def test_two_jobs_that_were_told_the_same_task_both_end_with_their_own(harness):
    first, second = run(harness, 2)
    told = harness.row(first)["provider_task_id"]
    harness.store.write(lambda db: db.execute("UPDATE job SET provider_task_id = NULL"))
    harness.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [told, second])
    )
    finish(harness, first, second)
    harness.ticks(4, 10)
    for one in (first, second):
        row = harness.row(one)
        task = harness.kling.tasks[row["provider_task_id"]]
        assert (row["state"], task["external"]) == ("done", row["external_task_id"])
