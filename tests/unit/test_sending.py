"""No answer of Kling, and no silence, makes a job cost twice or get lost."""

from __future__ import annotations

import pytest

from kling_pipeline.jobs.job import find_job
from kling_pipeline.jobs.reconcile import check
from kling_pipeline.jobs.send import send
from kling_pipeline.kling.dialects import Page
from tests.unit.conftest import Bench, refusal

OPENING = 20_000


def state(bench: Bench, job_id: str) -> str:
    return bench.job(job_id)["state"]


def test_a_good_answer_runs_the_job(bench):
    (job_id,) = bench.submit()
    bench.turn()
    job = bench.job(job_id)
    assert (job["state"], job["progress"]) == ("running", 20)
    assert job["provider_task_id"] in bench.kling.tasks
    assert bench.credits() == (OPENING - 210, 210, 0)


def test_the_intent_is_written_before_the_request(bench):
    (job_id,) = bench.submit()
    seen = []
    create = bench.kling.create

    def spy(route, body, *, expires, timeout):
        row = bench.row(job_id)
        seen.append((row["state"], row["external_task_id"], row["fence_until"], expires))
        return create(route, body, expires=expires, timeout=timeout)

    bench.kling.create = spy
    bench.turn()
    ((at, external, fence, expires),) = seen
    assert at == "sending"
    assert external == bench.kling.creates[0][0]
    assert fence == expires + 2
    assert expires == pytest.approx(bench.time + 60, abs=1)


@pytest.mark.parametrize("verdict", ["refused"])
def test_a_refusal_of_the_request_fails_and_refunds(bench, verdict):
    bench.kling.script = [refusal(verdict, "prompt is bad", service_code=1301)]
    (job_id,) = bench.submit()
    bench.turn()
    job = bench.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "kling_1301")
    assert job["error"]["message"] == "prompt is bad"
    assert bench.credits() == (OPENING, 0, 0)


def test_a_lost_answer_is_found_and_adopted_without_a_second_create(bench):
    bench.kling.script = ["lost"]
    (job_id,) = bench.submit()
    bench.turn()
    assert state(bench, job_id) == "checking"
    bench.turns(4)
    assert state(bench, job_id) == "running"
    assert len(bench.kling.creates) == 1
    assert bench.credits() == (OPENING - 210, 210, 0)


def test_absence_counts_only_after_the_fence_and_twice(bench):
    bench.kling.script = [refusal("uncertain")]
    (job_id,) = bench.submit()
    bench.turn()
    fence = bench.row(job_id)["fence_until"]
    while bench.time < fence - 1.5:
        bench.turn()
        assert state(bench, job_id) == "checking", "not found before the fence proves nothing"
    assert len(bench.kling.creates) == 1
    bench.turns(10)
    assert state(bench, job_id) == "running"
    (first, _), (second, _) = bench.kling.creates
    assert first == second, "the same external id, so that a late first copy is refused"


def test_a_task_that_turns_up_late_is_adopted_not_sent_again(bench):
    bench.kling.script = [refusal("uncertain")]
    (job_id,) = bench.submit()
    bench.turn()
    bench.turns(20)
    bench.kling.add(bench.row(job_id)["external_task_id"])
    bench.turns(10)
    assert state(bench, job_id) == "running"
    assert len(bench.kling.creates) == 1


def test_one_look_after_the_fence_is_not_yet_proof(bench):
    """Kling's own parts may be a moment apart: the task is there at the second look."""
    bench.kling.script = ["lost"]
    (job_id,) = bench.submit()
    find, looks = bench.kling.find, []

    def slow(route, external):
        looks.append(bench.time)
        if len([at for at in looks if at > bench.row(job_id)["fence_until"]]) < 2:
            raise refusal("absent")
        return find(route, external)

    bench.kling.find, bench.kling.look_many = slow, lambda *_: Page()
    bench.turns(90)
    assert state(bench, job_id) == "running"
    assert len(bench.kling.creates) == 1


def test_a_clock_that_differs_moves_the_fence(bench):
    bench.kling.skew = 3600
    bench.kling.script = [refusal("uncertain")]
    (job_id,) = bench.submit()
    bench.turn()
    bench.turns(300, 10)
    assert state(bench, job_id) == "checking"
    bench.turns(80, 10)
    assert state(bench, job_id) == "running"


def test_an_id_that_exists_is_adopted(bench):
    (job_id,) = bench.submit()
    task = bench.kling.add(bench.row(job_id)["external_task_id"])
    bench.turns(3)
    assert state(bench, job_id) == "running"
    assert bench.job(job_id)["provider_task_id"] == task
    assert len(bench.kling.tasks) == 1


