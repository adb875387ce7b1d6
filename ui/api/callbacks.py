"""The route of Kling's callbacks; a callback only makes the next poll of its task come sooner.

Source: Kling docs, callbacks, Sept 2026. They leave open how often and in which order callbacks come.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kling_pipeline.pipeline import Pipeline
from ui.api.json_body import parse_json


def callback_route(pipeline: Pipeline) -> Route:
    """Return the route that Kling posts to; a job changes only by what the poller then reads."""

    async def receive_callback(request: Request) -> Response:
        body = await request.body()  # at most 1 MB, by BodyLimitMiddleware
        payload = await run_in_threadpool(parse_json, body)
        pipeline.verify_callback(body, dict(request.headers))
        # Both generations: the legacy one has task_id, the new one id (same source).
        fields = payload if isinstance(payload, dict) else {}
        task_id = fields.get("task_id") or fields.get("id")
        if isinstance(task_id, str) and task_id.isascii():
            await run_in_threadpool(pipeline.poll_soon, task_id)
        return JSONResponse({"ok": True})

    return Route("/callbacks/kling", receive_callback, methods=["POST"])
