"""The Credits section: balance, open holds, statement, and sums by credit key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import gradio as gr

from kling_pipeline.pipeline import Pipeline

MAX_LINES = 200

SKELETON = '<section class="ks ks-credits" data-credits></section>'
MOUNT = """window.studioCredits?.mount(element);
watch('value', () => window.studioCredits?.draw(JSON.parse(props.value || 'null')))"""


def build_credits() -> gr.HTML:
    """Build the section's skeleton; its value is the JSON of `read_credits`."""
    return gr.HTML(
        value="",
        html_template=SKELETON,
        js_on_load=MOUNT,
        apply_default_css=False,
        elem_id="ks-ledger",
    )


def read_credits(pipeline: Pipeline, owner: str) -> str:
    """Return JSON: balance, sum of grants, open holds, the newest MAX_LINES of the statement, sums by credit key."""
    entries = pipeline.statement(owner)
    lines = _statement(entries)
    return json.dumps(
        {
            "balance": pipeline.credits(owner),
            "granted": sum(one["amount"] for one in entries if one["kind"] == "grant"),
            "held": _open_holds(entries),
            "lines": lines[::-1][:MAX_LINES],
            "older": max(0, len(lines) - MAX_LINES),
            "sheets": _sums_by_key(entries),
        }
    )


def _statement(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line a transaction; the reservations of all variants of a click are one line."""
    lines: list[dict[str, Any]] = []
    for entry in entries:
        click = _click(entry["take"])
        last = lines[-1] if lines else None
        is_reserve = entry["kind"] == "reserve" and last and last["kind"] == "reserve"
        if is_reserve and last and last["click"] == click:
            last["n"] += 1
            last["amount"] += entry["amount"]
            last["balance"] = entry["balance"]
            continue
        names = ("kind", "amount", "at", "balance", "credit_key", "take", "took")
        lines.append({"click": click, "n": 1, **{name: entry.get(name) for name in names}})
    return lines


def _open_holds(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    open_holds: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["kind"] == "reserve":
            open_holds[entry["job_id"]] = entry
        elif entry["kind"] in ("settle", "release"):
            open_holds.pop(entry["job_id"], None)
    names = ("job_id", "take", "capability", "amount")
    return [{name: one[name] for name in names} for one in reversed(open_holds.values())]


def _sums_by_key(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `{key, spent, n, calls}` by credit key, the largest sum first."""
    sums: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["kind"] in ("settle", "prepare"):
            row = sums.setdefault(entry["credit_key"] or "", {"spent": 0, "n": 0, "calls": 0})
            row["spent"] += entry["amount"]
            row["n" if entry["kind"] == "settle" else "calls"] += 1
    rows = [{"key": key, **sums[key]} for key in sums]
    return sorted(rows, key=lambda row: -row["spent"])


def _click(take: str | None) -> str:
    return re.sub(r"[A-Z]+$", "", take or "")
