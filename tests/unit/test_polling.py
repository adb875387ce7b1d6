"""Every paid task is seen again, whatever its list looks like, and nobody else's is taken for ours."""

from __future__ import annotations

import pytest

from kling_pipeline.doctor import examine
from kling_pipeline.errors import ResultError
from kling_pipeline.jobs.estimates import Typical, ease
from tests.unit.conftest import Bench, refusal
from tests.unit.test_sending import state

DAY = 24 * 3600


def crowd(bench: Bench, count: int, external: str | None = "somebody-else-") -> None:
    """Tasks of another program on the same account, one a second."""
    for number in range(count):
        bench.time += 1
        bench.kling.add(f"{external}{number}" if external else None)


def run(bench: Bench, count: int = 1, **params) -> list[str]:
    ids = bench.submit(count, **params)
    bench.turn()
    assert {state(bench, one) for one in ids} == {"running"}
    return ids


def finish(bench: Bench, *ids: str) -> None:
    wanted = {bench.row(one)["external_task_id"] for one in ids}
    for task in bench.kling.tasks.values():
        if task["external"] in wanted:
            task["status"] = "succeeded"


def test_ours_are_found_among_three_thousand_others(bench):
    ids = []
    for _ in range(6):
        ids += run(bench, 2)
        crowd(bench, 500)
    finish(bench, *ids)
    bench.kling.pages.clear()
    bench.turns(4, 5)
    assert {state(bench, one) for one in ids} == {"done"}
    assert bench.credits() == (20_000 - 12 * 210, 0, 12 * 210)
    assert len(bench.kling.looks) == 0, "the list showed them all"
    assert max(page for page, _ in bench.kling.pages) <= 7


def test_rows_that_move_to_the_next_page_while_it_is_read_are_not_lost(bench):
    ids = run(bench, 8)
    crowd(bench, 495)
    finish(bench, *ids)
    look_many = bench.kling.look_many

    def shifting(route, page, size=500):
        tasks = look_many(route, page, size)
        crowd(
            bench, 20
        )  # between two pages, so that the last rows of one are the first of the next
        return tasks

    bench.kling.look_many = shifting
    bench.turns(4, 5)
    assert {state(bench, one) for one in ids} == {"done"}


def test_rows_that_move_to_the_page_before_are_asked_for_singly(bench):
    ids = run(bench, 2)
    crowd(bench, 499)
    finish(bench, *ids)
    look_many = bench.kling.look_many

    def vanishing(route, page, size=500):
        tasks = look_many(route, page, size)
        foreign = [one for one, task in bench.kling.tasks.items() if task["external"][0] == "s"]
        for one in foreign[:100]:
            del bench.kling.tasks[one]
        return tasks

    bench.kling.look_many = vanishing
    bench.turns(3, 5)
    assert {state(bench, one) for one in ids} == {"done"}
    assert bench.kling.looks


def test_a_list_that_is_not_newest_first_is_left_for_single_looks(bench):
    bench.kling.ordered = False
    crowd(bench, 600)
    ids = run(bench, 3)
    bench.kling.pages.clear()
    bench.turn(5)
    assert bench.kling.pages == [(1, 500)], "its age proves nothing, so it is not read on"
    assert len(bench.kling.looks) == 3
    finish(bench, *ids)
    bench.turns(3, 5)
    assert {state(bench, one) for one in ids} == {"done"}
    warnings = examine(bench.engine, ask_kling=False)["warnings"]
    assert "unordered" in [one["code"] for one in warnings]


def test_no_more_pages_than_tasks_that_are_missed(bench):
    ids = run(bench, 2)
    crowd(bench, 2_500)
    bench.kling.pages.clear()
    bench.turn(5)
    assert [page for page, _ in bench.kling.pages] == [1, 2]
    assert sorted(bench.kling.looks) == sorted(bench.row(one)["provider_task_id"] for one in ids)


def test_at_most_twenty_single_looks_in_a_tick_and_the_longest_due_come_first(bench):
    ids = run(bench, 30)
    broken = refusal("uncertain", http_status=502)
    bench.kling.look_many = lambda *_: (_ for _ in ()).throw(broken)
    named = {bench.row(one)["provider_task_id"] for one in ids}
    for turn in range(3):
        bench.kling.looks.clear()
        waiting = {bench.row(one)["provider_task_id"]: bench.row(one)["next_at"] for one in ids}
        bench.turn(6)
        asked = bench.kling.looks
        assert len(asked) == 20, turn
        latest = max(waiting[one] for one in asked)
        assert all(waiting[one] >= latest for one in named - set(asked)), "nobody was passed over"


def test_a_silent_kling_does_not_hold_the_tick_up(bench):
    ids = run(bench, 30)
    asked = []

    def silent(route, name):
        asked.append(name)
        raise refusal("uncertain")

    bench.kling.look = silent
    bench.kling.look_many = lambda *_: []
    bench.turn(6)
    assert len(asked) == 3
    assert {state(bench, one) for one in ids} == {"running"}


