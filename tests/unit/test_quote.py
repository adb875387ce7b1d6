"""What a form is worth: its price, what blocks it, and that a click buys what the button stood for."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.test_form import OWNER, Pipeline, build, catalog, held, pipeline
from ui.quote import VARIANTS, Quotes

__all__ = ["catalog", "pipeline"]


def quotes(pipeline: Pipeline) -> tuple[Quotes, dict[str, Any]]:
    form = build(pipeline, "image_to_video")
    return form.quotes, held(form, prompt="Mist", image="https://example.com/a.jpg")


def test_the_answer_has_the_price_and_what_an_offer_adds(pipeline: Pipeline) -> None:
    asked, now = quotes(pipeline)
    answer = asked.answer(OWNER, now)
    assert (answer["state"], answer["price"], answer["left"]) == ("ready", 210, 99_790)
    assert answer["stands"]["image_tail"]["offers"] == [{"fix": {"mode": "pro"}, "delta": 140}]
    assert asked.answer(OWNER, {**now, VARIANTS: 3})["price"] == 630
    json.dumps(answer)


def test_what_is_missing_is_named_and_the_price_still_known(pipeline: Pipeline) -> None:
    asked, now = quotes(pipeline)
    answer = asked.answer(OWNER, {**now, "prompt": " \u200b", "image": ""})
    assert (answer["state"], answer["missing"]) == ("blocked", ["image", "prompt"])
    assert (answer["price"], answer["errors"]) == (210, {})


def test_too_little_credit_is_said_with_what_it_would_buy(pipeline: Pipeline) -> None:
    pipeline.available = 500
    asked, now = quotes(pipeline)
    answer = asked.answer(OWNER, {**now, VARIANTS: 3})
    assert (answer["state"], answer["short"], answer["afford"]) == ("short", 130, 2)
    sent = asked.sent(OWNER, {**now, VARIANTS: 3}, "c")
    assert (sent["state"], sent["short"]) == ("short", 130)
    assert pipeline.bought == []


def test_nothing_is_bought_if_the_form_is_not_what_the_button_stood_for(pipeline: Pipeline) -> None:
    asked, now = quotes(pipeline)
    key = asked.answer(OWNER, now)["key"]
    for other in ({"duration": "10"}, {"prompt": "Another"}, {VARIANTS: 2}):
        assert asked.sent(OWNER, {**now, **other}, "c", key)["state"] == "moved"
    assert pipeline.bought == []
    assert asked.sent(OWNER, now, "c", key)["state"] == "sent"


def test_a_large_purchase_asks_first(pipeline: Pipeline) -> None:
    asked, now = quotes(pipeline)
    assert asked.answer(OWNER, now)["ask"] is False
    long = {**now, "model_name": "kling-v3", "mode": "4k", "duration": "10"}
    assert asked.answer(OWNER, long)["ask"] is True
    pipeline.available = 1000
    assert asked.answer(OWNER, now)["ask"] is True, "a fifth of what is left"


def test_a_refused_value_blocks_and_offers_the_nearest(pipeline: Pipeline) -> None:
    asked, now = quotes(pipeline)
    answer = asked.answer(OWNER, {**now, "duration": "7"})
    assert answer["state"] == "blocked" and "duration" in answer["errors"]
    fixes = [offer["fix"] for offer in answer["stands"]["duration"]["offers"]]
    assert fixes == [{"duration": "5"}, {"duration": "10"}]


# ------------------------------------------------------------------------------------ orders
