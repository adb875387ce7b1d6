"""The doctor: each thing it finds has a code, figures and a way to mend it, and words in both languages."""

from __future__ import annotations

import pytest

from kling_pipeline.doctor import SIGNS, examine, put_in_sentences
from kling_pipeline.errors import CreditError, InputError, NotFound
from kling_pipeline.jobs.external_ids import installation_mark
from kling_pipeline.storage import ledger
from kling_pipeline.storage.store import get_meta
from tests.unit.conftest import Bench, refusal
from ui.words import LANGUAGES, read_words


def codes(bench: Bench, kind: str = "warnings", *, ask_kling: bool = True) -> dict[str, dict]:
    return {one["code"]: one for one in examine(bench.engine, ask_kling=ask_kling)[kind]}


def test_well_is_empty(bench: Bench) -> None:
    bench.submit()
    told = put_in_sentences(examine(bench.engine))
    assert list(told) == ["jobs", "audit", "problems", "warnings"]
    assert (told["jobs"], told["audit"], told["problems"]) == ({"queued": 1}, "ok", [])
    [warning] = told["warnings"]
    assert warning.startswith("No worker is running")


def test_a_file_that_is_gone_or_grown_is_damage(bench: Bench) -> None:
    bench.submit()
    bench.turns(3)
    bench.kling.finish()
    bench.turns(3, 10)
    file = next(path for path in bench.engine.assets.rglob("*.mp4"))
    data = file.read_bytes()
    file.write_bytes(data + b"x")
    assert codes(bench, "problems")["file_size"]["figures"]["asset"].startswith("as_")
    file.unlink()
    sign = codes(bench, "problems")["file_missing"]
    assert "30 days" in sign["next"]
    assert sign["figures"]["path"] in sign["message"]


def test_of_many_takes_that_wait_for_their_owner_the_rest_is_counted(bench: Bench) -> None:
    bench.submit(23)
    bench.store.write(
        lambda db: db.execute(
            "UPDATE job SET state = 'saving', error = ?", ['{"message": "The file is cut."}']
        )
    )
    told = [one for one in examine(bench.engine)["warnings"] if "undecided" in one["code"]]
    assert [one["code"] for one in told] == ["undecided"] * 20 + ["undecided_more"]
    assert told[-1]["figures"] == {"n": 3}
    bench.store.write(lambda db: db.execute("UPDATE job SET error = NULL WHERE seq % 2"))
    left = [one["code"] for one in examine(bench.engine)["warnings"]]
    assert "undecided_more" not in left


def test_a_task_that_no_job_waits_for_is_named_with_its_id(bench: Bench) -> None:
    with bench.store.read() as db:
        mark = installation_mark(get_meta(db, "secret"))
    lost = bench.kling.add(f"{mark}-lost")
    bench.kling.add("somebody-else")
    sign = codes(bench, "problems")["orphan"]
    assert sign["figures"]["task"] == lost
    assert codes(bench, "problems", ask_kling=False) == {}


def test_a_kling_that_is_away_is_asked_once_and_no_more(bench: Bench) -> None:
    bench.kling.unreachable = True
    assert {"kling", "orphans_unseen"} <= codes(bench).keys()
    assert codes(bench, "problems") == {}


def test_the_pause_and_the_learned_places_are_told(bench: Bench) -> None:
    bench.submit()
    bench.turn()
    bench.kling.script = [refusal("busy", service_code=1303)]
    [job_id] = bench.submit()
    bench.turn()
    [pool] = examine(bench.engine)["pools"]
    assert (pool["cap"], pool["used"]) == (1, 1)
    bench.kling.finish()
    bench.kling.script = [refusal("account", service_code=1102)] * 9
    bench.turns(3, 40)
    assert bench.job(job_id)["says"]["code"] == "paused"
    assert codes(bench)["paused"]["figures"]["code"] == "kling_1102"


def test_a_clock_that_is_off_is_told_in_seconds(bench: Bench) -> None:
    bench.kling.skew = 61.4
    assert codes(bench)["skew"]["figures"] == {"seconds": 61}


def test_a_clock_that_is_off_is_told_when_every_answer_is_a_refusal(bench: Bench) -> None:
    bench.kling.unreachable = True
    bench.kling.skew = 3600
    assert list(codes(bench)) == ["no_worker", "skew", "kling", "orphans_unseen"]
    assert codes(bench)["skew"]["figures"] == {"seconds": 3600}
    bench.kling.skew = 1.9
    assert "skew" not in codes(bench)


