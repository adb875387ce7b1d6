"""No answer of Kling, and no silence, makes a job cost twice or get lost."""

from __future__ import annotations

import pytest

from kling_pipeline.jobs.job import find_job
from kling_pipeline.jobs.reconcile import check
from kling_pipeline.jobs.send import send
from kling_pipeline.kling.dialects import Page
from tests.unit.conftest import Harness, refusal

OPENING = 20_000


def state(harness: Harness, job_id: str) -> str:
    return harness.job(job_id)["state"]


def test_a_good_answer_runs_the_job(harness):
    (job_id,) = harness.submit()
    harness.tick()
    job = harness.job(job_id)
    assert (job["state"], job["progress"]) == ("running", 20)
    assert job["provider_task_id"] in harness.kling.tasks
    assert harness.credits() == (OPENING - 210, 210, 0)


def test_the_intent_is_written_before_the_request(harness):
    (job_id,) = harness.submit()
    seen = []
    create = harness.kling.create

    def spy(route, body, *, expires, timeout):
        row = harness.row(job_id)
        seen.append((row["state"], row["external_task_id"], row["fence_until"], expires))
        return create(route, body, expires=expires, timeout=timeout)

    harness.kling.create = spy
    harness.tick()
    ((at, external, fence, expires),) = seen
    assert at == "sending"
    assert external == harness.kling.creates[0][0]
    assert fence == expires + 2
    assert expires == pytest.approx(harness.time + 60, abs=1)


@pytest.mark.parametrize("verdict", ["refused"])
def test_a_refusal_of_the_request_fails_and_refunds(harness, verdict):
    harness.kling.script = [refusal(verdict, "prompt is bad", service_code=1301)]
    (job_id,) = harness.submit()
    harness.tick()
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "kling_1301")
    assert job["error"]["message"] == "prompt is bad"
    assert harness.credits() == (OPENING, 0, 0)


def test_a_lost_answer_is_found_and_adopted_without_a_second_create(harness):
    harness.kling.script = ["lost"]
    (job_id,) = harness.submit()
    harness.tick()
    assert state(harness, job_id) == "checking"
    harness.ticks(4)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1
    assert harness.credits() == (OPENING - 210, 210, 0)


def test_absence_counts_only_after_the_fence_and_twice(harness):
    harness.kling.script = [refusal("uncertain")]
    (job_id,) = harness.submit()
    harness.tick()
    fence = harness.row(job_id)["fence_until"]
    while harness.time < fence - 1.5:
        harness.tick()
        assert state(harness, job_id) == "checking", "not found before the fence proves nothing"
    assert len(harness.kling.creates) == 1
    harness.ticks(10)
    assert state(harness, job_id) == "running"
    (first, _), (second, _) = harness.kling.creates
    assert first == second, "the same external id, so that a late first copy is refused"


def test_a_task_that_turns_up_late_is_adopted_not_sent_again(harness):
    harness.kling.script = [refusal("uncertain")]
    (job_id,) = harness.submit()
    harness.tick()
    harness.ticks(20)
    harness.kling.add(harness.row(job_id)["external_task_id"])
    harness.ticks(10)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1


def test_one_look_after_the_fence_is_not_yet_proof(harness):
    """Kling's own parts may be a moment apart: the task is there at the second look."""
    harness.kling.script = ["lost"]
    (job_id,) = harness.submit()
    find, looks = harness.kling.find, []

    def slow(route, external):
        looks.append(harness.time)
        if len([at for at in looks if at > harness.row(job_id)["fence_until"]]) < 2:
            raise refusal("absent")
        return find(route, external)

    harness.kling.find, harness.kling.look_many = slow, lambda *_: Page()
    harness.ticks(90)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 1


def test_a_clock_that_differs_moves_the_fence(harness):
    harness.kling.skew = 3600
    harness.kling.script = [refusal("uncertain")]
    (job_id,) = harness.submit()
    harness.tick()
    harness.ticks(300, 10)
    assert state(harness, job_id) == "checking"
    harness.ticks(80, 10)
    assert state(harness, job_id) == "running"


