"""Check fields of the image endpoints together (Kling docs, Sept 2026)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.rules.create_request import CreateRequest


def _omni_counts(request: CreateRequest) -> None:
    given = len(request.body.get("image_list", [])) + len(request.body.get("element_list", []))
    if given > 10:
        raise invalid("At most 10 images and elements are allowed in total.")


def _series(request: CreateRequest) -> None:
    series = request.body.get("result_type") == "series"
    if series and request.model and "series" not in request.model.supports:
        raise invalid("result_type series is not supported by the current model")
    if "series_amount" not in request.body:
        return
    amount = request.body["series_amount"]
    if not series:
        raise invalid("series_amount is only supported when result_type is series")
    # The docs give the figure as a number and, since "auto" exists, as text; both are accepted.
    if isinstance(amount, bool) or str(amount) not in {"auto", *map(str, range(2, 10))}:
        raise invalid(
            "series_amount out of range. Please provide a value between 2 and 9, or auto."
        )


def _auto_ratio(request: CreateRequest) -> None:
    only_text = "image_list" not in request.body and "element_list" not in request.body
    excluded = request.model is not None and request.model.row.get("no_auto_ratio_for_text", False)
    if excluded and only_text and request.body.get("aspect_ratio") == "auto":
        raise invalid("aspect_ratio value 'auto' is invalid without images")


def _expansion(request: CreateRequest) -> None:
    up, down, left, right = (
        request.body[f"{side}_expansion_ratio"] for side in ("up", "down", "left", "right")
    )
    if (1 + up + down) * (1 + left + right) > 3:
        raise invalid("The area after expansion must not exceed 3 times the original")


CHECKS: Mapping[str, Callable[[CreateRequest], None]] = {
    "omni_image_counts": _omni_counts,
    "series": _series,
    "auto_ratio": _auto_ratio,
    "expansion": _expansion,
}
