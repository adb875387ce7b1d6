"""What Kling answers to a session's calls is taken for hostile: an odd shape is a sentence, and costs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from kling_pipeline.errors import InputError
from tests.unit.test_send import OPENING

ODD: list[Any] = [
    {"res": ["x"]},
    {"res": {"rle_mask_list": [None]}},
    {"res": {"rle_mask_list": [{"png_mask": "abc"}]}},
    {"res": {"frame_index": "zero", "rle_mask_list": [{"object_id": 0}]}},
    {"res": 7},
]


@pytest.mark.parametrize("told", ODD, ids=str)
def test_an_odd_answer_is_told_and_charged_to_nobody(harness, monkeypatch, told):
    session = harness.add_session("multi_elements", {"init-selection": {"session_id": "s-1"}})
    monkeypatch.setattr(harness.kling, "ask", lambda *_, **__: told, raising=False)
    mark = {"frame_index": 0, "points": [{"x": 0.5, "y": 0.5}]}
    with pytest.raises(InputError, match=r"cannot be read.*Nothing was charged"):
        harness.pipeline.call_session("local", session, "add-selection", mark)
    assert "add-selection" not in harness.pipeline.session("local", session)["answers"]
    assert harness.credits() == (OPENING, 0, 0)