def test_an_id_that_exists_is_adopted(harness):
    (job_id,) = harness.submit()
    task = harness.kling.add(harness.row(job_id)["external_task_id"])
    harness.ticks(3)
    assert state(harness, job_id) == "running"
    assert harness.job(job_id)["provider_task_id"] == task
    assert len(harness.kling.tasks) == 1


@pytest.mark.parametrize(("verdict", "code"), [("account", 1002), ("account", 1102)])
def test_a_refusal_of_the_account_pauses_everything_and_charges_nothing(harness, verdict, code):
    harness.kling.script = [refusal(verdict, "no", service_code=code)] * 2
    ids = harness.submit(3)
    harness.tick()
    notice = harness.pipeline.jobs_since("local", 0)["notice"]
    assert notice["code"] == f"kling_{code}"
    assert notice["next"]
    asked = len(harness.kling.creates)
    harness.ticks(10)
    assert len(harness.kling.creates) == asked, "nothing is sent while paused"
    assert {state(harness, one) for one in ids} == {"queued"}
    harness.ticks(60, 5)
    assert {state(harness, one) for one in ids} == {"running"}, "it goes on by itself"
    assert "notice" not in harness.pipeline.jobs_since("local", 0)
    assert harness.credits() == (OPENING - 630, 630, 0)


def test_a_token_out_of_time_is_signed_anew_once(harness):
    harness.kling.script = [refusal("token", service_code=1004)]
    (job_id,) = harness.submit()
    harness.tick()
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 2


@pytest.mark.parametrize("before", ["busy", "account"])
def test_a_job_that_was_sent_before_is_signed_anew_as_well(harness, before):
    harness.kling.script = [refusal(before), refusal("token", service_code=1004)]
    (job_id,) = harness.submit()
    harness.ticks(40)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.creates) == 3
    first, second, third = (expires for _, expires in harness.kling.creates)
    assert first < second <= third <= second + 1, "at once, without a pause of everybody"


def test_a_token_refused_twice_pauses(harness):
    harness.kling.script = [refusal("token", service_code=1003)] * 2
    (job_id,) = harness.submit()
    harness.tick()
    assert state(harness, job_id) == "queued"
    assert "notice" in harness.pipeline.jobs_since("local", 0)


def test_what_never_left_the_machine_is_simply_sent_later(harness):
    harness.kling.script = [refusal("uncertain", sent=False)]
    (job_id,) = harness.submit()
    harness.tick()
    assert state(harness, job_id) == "queued"
    harness.ticks(5)
    assert state(harness, job_id) == "running"


