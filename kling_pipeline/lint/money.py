"""What the same credits would buy better, or have bought already."""

from __future__ import annotations

from collections.abc import Iterable

from kling_pipeline.catalog.declaration import Finding
from kling_pipeline.lint.subject import Subject


def model_at_risk(subject: Subject) -> Iterable[Finding]:
    """A model out of Kling's newest price list may stop answering any day."""
    model, successor = subject.model, subject.successor
    forced = any(
        other == model.name and subject.given.get(field)
        for field, other in successor.instead.items()
    )
    if model.status != "at_risk" or not model.send_name or forced:
        return
    message = f"{model.name} is out of Kling's newest price list and may stop answering."
    figures = {"model": model.name, "heir": successor.name}
    fix = {"model_name": successor.name} if successor.status == "alive" else {}
    yield Finding("model_at_risk", "model_name", message, "hint", figures, fix)


def duplicate(subject: Subject) -> Iterable[Finding]:
    """The same request was paid for before; another go is another take, and may be wanted."""
    count, credits = subject.earlier
    if count:
        message = f"You already have {count} of these, {credits} credits."
        yield Finding("duplicate", "prompt", message, "hint", {"count": count, "credits": credits})


def pictures_multiply(subject: Subject) -> Iterable[Finding]:
    """Pictures a take times variants: the product is what is paid."""
    each = subject.pictures
    if each > 1 and subject.variants > 1:
        total = each * subject.variants
        message = f"{each} pictures x {subject.variants} variants = {total} paid pictures."
        figures = {"each": each, "variants": subject.variants, "total": total}
        yield Finding("pictures_multiply", "n", message, "hint", figures)
