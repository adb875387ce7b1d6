"""What was measured of the files, beside what is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint.subject import Subject

# Shorter side of a clip and longer side of a picture in px (Kling docs, capability map, Sept 2026).
_LINES = {"std": 720, "pro": 1080, "4k": 2160}
_SIDES = {"1k": 1024, "2k": 2048, "4k": 4096}
_CROPPED = 0.05  # the share of a side from which a cut is seen


def frame_rate(subject: Subject) -> Iterable[Finding]:
    """Frames a second outside those that Kling takes; 29.97 counts as 30."""
    for name, media in subject.capability.media().items():
        fps = getattr(subject.facts.get(name), "fps", None)
        if media.fps and fps and all(abs(fps - one) >= 1 for one in media.fps):
            wanted = ", ".join(map(str, media.fps))
            message = f"{fps:.4g} frames a second; Kling takes {wanted}."
            yield Finding(
                "frame_rate", name, message, "error", {"fps": f"{fps:.4g}", "wanted": wanted}
            )


def ratio_differs(subject: Subject) -> Iterable[Finding]:
    """A picture of another shape than what is asked for is cropped; one of the model's ratios is nearer."""
    chosen, limit = subject.sent.get("aspect_ratio"), subject.model.limits.get("aspect_ratio")
    shape = _shape(subject.facts.get("image"))
    # A reference gives its subject or its face, not its frame.
    if not (shape and limit and chosen and chosen != "auto") or subject.sent.get("image_reference"):
        return
    values = limit.allowed(subject.sent)
    nearest = (
        "auto"
        if "auto" in values
        else min(values, key=lambda one: _off(shape, one), default=chosen)
    )
    cut = 1 - math.exp(-_off(shape, chosen))
    if cut > _CROPPED and nearest != chosen:
        percent = round(cut * 100)
        message = f"The image has another shape than {chosen}; about {percent} % of it is cut off."
        figures = {"ratio": chosen, "nearest": nearest, "percent": percent}
        yield Finding(
            "ratio_differs", "aspect_ratio", message, "hint", figures, {"aspect_ratio": nearest}
        )


def frames_differ(subject: Subject) -> Iterable[Finding]:
    """A clip has the shape of its first frame; an end frame of another shape is cropped."""
    first, last = (_shape(subject.facts.get(name)) for name in ("image", "image_tail"))
    if not first or not last or "image_tail" not in subject.sent:
        return
    cut = 1 - math.exp(-abs(math.log(first / last)))
    if cut > _CROPPED:
        percent = round(cut * 100)
        message = (
            f"The end frame has another shape than the start; about {percent} % of it is cut off."
        )
        yield Finding("frames_differ", "image_tail", message, "hint", {"percent": percent})


def image_small(subject: Subject) -> Iterable[Finding]:
    """A picture with less than half the lines of what is made from it comes out soft."""
    fact: Any = subject.facts.get("image")
    if not _shape(fact):
        return
    field, side, sizes = "mode", min(fact.width, fact.height), _LINES
    if subject.capability.makes == "image":
        field, side, sizes = "resolution", max(fact.width, fact.height), _SIDES
    output = sizes.get(str(subject.sent.get(field)), 0)
    if side * 2 >= output:
        return
    allowed = subject.model.limits[field].values
    fitting = [one for one in sizes if one in allowed and sizes[one] <= side * 2]
    message = f"The image has {side} px where the result has {output}; it will look soft."
    fix = {field: fitting[-1]} if fitting else {}
    yield Finding("image_small", "image", message, "hint", {"side": side, "output": output}, fix)


def length_unknown(subject: Subject) -> Iterable[Finding]:
    """The price hangs on the length of a file that was not read."""
    field, longest = subject.paid_by
    if subject.sent.get(field) and getattr(subject.facts.get(field), "duration", None) is None:
        message = (
            f"This address was not read; the price is that of {longest} s, the most Kling takes."
        )
        yield Finding("length_unknown", field, message, "warning", {"seconds": longest})


def not_checked(subject: Subject) -> Iterable[Finding]:
    """A file at an address goes to Kling unread."""
    for name in subject.capability.media():
        value = subject.sent.get(name)
        files = value if isinstance(value, list) else [value]
        away = sum(isinstance(one, str) and one.startswith("https://") for one in files)
        if away and name != subject.paid_by[0]:
            message = "A file at an address is not checked here; Kling may refuse it."
            yield Finding("not_checked", name, message, "hint", {"count": away})


def _shape(fact: Any) -> float:
    """Width over height, 0 where it was not measured."""
    if not getattr(fact, "width", None) or not getattr(fact, "height", None):
        return 0.0
    return float(fact.width) / float(fact.height)


def _off(shape: float, ratio: str) -> float:
    width, height = ratio.split(":")
    return abs(math.log(shape * int(height) / int(width)))
