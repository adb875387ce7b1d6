"""The quote of a form: its price, what blocks it, and that a click buys what the button showed."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.test_form import OWNER, Pipeline, build, catalog, pipeline, widget_values
from ui.form.quote import VARIANTS, FormQuotes

__all__ = ["catalog", "pipeline"]


def make_quotes(pipeline: Pipeline) -> tuple[FormQuotes, dict[str, Any]]:
    form = build(pipeline, "image_to_video")
    return form.quotes, widget_values(form, prompt="Mist", image="https://example.com/a.jpg")


def test_a_quote_has_the_price_and_what_an_offer_adds(pipeline: Pipeline) -> None:
    form, now = make_quotes(pipeline)
    quote = form.quote(OWNER, now)
    assert (quote["state"], quote["price"], quote["left"]) == ("ready", 210, 99_790)
    assert quote["field_states"]["image_tail"]["offers"] == [{"fix": {"mode": "pro"}, "delta": 140}]
    assert form.quote(OWNER, {**now, VARIANTS: 3})["price"] == 630
    json.dumps(quote)


def test_what_is_missing_is_named_and_the_price_still_known(pipeline: Pipeline) -> None:
    form, now = make_quotes(pipeline)
    quote = form.quote(OWNER, {**now, "prompt": " \u200b", "image": ""})
    assert (quote["state"], quote["missing"]) == ("blocked", ["image", "prompt"])
    assert (quote["price"], quote["errors"]) == (210, {})


def test_too_little_credit_is_reported_with_what_it_would_buy(pipeline: Pipeline) -> None:
    pipeline.available = 500
    form, now = make_quotes(pipeline)
    quote = form.quote(OWNER, {**now, VARIANTS: 3})
    assert (quote["state"], quote["short"], quote["afford"]) == ("short", 130, 2)
    sent = form.submit(OWNER, {**now, VARIANTS: 3}, "c")
    assert (sent["state"], sent["short"]) == ("short", 130)
    assert pipeline.bought == []


def test_nothing_is_bought_if_the_form_has_changed_since_its_quote(pipeline: Pipeline) -> None:
    form, now = make_quotes(pipeline)
    key = form.quote(OWNER, now)["key"]
    for other in ({"duration": "10"}, {"prompt": "Another"}, {VARIANTS: 2}):
        assert form.submit(OWNER, {**now, **other}, "c", key)["state"] == "moved"
    assert pipeline.bought == []
    assert form.submit(OWNER, now, "c", key)["state"] == "sent"


def test_a_large_purchase_has_to_be_confirmed(pipeline: Pipeline) -> None:
    form, now = make_quotes(pipeline)
    assert form.quote(OWNER, now)["ask"] is False
    long = {**now, "model_name": "kling-v3", "mode": "4k", "duration": "10"}
    assert form.quote(OWNER, long)["ask"] is True
    pipeline.available = 1000
    assert form.quote(OWNER, now)["ask"] is True, "a fifth of what is left"


def test_a_refused_value_blocks_and_offers_the_nearest(pipeline: Pipeline) -> None:
    form, now = make_quotes(pipeline)
    quote = form.quote(OWNER, {**now, "duration": "7"})
    assert quote["state"] == "blocked" and "duration" in quote["errors"]
    fixes = [offer["fix"] for offer in quote["field_states"]["duration"]["offers"]]
    assert fixes == [{"duration": "5"}, {"duration": "10"}]