@pytest.mark.parametrize(("verdict", "code"), [("account", 1002), ("account", 1102)])
def test_a_refusal_of_the_account_pauses_everything_and_charges_nothing(bench, verdict, code):
    bench.kling.script = [refusal(verdict, "no", service_code=code)] * 2
    ids = bench.submit(3)
    bench.turn()
    notice = bench.pipeline.jobs_since("local", 0)["notice"]
    assert notice["code"] == f"kling_{code}"
    assert notice["next"]
    asked = len(bench.kling.creates)
    bench.turns(10)
    assert len(bench.kling.creates) == asked, "nothing is sent while paused"
    assert {state(bench, one) for one in ids} == {"queued"}
    bench.turns(60, 5)
    assert {state(bench, one) for one in ids} == {"running"}, "it goes on by itself"
    assert "notice" not in bench.pipeline.jobs_since("local", 0)
    assert bench.credits() == (OPENING - 630, 630, 0)


def test_a_token_out_of_time_is_signed_anew_once(bench):
    bench.kling.script = [refusal("token", service_code=1004)]
    (job_id,) = bench.submit()
    bench.turn()
    assert state(bench, job_id) == "running"
    assert len(bench.kling.creates) == 2


@pytest.mark.parametrize("before", ["busy", "account"])
def test_a_job_that_was_sent_before_is_signed_anew_as_well(bench, before):
    bench.kling.script = [refusal(before), refusal("token", service_code=1004)]
    (job_id,) = bench.submit()
    bench.turns(40)
    assert state(bench, job_id) == "running"
    assert len(bench.kling.creates) == 3
    first, second, third = (expires for _, expires in bench.kling.creates)
    assert first < second <= third <= second + 1, "at once, without a pause of everybody"


def test_a_token_refused_twice_pauses(bench):
    bench.kling.script = [refusal("token", service_code=1003)] * 2
    (job_id,) = bench.submit()
    bench.turn()
    assert state(bench, job_id) == "queued"
    assert "notice" in bench.pipeline.jobs_since("local", 0)


def test_what_never_left_the_machine_is_simply_sent_later(bench):
    bench.kling.script = [refusal("uncertain", sent=False)]
    (job_id,) = bench.submit()
    bench.turn()
    assert state(bench, job_id) == "queued"
    bench.turns(5)
    assert state(bench, job_id) == "running"


