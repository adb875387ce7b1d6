"""Kling's callbacks: a hint to look now, never the truth.

Kling docs, callbacks, Sept 2026; how often and in which order they come is not said.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kling_pipeline.pipeline import Pipeline
from ui.api.json_body import parse_json


def callback_route(pipeline: Pipeline) -> Route:
    """The route Kling posts to; whatever it says, a job moves only by what the poller then sees."""

    async def hear(request: Request) -> Response:
        body = await request.body()  # at most 1 MB: see limits.py
        said = await run_in_threadpool(parse_json, body)
        pipeline.verify_callback(body, dict(request.headers))
        # Both generations: legacy says task_id, new says id (Kling docs, callbacks, Sept 2026).
        named = said if isinstance(said, dict) else {}
        task_id = named.get("task_id") or named.get("id")
        if isinstance(task_id, str) and task_id.isascii():
            await run_in_threadpool(pipeline.hint, task_id)
        return JSONResponse({"ok": True})

    return Route("/callbacks/kling", hear, methods=["POST"])
