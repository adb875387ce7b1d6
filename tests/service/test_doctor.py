"""GET /api/doctor beside a running studio: well, and each kind of damage and misfortune by its code."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.conftest import App, wait_for

pytestmark = pytest.mark.service


def ask(app: App) -> dict[str, Any]:
    return dict(app.http.get("/api/doctor", timeout=60).json())


def found(app: App, kind: str) -> set[str]:
    return {one["code"] for one in ask(app)[kind]}


def test_the_doctor_tells_well_from_damaged(
    start_app: Callable[..., App], keyed: dict[str, str]
) -> None:
    app = start_app(**keyed)
    [job] = app.submit("image_generation", {"prompt": "a vase"})
    app.wait_state(job["id"], "done")
    report = ask(app)
    assert (report["audit"], report["problems"], report["warnings"]) == ("ok", [], [])
    for file in (app.folder / "assets").rglob("*"):
        if file.is_file():
            file.unlink()
    assert found(app, "problems") == {"file_missing"}
    with closing(sqlite3.connect(app.folder / "studio.db", timeout=30)) as db:
        db.execute("UPDATE account SET balance = balance + 5 WHERE kind = 'user'")
        db.commit()
    forged = [one for one in ask(app)["problems"] if one["code"] == "ledger"]
    said = "a balance is not the sum of its entries"
    assert any(said in one["figures"]["detail"] and one["next"] for one in forged)


def test_no_worker_and_refused_keys_are_things_to_know(
    start_app: Callable[..., App], keyed: dict[str, str]
) -> None:
    app = start_app(**keyed, STUDIO_WORKERS="0")
    assert found(app, "warnings") == {"no_worker"}
    app.stop()
    app = start_app(**{**keyed, "KLING_SECRET_KEY": "not-the-secret-of-this-account-at-all"})
    app.submit("image_generation", {"prompt": "a vase"})
    wait_for(lambda: "paused" in found(app, "warnings"), "the pause")
    report = ask(app)
    assert {"paused", "kling"} <= {one["code"] for one in report["warnings"]}
    assert report["problems"] == []
    # Asking again and again neither ends the pause nor blocks what else is asked.
    assert httpx.get(f"{app.url}/healthz", trust_env=False, timeout=20).status_code == 200