def test_a_job_that_is_open_for_29_days_is_still_fetched(bench):
    (job_id,) = run(bench)
    for _ in range(29):
        bench.turn(DAY)
        crowd(bench, 20)
    assert state(bench, job_id) == "running"
    finish(bench, job_id)
    bench.turns(3, 20)
    assert state(bench, job_id) == "done"


@pytest.mark.parametrize("verdict", ["uncertain", "absent", "account", "token", "busy", "refused"])
def test_no_answer_to_a_look_fails_a_paid_job(bench, verdict):
    (job_id,) = run(bench)
    look, look_many = bench.kling.look, bench.kling.look_many

    def no(*_, **__):
        raise refusal(verdict)

    bench.kling.look = bench.kling.look_many = bench.kling.find = no
    bench.turns(30, 60)
    # What Kling answers without telling of the task is left to the owner; silence is waited for.
    assert state(bench, job_id) == ("running" if verdict == "uncertain" else "unknown")
    assert bench.credits()[1] == 210
    bench.kling.look, bench.kling.look_many = look, look_many
    finish(bench, job_id)
    bench.turns(12, 60)
    assert state(bench, job_id) == "done"


def test_an_empty_list_fails_nothing(bench):
    (job_id,) = run(bench)
    bench.kling.look_many = lambda *_: []
    bench.turns(10, 10)
    finish(bench, job_id)
    bench.turns(3, 10)
    assert state(bench, job_id) == "done"


def lived(bench: Bench, seconds: float, count: int = 5) -> None:
    """So many jobs that took about so long."""
    for job_id in run(bench, count):
        bench.engine.store.write(
            lambda db, one=job_id: db.execute(
                "UPDATE job SET started_at = started_at - ? WHERE id = ?",
                [int(seconds * 1000), one],
            )
        )
    bench.kling.finish()
    bench.turns(3, 5)


def due_in(bench: Bench, job_id: str) -> float:
    return bench.row(job_id)["next_at"] / 1000 - bench.time


def test_due_times_and_figures_are_learned_from_five_and_not_from_four(bench):
    lived(bench, 30, 4)
    (job_id,) = run(bench)
    assert bench.job(job_id)["typical"] is None
    bench.turn(2)
    assert due_in(bench, job_id) == pytest.approx(5), "the brief's interval until more is known"
    bench.kling.finish()
    bench.turns(3, 5)
    (later,) = run(bench)
    p50, p90 = bench.job(later)["typical"]
    assert 25_000 < p50 < 40_000
    assert p50 <= p90
    bench.turn(1.5)
    assert due_in(bench, later) == pytest.approx(5, abs=0.1)
    while bench.time - bench.row(later)["started_at"] / 1000 < 26:
        bench.turn(1)
    assert due_in(bench, later) < 4, "it looks more often when the end is near"


def test_another_shape_learns_from_its_own_past(bench):
    lived(bench, 30)
    (job_id,) = run(bench, duration="10")
    assert bench.job(job_id)["typical"] is None


def test_progress_never_runs_backwards_nor_to_eighty_while_it_runs(bench):
    lived(bench, 20)
    (job_id,) = run(bench)
    shown = [bench.job(job_id)["progress"]]
    for _ in range(200):
        bench.turn(3)
        shown.append(bench.job(job_id)["progress"])
    assert shown == sorted(shown)
    assert shown[0] == 20
    assert 70 < shown[-1] < 80
    bench.kling.unreachable = True
    finish(bench, job_id)
    bench.turns(30)
    assert bench.job(job_id)["progress"] == shown[-1]


def test_progress_is_not_taken_back_when_a_result_is_fetched_anew(bench, monkeypatch):
    (job_id,) = run(bench)
    finish(bench, job_id)
    calls = []

    def full(*_):
        calls.append(1)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("kling_pipeline.jobs.save.store_file", full)
        bench.turns(2, 5)
        assert (state(bench, job_id), bench.job(job_id)["progress"]) == ("saving", 90)
        assert bench.job(job_id)["says"]["code"] == "retrying"
        for _ in range(10):
            bench.turn(5)
            assert bench.job(job_id)["progress"] == 90
    assert len(calls) > 1
    bench.turns(80, 5)
    assert state(bench, job_id) == "done", "there is space again"
    assert bench.credits() == (20_000 - 210, 0, 210)


@pytest.mark.parametrize("elapsed", [-3_600_000_000, -1, 0, 1, 10**12])
@pytest.mark.parametrize("p50", [0, 1, 1_000, 150_000])
def test_progress_is_a_figure_whatever_the_clock_says(elapsed, p50):
    assert 20 <= ease(elapsed, Typical(p50, 2 * p50, True)) <= 79


