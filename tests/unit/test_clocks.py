"""A clock that jumps proves nothing, loses nothing and holds nothing up."""

from __future__ import annotations

import pytest

from tests.unit.conftest import refusal
from tests.unit.test_sending import OPENING, state


@pytest.mark.parametrize("jump", [3600, -3600])
@pytest.mark.parametrize("back", [True, False])
def test_a_clock_that_jumps_by_an_hour_does_no_harm(bench, jump, back):
    """With jobs in every state; `back`: the clock is mended five minutes later."""
    script = ["lost", refusal("uncertain"), refusal("account"), refusal("busy")]
    ids = bench.submit(3)
    bench.turns(2)
    bench.kling.script = script
    ids += bench.submit(6)
    bench.turn()
    bench.time += jump
    bench.kling.skew = abs(jump)
    bench.pipeline.resume()
    for _ in range(20 if back else 140):
        bench.turns(4, 5) if back else bench.turns(2, 30)
        bench.pipeline.resume()
    if back:
        bench.time -= jump
        bench.kling.skew = 0
    for _ in range(200):
        bench.pipeline.resume()
        bench.kling.finish()
        bench.turns(4, 15)
        if all(state(bench, one) == "done" for one in ids):
            break
    assert {state(bench, one) for one in ids} == {"done"}
    assert len(bench.kling.tasks) == 9
    assert bench.credits() == (OPENING - 9 * 210, 0, 9 * 210)


def test_a_clock_set_back_leaves_no_appointment_an_hour_ahead(bench):
    bench.time += 3600
    (job_id,) = bench.submit()
    bench.turn()
    bench.time -= 3600
    bench.kling.finish()
    bench.pipeline.resume()
    bench.turns(3, 5)
    assert state(bench, job_id) == "done"


def test_a_forward_jump_does_not_prove_absence_before_the_token_is_dead(bench):
    """Kling's clock did not jump: the late request is taken in after ours says that it cannot be."""
    bench.kling.tolerates = True
    bench.kling.script = ["late"]
    (job_id,) = bench.submit()
    bench.turn()
    bench.time += 3600
    bench.kling.skew = 3600
    bench.turns(50)
    assert state(bench, job_id) == "checking"
    kling_time = bench.time - 3600
    bench.kling.clock = lambda: kling_time
    bench.kling.arrive()
    bench.turns(20)
    assert state(bench, job_id) == "running"
    assert len(bench.kling.tasks) == 1
