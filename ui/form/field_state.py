"""The state of each field under the chosen model, as the page shows it: shown, hidden, or an offer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kling_pipeline.catalog.limits import FieldState
from kling_pipeline.pipeline import FormQuote
from ui.form.fields import Field


def read_field_states(fields: Iterable[Field], form: FormQuote) -> dict[str, dict[str, Any]]:
    """Return by field `{how, model, values, refused, neutral, offers}`; each offer is `{fix, delta}`."""
    model, states = form.quote.parsed.model, form.quote.parsed.states
    shown = {}
    for one in fields:
        # The model can be chosen always, and so can a field for which another model is taken.
        free = one.widget == "model" or one.name in model.instead
        state = states.get(one.name) or FieldState("shown" if free else "hidden")
        shown[one.name] = {
            "how": state.how,
            "model": model.name,
            "values": [str(value) for value in state.values],
            "refused": state.refused,
            "neutral": state.neutral,
            "offers": [
                {"fix": fix, "delta": delta} for fix, delta in form.offers.get(one.name, ())
            ],
        }
    return shown
