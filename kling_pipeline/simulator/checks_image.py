"""Rules of the image endpoints that span several fields (Kling docs, Sept 2026)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kling_pipeline.simulator.ask import Ask
from kling_pipeline.simulator.errors import invalid


def _omni_counts(ask: Ask) -> None:
    given = len(ask.body.get("image_list", [])) + len(ask.body.get("element_list", []))
    if given > 10:
        raise invalid("At most 10 images and elements are allowed in total.")


def _series(ask: Ask) -> None:
    series = ask.body.get("result_type") == "series"
    if series and ask.model and "series" not in ask.model.supports:
        raise invalid("result_type series is not supported by the current model")
    if "series_amount" not in ask.body:
        return
    amount = ask.body["series_amount"]
    if not series:
        raise invalid("series_amount is only supported when result_type is series")
    # The docs give the figure as a number and, since "auto" exists, as text; both are taken.
    if isinstance(amount, bool) or str(amount) not in {"auto", *map(str, range(2, 10))}:
        raise invalid(
            "series_amount out of range. Please provide a value between 2 and 9, or auto."
        )


def _auto_ratio(ask: Ask) -> None:
    only_text = "image_list" not in ask.body and "element_list" not in ask.body
    refused = ask.model is not None and ask.model.row.get("no_auto_ratio_for_text", False)
    if refused and only_text and ask.body.get("aspect_ratio") == "auto":
        raise invalid("aspect_ratio value 'auto' is invalid without images")


CHECKS: Mapping[str, Callable[[Ask], None]] = {
    "omni_image_counts": _omni_counts,
    "series": _series,
    "auto_ratio": _auto_ratio,
}