@pytest.mark.parametrize("code", [1003, 1004])
def test_a_pause_names_the_clock_where_it_was_measured(bench: Bench, code: int) -> None:
    bench.kling.script = [refusal("token", service_code=code)] * 20
    bench.submit()
    bench.turns(3)
    assert "Check the clock of this machine" in bench.pipeline.notice()
    bench.kling.skew = 3600
    bench.turns(3, 200)
    assert "This clock and Kling's differ by 3600 s" in bench.pipeline.notice()
    assert bench.pipeline.jobs_since(bench.owner, 0)["notice"]["clock"] == 3600


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", SIGNS)
def test_every_sign_has_words(code: str, lang: str) -> None:
    assert {f"doctor.{code}.what", f"doctor.{code}.next"} <= read_words(lang).keys()


def test_a_done_take_whose_answer_named_another_task_is_no_orphan(bench: Bench) -> None:
    [job_id] = bench.submit()
    bench.turns(3)
    bench.kling.finish()
    bench.turns(3, 10)
    assert bench.job(job_id)["state"] == "done"
    bench.store.write(lambda db: db.execute("UPDATE job SET provider_task_id = NULL"))
    assert codes(bench, "problems") == {}


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_a_task_whose_take_was_given_up_is_an_orphan(bench: Bench, state: str) -> None:
    bench.kling.script = [refusal("refused")] if state == "failed" else []
    [job_id] = bench.submit()
    if state == "canceled":
        bench.pipeline.cancel(bench.owner, job_id)
    bench.turns(3)
    assert bench.job(job_id)["state"] == state
    lost = bench.kling.add(bench.row(job_id)["external_task_id"])
    assert codes(bench, "problems")["orphan"]["figures"]["task"] == lost


def given_up(bench: Bench) -> tuple[str, str]:
    """A take of unknown outcome that its owner gave up, and the task that turned up afterwards."""
    bench.kling.script = ["lost"]
    [job_id] = bench.submit(duration="10")
    bench.turn()
    bench.store.write(lambda db: db.execute("UPDATE job SET state = 'unknown', next_at = NULL"))
    bench.pipeline.cancel(bench.owner, job_id)
    return job_id, codes(bench, "problems")["orphan"]["figures"]["task"]


def test_what_was_given_up_and_turned_up_is_taken_up_once_at_its_price(bench: Bench) -> None:
    old, task = given_up(bench)
    price = bench.job(old)["price"]
    assert codes(bench, "problems")["orphan"]["figures"]["price"] == price
    made = bench.pipeline.adopt_orphan(bench.owner, task)
    assert (made["state"], made["provider_task_id"], made["price"]) == ("running", task, price)
    assert (made["params"], made["take"]) == (bench.job(old)["params"], "2A")
    with pytest.raises(NotFound):
        bench.pipeline.adopt_orphan(bench.owner, task)
    bench.kling.finish()
    bench.turns(4, 10)
    assert bench.job(made["id"])["state"] == "done"
    assert bench.job(old)["state"] == "canceled"
    assert bench.credits()[1:] == (0, price)
    assert codes(bench, "problems") == {}
    assert len(bench.kling.creates) == 1


def test_what_no_store_remembers_costs_what_kling_took(bench: Bench) -> None:
    with bench.store.read() as db:
        mark = installation_mark(get_meta(db, "secret"))
    lost = bench.kling.add(f"{mark}-lost", "/v1/videos/text2video")
    assert codes(bench, "problems")["orphan"]["figures"]["price"] is None
    with pytest.raises(InputError, match="when it is done"):
        bench.pipeline.adopt_orphan(bench.owner, lost)
    bench.kling.finish()
    made = bench.pipeline.adopt_orphan(bench.owner, lost)
    assert (made["capability"], made["params"], made["price"]) == ("text_to_video", {}, 210)
    bench.turns(4, 10)
    assert bench.job(made["id"])["state"] == "done"
    assert bench.credits()[1:] == (0, 210)


def test_only_what_is_ours_and_lost_is_taken_up_and_only_for_enough_credits(bench: Bench) -> None:
    old, task = given_up(bench)
    foreign = bench.kling.add("somebody-else")
    for wrong in (foreign, "800000000000009999", ""):
        with pytest.raises(NotFound):
            bench.pipeline.adopt_orphan(bench.owner, wrong)
    with pytest.raises(NotFound):
        bench.pipeline.adopt_orphan("another", task)
    left = bench.credits()[0] - bench.job(old)["price"] + 1
    bench.store.write(lambda db: ledger.charge(db, bench.owner, "elsewhere", left, "kling_t2v"))
    with pytest.raises(CreditError):
        bench.pipeline.adopt_orphan(bench.owner, task)
    assert bench.row(old)["external_task_id"] == bench.kling.creates[0][0]
    assert len(bench.pipeline.all_jobs(bench.owner)) == 1