def test_late_is_said_after_the_ninetieth_percentile_and_not_before(bench):
    lived(bench, 30)
    (job_id,) = run(bench)
    p90 = bench.job(job_id)["typical"][1]
    while bench.time * 1000 - bench.row(job_id)["started_at"] <= p90 - 1000:
        bench.turn()
        assert bench.job(job_id)["says"]["code"] == "generating"
    bench.turns(3)
    assert bench.job(job_id)["says"]["code"] == "late"
    assert state(bench, job_id) == "running"


def test_late_is_never_said_when_nobody_knows_what_is_usual(bench):
    (job_id,) = run(bench)
    bench.turns(20, 3600)
    assert bench.job(job_id)["says"]["code"] == "generating"


def test_a_row_with_our_task_id_and_somebody_elses_id_is_not_ours(bench):
    (job_id,) = run(bench)
    task = bench.kling.tasks[bench.row(job_id)["provider_task_id"]]
    ours = task["external"]
    task.update(external="somebody-else", status="failed", message="not ours")
    bench.turns(10, 5)
    assert state(bench, job_id) == "running", "another's failure is not ours"
    task.update(external=ours, status="succeeded")
    bench.turns(3, 20)
    assert state(bench, job_id) == "done"


def test_a_row_without_any_id_of_ours_counts_by_its_task_id(bench):
    (job_id,) = run(bench)
    bench.kling.tasks[bench.row(job_id)["provider_task_id"]].update(
        external=None, status="succeeded"
    )
    bench.turns(3, 5)
    assert state(bench, job_id) == "done"


@pytest.mark.parametrize("listed", [True, False])
def test_a_task_id_that_was_told_wrongly_is_mended(bench, listed):
    """Kling's answer to the create named another task: our own id leads to the right one."""
    foreign = bench.kling.add("somebody-else")
    (job_id,) = run(bench)
    right = bench.row(job_id)["provider_task_id"]
    bench.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [foreign, job_id])
    )
    bench.kling.tasks[foreign].update(status="failed")
    if not listed:
        bench.kling.look_many = lambda *_: []
    bench.turns(4, 5)
    assert state(bench, job_id) == "running"
    finish(bench, job_id)
    bench.turns(3, 5)
    assert (state(bench, job_id), bench.job(job_id)["provider_task_id"]) == ("done", right)


def test_a_result_that_was_named_without_a_file_is_asked_for_again(bench):
    (job_id,) = run(bench)
    finish(bench, job_id)
    task_of = bench.kling._task
    bench.kling._task = lambda task_id: task_of(task_id).__class__(
        **{**task_of(task_id).__dict__, "outputs": ()}
    )
    bench.turns(3, 5)
    assert state(bench, job_id) == "saving"
    bench.kling._task = task_of
    bench.turns(60, 5)
    assert state(bench, job_id) == "done"


def test_what_kling_will_delete_soonest_is_saved_first(bench):
    old, young = run(bench)[0], run(bench)[0]
    finish(bench, old, young)
    bench.time += 30
    bench.pipeline.engine.client.download = lambda *_, **__: (_ for _ in ()).throw(OSError("full"))
    assert bench.pipeline.tick() == [old, young]
    bench.pipeline.advance(old)
    bench.time += 600
    assert bench.pipeline.tick() == [old, young], "by age, not by who has waited longest"


def test_a_result_is_fetched_although_the_answer_named_another_task(bench):
    """A link has died, and the id that the create was told leads to nothing: ours leads there."""
    [job_id] = run(bench)
    finish(bench, job_id)
    bench.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = '1' WHERE id = ?", [job_id])
    )
    downloads = []
    download = bench.kling.download

    def dying(url, target, *, cap, on_bytes=None):
        downloads.append(url)
        if len(downloads) == 1:
            # What the poll had mended is spoiled again, as by one more hostile answer.
            bench.store.write(
                lambda db: db.execute(
                    "UPDATE job SET provider_task_id = '1' WHERE id = ?", [job_id]
                )
            )
            raise ResultError("gone", code="result_expired")
        return download(url, target, cap=cap, on_bytes=on_bytes)

    bench.kling.download = dying
    bench.turns(6, 10)
    assert state(bench, job_id) == "done"
    assert len(downloads) == 2
    assert bench.row(job_id)["tries"] == 0, "by fresh links, in the same attempt"


def test_two_jobs_that_were_told_the_same_task_both_end_with_their_own(bench):
    first, second = run(bench, 2)
    told = bench.row(first)["provider_task_id"]
    bench.store.write(lambda db: db.execute("UPDATE job SET provider_task_id = NULL"))
    bench.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [told, second])
    )
    finish(bench, first, second)
    bench.turns(4, 10)
    for one in (first, second):
        row = bench.row(one)
        task = bench.kling.tasks[row["provider_task_id"]]
        assert (row["state"], task["external"]) == ("done", row["external_task_id"])
