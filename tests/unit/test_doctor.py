"""The doctor: each thing it finds has a code, figures and a way to mend it, and words in both languages."""

from __future__ import annotations

import pytest

from kling_pipeline.doctor import ISSUES, examine, to_sentences
from kling_pipeline.errors import CreditError, InputError, NotFound
from kling_pipeline.jobs.external_ids import installation_mark
from kling_pipeline.storage import ledger
from kling_pipeline.storage.store import get_meta
from tests.unit.conftest import Harness, refusal
from ui.words import LANGUAGES, read_words


def codes(harness: Harness, kind: str = "warnings", *, ask_kling: bool = True) -> dict[str, dict]:
    return {one["code"]: one for one in examine(harness.engine, ask_kling=ask_kling)[kind]}


def test_well_is_empty(harness: Harness) -> None:
    harness.submit()
    told = to_sentences(examine(harness.engine))
    assert list(told) == ["jobs", "audit", "problems", "warnings"]
    assert (told["jobs"], told["audit"], told["problems"]) == ({"queued": 1}, "ok", [])
    [warning] = told["warnings"]
    assert warning.startswith("No worker is running")


def test_a_file_that_is_gone_or_grown_is_damage(harness: Harness) -> None:
    harness.submit()
    harness.ticks(3)
    harness.kling.finish()
    harness.ticks(3, 10)
    file = next(path for path in harness.engine.assets.rglob("*.mp4"))
    data = file.read_bytes()
    file.write_bytes(data + b"x")
    assert codes(harness, "problems")["file_size"]["figures"]["asset"].startswith("as_")
    file.unlink()
    sign = codes(harness, "problems")["file_missing"]
    assert "30 days" in sign["next"]
    assert sign["figures"]["path"] in sign["message"]


def test_of_many_takes_that_wait_for_their_owner_the_rest_is_counted(harness: Harness) -> None:
    harness.submit(23)
    harness.store.write(
        lambda db: db.execute(
            "UPDATE job SET state = 'saving', error = ?", ['{"message": "The file is cut."}']
        )
    )
    told = [one for one in examine(harness.engine)["warnings"] if "undecided" in one["code"]]
    assert [one["code"] for one in told] == ["undecided"] * 20 + ["undecided_more"]
    assert told[-1]["figures"] == {"n": 3}
    harness.store.write(lambda db: db.execute("UPDATE job SET error = NULL WHERE seq % 2"))
    left = [one["code"] for one in examine(harness.engine)["warnings"]]
    assert "undecided_more" not in left


def test_a_task_that_no_job_waits_for_is_named_with_its_id(harness: Harness) -> None:
    with harness.store.read() as db:
        mark = installation_mark(get_meta(db, "secret"))
    lost = harness.kling.add(f"{mark}-lost")
    harness.kling.add("somebody-else")
    sign = codes(harness, "problems")["orphan"]
    assert sign["figures"]["task"] == lost
    assert codes(harness, "problems", ask_kling=False) == {}


def test_a_kling_that_is_away_is_asked_once_and_no_more(harness: Harness) -> None:
    harness.kling.unreachable = True
    assert {"kling", "orphans_unseen"} <= codes(harness).keys()
    assert codes(harness, "problems") == {}


def test_the_pause_and_the_learned_places_are_told(harness: Harness) -> None:
    harness.submit()
    harness.tick()
    harness.kling.script = [refusal("busy", service_code=1303)]
    [job_id] = harness.submit()
    harness.tick()
    [pool] = examine(harness.engine)["pools"]
    assert (pool["cap"], pool["used"]) == (1, 1)
    harness.kling.finish()
    harness.kling.script = [refusal("account", service_code=1102)] * 9
    harness.ticks(3, 40)
    assert harness.job(job_id)["status"]["code"] == "paused"
    assert codes(harness)["paused"]["figures"]["code"] == "kling_1102"


def test_a_clock_that_is_off_is_told_in_seconds(harness: Harness) -> None:
    harness.kling.skew = 61.4
    assert codes(harness)["skew"]["figures"] == {"seconds": 61}


def test_a_clock_that_is_off_is_told_when_every_answer_is_a_refusal(harness: Harness) -> None:
    harness.kling.unreachable = True
    harness.kling.skew = 3600
    assert list(codes(harness)) == ["no_worker", "skew", "kling", "orphans_unseen"]
    assert codes(harness)["skew"]["figures"] == {"seconds": 3600}
    harness.kling.skew = 1.9
    assert "skew" not in codes(harness)


