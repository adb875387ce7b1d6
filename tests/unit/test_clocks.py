"""A clock that jumps proves nothing, loses nothing and holds nothing up."""

from __future__ import annotations

import pytest

from tests.unit.conftest import refusal
from tests.unit.test_send import OPENING, state


@pytest.mark.parametrize("jump", [3600, -3600])
@pytest.mark.parametrize("back", [True, False])
def test_a_clock_that_jumps_by_an_hour_does_no_harm(harness, jump, back):
    """With jobs in every state; `back`: the clock is mended five minutes later."""
    script = ["lost", refusal("uncertain"), refusal("account"), refusal("busy")]
    ids = harness.submit(3)
    harness.ticks(2)
    harness.kling.script = script
    ids += harness.submit(6)
    harness.tick()
    harness.time += jump
    harness.kling.skew = abs(jump)
    harness.pipeline.resume()
    for _ in range(20 if back else 140):
        harness.ticks(4, 5) if back else harness.ticks(2, 30)
        harness.pipeline.resume()
    if back:
        harness.time -= jump
        harness.kling.skew = 0
    for _ in range(200):
        harness.pipeline.resume()
        harness.kling.finish()
        harness.ticks(4, 15)
        if all(state(harness, one) == "done" for one in ids):
            break
    assert {state(harness, one) for one in ids} == {"done"}
    assert len(harness.kling.tasks) == 9
    assert harness.credits() == (OPENING - 9 * 210, 0, 9 * 210)


def test_a_clock_set_back_leaves_no_appointment_an_hour_ahead(harness):
    harness.time += 3600
    (job_id,) = harness.submit()
    harness.tick()
    harness.time -= 3600
    harness.kling.finish()
    harness.pipeline.resume()
    harness.ticks(3, 5)
    assert state(harness, job_id) == "done"


def test_a_forward_jump_does_not_prove_absence_before_the_token_is_dead(harness):
    """Kling's clock did not jump: the late request is taken in after ours says that it cannot be."""
    harness.kling.tolerates = True
    harness.kling.script = ["late"]
    (job_id,) = harness.submit()
    harness.tick()
    harness.time += 3600
    harness.kling.skew = 3600
    harness.ticks(50)
    assert state(harness, job_id) == "checking"
    kling_time = harness.time - 3600
    harness.kling.clock = lambda: kling_time
    harness.kling.arrive()
    harness.ticks(20)
    assert state(harness, job_id) == "running"
    assert len(harness.kling.tasks) == 1
