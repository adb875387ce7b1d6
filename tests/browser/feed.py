"""A feed of jobs that a test writes by hand: the page's own polling reads it instead of the studio's."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from playwright.sync_api import CDPSession, Page

HOSTILE = '<img src=x onerror="window.hacked = true">'


def still(width: int = 320, height: int = 180) -> bytes:
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


PICTURE = still()


class Feed:
    """Jobs by id, a revision for each change; `install` puts it before the studio's own answers."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.rev = 1
        self.older: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.posted: list[tuple[str, Any]] = []
        self.offline = False
        self.notice: dict[str, Any] | None = None
        self.queue_positions: dict[str, list[int | None]] = {}

    def install(self, page: Page) -> Feed:
        # Playwright's own routes would turn off the browser's cache, and every page fetch Gradio's bundle anew.
        wire = page.context.new_cdp_session(page)
        wire.on("Fetch.requestPaused", lambda paused: self._fulfill(wire, paused))
        patterns = [{"urlPattern": "*/api/jobs*"}, {"urlPattern": "*/media/fake-*"}]
        wire.send("Fetch.enable", {"patterns": patterns})
        return self

    def _fulfill(self, wire: CDPSession, paused: dict[str, Any]) -> None:
        if self.offline:
            lost = {"requestId": paused["requestId"], "errorReason": "ConnectionFailed"}
            wire.send("Fetch.failRequest", lost)
            return
        request = paused["request"]
        kind, status, body = "image/png", 200, PICTURE
        if "/media/" not in request["url"]:
            kind, (status, answer) = "application/json", self._answer(request)
            body = json.dumps(answer).encode()
        told = {
            "requestId": paused["requestId"], "responseCode": status,
            "responseHeaders": [{"name": "content-type", "value": kind}],
            "body": base64.b64encode(body).decode(),
        }  # fmt: skip
        wire.send("Fetch.fulfillRequest", told)

    def put(self, take: str, state: str, status: str = "", progress: int = 0, **more: Any) -> str:
        """A new job, or a change of the one that has this take; answers its id."""
        now = int(time.time() * 1000)
        self.rev += 1
        old = self.jobs.get(f"job-{take}", {})
        self.jobs[f"job-{take}"] = {
            **_blank(take, now), **old, "state": state, "status": {"code": status or state},
            "progress": progress, "updated_at": now, "rev": self.rev, **more,
        }  # fmt: skip
        return f"job-{take}"

    def done(self, take: str, count: int = 1) -> str:
        assets = [
            {
                "id": f"fake-{take}-{n}", "kind": "image", "url": f"/media/fake-{take}-{n}",
                "poster_url": None, "width": 320, "height": 180, "duration": None,
            }
            for n in range(count)
        ]  # fmt: skip
        return self.put(take, "done", "done", 100, assets=assets, took=63_000)

    def _answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        url = urlsplit(request["url"])
        query = parse_qs(url.query)
        if request["method"] == "POST":
            self.posted.append((url.path, json.loads(request.get("postData", "null"))))
            return 201, {"jobs": []}
        self.asked.append(url.query)
        if "before" in query:
            return 200, {"jobs": self.older}
        since = int(query["since"][0])
        running = [job for job in self.jobs.values() if job["state"] == "running"]
        answer = {
            "rev": self.rev,
            "jobs": [job for job in self.jobs.values() if job["rev"] > since],
            "counts": {"running": len(running), "queued": 0},
            "credits": {"available": 18_240, "held": 420, "spent": 0},
            "queue_positions": self.queue_positions,
        }
        if self.notice:
            answer["notice"] = self.notice
        return 200, answer


def _blank(take: str, now: int) -> dict[str, Any]:
    return {
        "id": f"job-{take}", "take": take, "click": int(take.rstrip("ABCDEFGHI")),
        "capability": "text_to_video", "model": "kling-v2-6", "message": "", "price": 210,
        "provider_task_id": None, "external_task_id": None, "assets": [], "error": None,
        "params": {"prompt": f"Take {take}", "mode": "std", "duration": "5"}, "inputs": {},
        "created_at": now, "started_at": now, "took": None, "typical": None, "queue_position": None,
        "cancel_asked": False,
    }  # fmt: skip