def test_an_api_key_that_cannot_be_fenced_waits_fifteen_minutes(bench):
    bench.kling.unfenced = True
    bench.kling.script = [refusal("uncertain")]
    (job_id,) = bench.submit()
    bench.turn()
    bench.turns(14 * 60 // 10, 10)
    assert state(bench, job_id) == "checking"
    bench.turns(20, 10)
    assert state(bench, job_id) == "running", (
        "text to video refuses a repeated id: a second send is safe"
    )


def test_where_a_repeat_may_bill_twice_the_owner_decides(bench):
    bench.kling.unfenced = True
    bench.kling.script = [refusal("uncertain")]
    params = {"prompt": "a boat", "image": "https://example.com/a.png"}
    (job,) = bench.pipeline.submit("local", "image_to_video", params).jobs
    bench.turn()
    bench.turns(100, 10)
    assert state(bench, job.id) == "unknown"
    assert bench.credits() == (OPENING - 210, 210, 0), "held, not lost"
    assert len(bench.kling.creates) == 1
    bench.kling.add(job.external_task_id)
    bench.turns(3, 60)
    assert state(bench, job.id) == "running", "it leaves unknown by itself when the task turns up"


def test_the_owner_may_release_or_send_an_unknown_one_again(bench):
    bench.kling.unfenced = True
    bench.kling.script = [refusal("uncertain"), refusal("uncertain")]
    params = {"prompt": "a boat", "image": "https://example.com/a.png"}
    jobs = bench.pipeline.submit("local", "image_to_video", params, variant_count=2).jobs
    bench.turn()
    bench.turns(100, 10)
    bench.pipeline.cancel("local", jobs[0].id)
    assert state(bench, jobs[0].id) == "canceled"
    bench.pipeline.retry("local", jobs[1].id)
    bench.turn()
    assert state(bench, jobs[1].id) == "running"
    assert bench.credits() == (OPENING - 210, 210, 0)


def test_the_slow_hand_of_a_stopped_process_changes_nothing(bench):
    """A process that slept through its lease wakes up after another one has moved the job."""
    bench.kling.script = ["lost"]
    (job_id,) = bench.submit()
    with bench.store.read() as db:
        queued = find_job(db, job_id)
    bench.turn()
    with bench.store.read() as db:
        doubtful = find_job(db, job_id)
    other = bench.make_engine()
    check(other, doubtful)
    assert state(bench, job_id) == "running"
    version = bench.row(job_id)["version"]
    send(bench.engine, queued)
    check(bench.engine, doubtful)
    assert len(bench.kling.creates) == 1
    assert bench.row(job_id)["version"] == version


def test_cancel_while_queued_releases_and_nothing_is_sent(bench):
    (job_id,) = bench.submit()
    assert bench.pipeline.cancel("local", job_id)["state"] == "canceled"
    bench.turns(3)
    assert bench.kling.creates == []
    assert bench.credits() == (OPENING, 0, 0)


def test_cancel_after_sending_is_a_wish_and_a_failure_then_ends_canceled(bench):
    (job_id,) = bench.submit()
    bench.turn()
    job = bench.pipeline.cancel("local", job_id)
    assert (job["state"], job["cancel_asked"]) == ("running", True)
    bench.kling.finish("failed", "stopped")
    bench.turns(10)
    assert state(bench, job_id) == "canceled"
    assert bench.credits() == (OPENING, 0, 0)


def test_a_wish_to_cancel_while_kling_answers_drops_nothing(bench):
    (job_id,) = bench.submit()
    create = bench.kling.create

    def meanwhile(*args, **more):
        task = create(*args, **more)
        bench.pipeline.cancel("local", job_id)
        return task

    bench.kling.create = meanwhile
    bench.turn()
    assert state(bench, job_id) == "running", "the answer to a paid request is kept"
    assert bench.job(job_id)["cancel_asked"]
    bench.kling.finish()
    bench.turns(2, 5)
    assert state(bench, job_id) == "done"


def test_a_wish_to_cancel_that_comes_while_kling_is_asked_ends_a_failure_as_canceled(bench):
    (job_id,) = bench.submit()
    bench.turn()
    bench.kling.finish("failed", "no")
    look_many = bench.kling.look_many

    def meanwhile(*args):
        bench.pipeline.cancel("local", job_id)
        return look_many(*args)

    bench.kling.look_many = meanwhile
    bench.turn(5)
    assert state(bench, job_id) == "canceled"


def test_an_id_that_was_told_to_two_jobs_belongs_to_the_one_it_names(bench):
    """A hostile answer gives one job the task of another; the other must not be stuck for it."""
    bench.kling.script = [refusal("uncertain"), refusal("uncertain")]
    first, second = bench.submit(2)
    bench.turn()
    task = bench.kling.add(bench.row(second)["external_task_id"])
    bench.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [task, first])
    )
    bench.turns(4)
    assert state(bench, second) == "running"
    assert bench.row(second)["provider_task_id"] == task
    assert bench.row(first)["provider_task_id"] is None


FACES = {"session_id": "s-1", "face_data": [{"face_id": "0", "start_time": 0, "end_time": 4000}]}
SPEECH = {"task_result": {"audios": [{"id": "a-1", "duration": "3"}]}}


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        ("/v1/videos/identify-face", {**FACES, "face_data": "faces"}),
        ("/v1/videos/identify-face", {**FACES, "face_data": [7]}),
        ("/v1/videos/identify-face", {**FACES, "face_data": [{"face_id": 1, "end_time": "soon"}]}),
        ("/v1/videos/identify-face", {**FACES, "face_data": {"face_id": 1}}),
        ("/v1/audio/tts", {"task_result": [SPEECH]}),
        ("/v1/audio/tts", {"task_result": {"audios": [{"id": "a-1", "duration": "long"}]}}),
    ],
)
def test_a_step_that_cannot_be_read_is_made_again_without_waiting_for_a_lease(bench, path, odd):
    good, asked = {"/v1/videos/identify-face": FACES, "/v1/audio/tts": SPEECH}, []

    def ask(at, body, timeout=None):
        asked.append(at)
        return odd if at == path and asked.count(at) == 1 else good[at]

    bench.kling.ask = ask
    params = {"video": "https://v.example.com/a.mp4", "text": "Hello there.", "voice_id": "uk_man2"}
    (job,) = bench.pipeline.submit("local", "lip_sync", params).jobs
    bench.turn()
    assert (state(bench, job.id), bench.row(job.id)["lease_owner"]) == ("queued", None)
    bench.turns(4)
    assert state(bench, job.id) == "running"
    assert asked.count(path) == 2
