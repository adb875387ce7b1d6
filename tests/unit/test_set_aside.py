"""Results that do not come, under whatever name: how long they are tried for, and whose they are then."""

from __future__ import annotations

import itertools
from typing import Any

from kling_pipeline.errors import ResultError
from tests.unit.test_recover import to_saving
from tests.unit.test_send import state
from tests.unit.test_step_failures import never


def test_trouble_that_changes_its_name_is_still_the_same_trouble(harness, monkeypatch):
    job_id = to_saving(harness)
    codes_in_turn = itertools.cycle(("result_expired", "result_cut", "result_unreachable"))

    def download(*_: Any, **__: Any) -> int:
        raise ResultError("It is not there.", code=next(codes_in_turn))

    monkeypatch.setattr(harness.kling, "download", download)
    harness.ticks(100, 60)
    assert harness.job(job_id)["error"]["message"] == "It is not there."


def test_a_server_that_is_away_for_more_than_a_day_is_the_owners(harness, monkeypatch):
    job_id = to_saving(harness)
    with monkeypatch.context() as patch:
        never(harness, patch, "result_unreachable")
        harness.ticks(100, 900)
        job = harness.job(job_id)
        assert (job["state"], job["error"]["code"]) == ("saving", "result_unreachable")
    harness.pipeline.retry("local", job_id)
    harness.tick()
    assert state(harness, job_id) == "done"


def test_what_is_set_aside_still_says_how_to_mend_it(harness, monkeypatch):
    job_id = to_saving(harness)

    def download(*_: Any, **__: Any) -> int:
        raise ResultError(
            "An address was made up.", code="result_fake_ip", next="Set STUDIO_FAKE_IP=1."
        )

    monkeypatch.setattr(harness.kling, "download", download)
    harness.ticks(100, 60)
    error = harness.job(job_id)["error"]
    assert error["next"].startswith("Set STUDIO_FAKE_IP=1. Kling has the result")