@pytest.mark.parametrize("code", [1003, 1004])
def test_a_pause_names_the_clock_where_it_was_measured(harness: Harness, code: int) -> None:
    harness.kling.script = [refusal("token", service_code=code)] * 20
    harness.submit()
    harness.ticks(3)
    assert "Check the clock of this machine" in harness.pipeline.notice()
    harness.kling.skew = 3600
    harness.ticks(3, 200)
    assert "This clock and Kling's differ by 3600 s" in harness.pipeline.notice()
    assert harness.pipeline.jobs_since(harness.owner, 0)["notice"]["clock"] == 3600


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", ISSUES)
def test_every_sign_has_words(code: str, lang: str) -> None:
    assert {f"doctor.{code}.what", f"doctor.{code}.next"} <= read_words(lang).keys()


def test_a_done_take_whose_answer_named_another_task_is_no_orphan(harness: Harness) -> None:
    [job_id] = harness.submit()
    harness.ticks(3)
    harness.kling.finish()
    harness.ticks(3, 10)
    assert harness.job(job_id)["state"] == "done"
    harness.store.write(lambda db: db.execute("UPDATE job SET provider_task_id = NULL"))
    assert codes(harness, "problems") == {}


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_a_task_whose_take_was_given_up_is_an_orphan(harness: Harness, state: str) -> None:
    harness.kling.script = [refusal("refused")] if state == "failed" else []
    [job_id] = harness.submit()
    if state == "canceled":
        harness.pipeline.cancel(harness.owner, job_id)
    harness.ticks(3)
    assert harness.job(job_id)["state"] == state
    lost = harness.kling.add(harness.row(job_id)["external_task_id"])
    assert codes(harness, "problems")["orphan"]["figures"]["task"] == lost


def given_up(harness: Harness) -> tuple[str, str]:
    """A take of unknown outcome that its owner gave up, and the task that turned up afterwards."""
    harness.kling.script = ["lost"]
    [job_id] = harness.submit(duration="10")
    harness.tick()
    harness.store.write(lambda db: db.execute("UPDATE job SET state = 'unknown', next_at = NULL"))
    harness.pipeline.cancel(harness.owner, job_id)
    return job_id, codes(harness, "problems")["orphan"]["figures"]["task"]


def test_what_was_given_up_and_turned_up_is_taken_up_once_at_its_price(harness: Harness) -> None:
    old, task = given_up(harness)
    price = harness.job(old)["price"]
    assert codes(harness, "problems")["orphan"]["figures"]["price"] == price
    made = harness.pipeline.adopt_orphan(harness.owner, task)
    assert (made["state"], made["provider_task_id"], made["price"]) == ("running", task, price)
    assert (made["params"], made["take"]) == (harness.job(old)["params"], "2A")
    with pytest.raises(NotFound):
        harness.pipeline.adopt_orphan(harness.owner, task)
    harness.kling.finish()
    harness.ticks(4, 10)
    assert harness.job(made["id"])["state"] == "done"
    assert harness.job(old)["state"] == "canceled"
    assert harness.credits()[1:] == (0, price)
    assert codes(harness, "problems") == {}
    assert len(harness.kling.creates) == 1


def test_what_no_store_remembers_costs_what_kling_took(harness: Harness) -> None:
    with harness.store.read() as db:
        mark = installation_mark(get_meta(db, "secret"))
    lost = harness.kling.add(f"{mark}-lost", "/v1/videos/text2video")
    assert codes(harness, "problems")["orphan"]["figures"]["price"] is None
    with pytest.raises(InputError, match="when it is done"):
        harness.pipeline.adopt_orphan(harness.owner, lost)
    harness.kling.finish()
    made = harness.pipeline.adopt_orphan(harness.owner, lost)
    assert (made["capability"], made["params"], made["price"]) == ("text_to_video", {}, 210)
    harness.ticks(4, 10)
    assert harness.job(made["id"])["state"] == "done"
    assert harness.credits()[1:] == (0, 210)


def test_only_what_is_ours_and_lost_is_taken_up_and_only_for_enough_credits(
    harness: Harness,
) -> None:
    old, task = given_up(harness)
    foreign = harness.kling.add("somebody-else")
    for wrong in (foreign, "800000000000009999", ""):
        with pytest.raises(NotFound):
            harness.pipeline.adopt_orphan(harness.owner, wrong)
    with pytest.raises(NotFound):
        harness.pipeline.adopt_orphan("another", task)
    left = harness.credits()[0] - harness.job(old)["price"] + 1
    harness.store.write(lambda db: ledger.charge(db, harness.owner, "elsewhere", left, "kling_t2v"))
    with pytest.raises(CreditError):
        harness.pipeline.adopt_orphan(harness.owner, task)
    assert harness.row(old)["external_task_id"] == harness.kling.creates[0][0]
    assert len(harness.pipeline.all_jobs(harness.owner)) == 1