def test_an_api_key_that_cannot_be_fenced_waits_fifteen_minutes(harness):
    harness.kling.unfenced = True
    harness.kling.script = [refusal("uncertain")]
    (job_id,) = harness.submit()
    harness.tick()
    harness.ticks(14 * 60 // 10, 10)
    assert state(harness, job_id) == "checking"
    harness.ticks(20, 10)
    assert state(harness, job_id) == "running", (
        "text to video refuses a repeated id: a second send is safe"
    )


def test_where_a_repeat_may_bill_twice_the_owner_decides(harness):
    harness.kling.unfenced = True
    harness.kling.script = [refusal("uncertain")]
    params = {"prompt": "a boat", "image": "https://example.com/a.png"}
    (job,) = harness.pipeline.submit("local", "image_to_video", params).jobs
    harness.tick()
    harness.ticks(100, 10)
    assert state(harness, job.id) == "unknown"
    assert harness.credits() == (OPENING - 210, 210, 0), "held, not lost"
    assert len(harness.kling.creates) == 1
    harness.kling.add(job.external_task_id)
    harness.ticks(3, 60)
    assert state(harness, job.id) == "running", "it leaves unknown by itself when the task turns up"


def test_the_owner_may_release_or_send_an_unknown_one_again(harness):
    harness.kling.unfenced = True
    harness.kling.script = [refusal("uncertain"), refusal("uncertain")]
    params = {"prompt": "a boat", "image": "https://example.com/a.png"}
    jobs = harness.pipeline.submit("local", "image_to_video", params, variant_count=2).jobs
    harness.tick()
    harness.ticks(100, 10)
    harness.pipeline.cancel("local", jobs[0].id)
    assert state(harness, jobs[0].id) == "canceled"
    harness.pipeline.retry("local", jobs[1].id)
    harness.tick()
    assert state(harness, jobs[1].id) == "running"
    assert harness.credits() == (OPENING - 210, 210, 0)


def test_the_slow_hand_of_a_stopped_process_changes_nothing(harness):
    """A process that slept through its lease wakes up after another one has moved the job."""
    harness.kling.script = ["lost"]
    (job_id,) = harness.submit()
    with harness.store.read() as db:
        queued = find_job(db, job_id)
    harness.tick()
    with harness.store.read() as db:
        doubtful = find_job(db, job_id)
    other = harness.make_engine()
    check(other, doubtful)
    assert state(harness, job_id) == "running"
    version = harness.row(job_id)["version"]
    send(harness.engine, queued)
    check(harness.engine, doubtful)
    assert len(harness.kling.creates) == 1
    assert harness.row(job_id)["version"] == version


def test_cancel_while_queued_releases_and_nothing_is_sent(harness):
    (job_id,) = harness.submit()
    assert harness.pipeline.cancel("local", job_id)["state"] == "canceled"
    harness.ticks(3)
    assert harness.kling.creates == []
    assert harness.credits() == (OPENING, 0, 0)


def test_cancel_after_sending_is_a_wish_and_a_failure_then_ends_canceled(harness):
    (job_id,) = harness.submit()
    harness.tick()
    job = harness.pipeline.cancel("local", job_id)
    assert (job["state"], job["cancel_asked"]) == ("running", True)
    harness.kling.finish("failed", "stopped")
    harness.ticks(10)
    assert state(harness, job_id) == "canceled"
    assert harness.credits() == (OPENING, 0, 0)


def test_a_wish_to_cancel_while_kling_answers_drops_nothing(harness):
    (job_id,) = harness.submit()
    create = harness.kling.create

    def meanwhile(*args, **more):
        task = create(*args, **more)
        harness.pipeline.cancel("local", job_id)
        return task

    harness.kling.create = meanwhile
    harness.tick()
    assert state(harness, job_id) == "running", "the answer to a paid request is kept"
    assert harness.job(job_id)["cancel_asked"]
    harness.kling.finish()
    harness.ticks(2, 5)
    assert state(harness, job_id) == "done"


def test_a_wish_to_cancel_that_comes_while_kling_is_asked_ends_a_failure_as_canceled(harness):
    (job_id,) = harness.submit()
    harness.tick()
    harness.kling.finish("failed", "no")
    look_many = harness.kling.look_many

    def meanwhile(*args):
        harness.pipeline.cancel("local", job_id)
        return look_many(*args)

    harness.kling.look_many = meanwhile
    harness.tick(5)
    assert state(harness, job_id) == "canceled"


def test_an_id_that_was_told_to_two_jobs_belongs_to_the_one_it_names(harness):
    """A hostile answer gives one job the task of another; the other must not be stuck for it."""
    harness.kling.script = [refusal("uncertain"), refusal("uncertain")]
    first, second = harness.submit(2)
    harness.tick()
    task = harness.kling.add(harness.row(second)["external_task_id"])
    harness.store.write(
        lambda db: db.execute("UPDATE job SET provider_task_id = ? WHERE id = ?", [task, first])
    )
    harness.ticks(4)
    assert state(harness, second) == "running"
    assert harness.row(second)["provider_task_id"] == task
    assert harness.row(first)["provider_task_id"] is None


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
def test_a_step_that_cannot_be_read_is_made_again_without_waiting_for_a_lease(harness, path, odd):
    good, asked = {"/v1/videos/identify-face": FACES, "/v1/audio/tts": SPEECH}, []

    def ask(at, body, timeout=None):
        asked.append(at)
        return odd if at == path and asked.count(at) == 1 else good[at]

    harness.kling.ask = ask
    params = {"video": "https://v.example.com/a.mp4", "text": "Hello there.", "voice_id": "uk_man2"}
    (job,) = harness.pipeline.submit("local", "lip_sync", params).jobs
    harness.tick()
    assert (state(harness, job.id), harness.row(job.id)["lease_owner"]) == ("queued", None)
    harness.ticks(4)
    assert state(harness, job.id) == "running"
    assert asked.count(path) == 2
