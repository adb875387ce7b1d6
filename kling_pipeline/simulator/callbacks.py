"""Callbacks: a task in the shape of its path, posted on each change of status, tried once."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
from standardwebhooks import Webhook

from kling_pipeline.simulator.answers import Link, shown
from kling_pipeline.simulator.outputs import shown_as_new
from kling_pipeline.simulator.tasks.task import Task, now_ms

_Body = Callable[[Task, int], dict[str, Any]]
_LOOK_EVERY = 0.2


class Callbacks:
    """Follows tasks that gave a callback_url; signs when a webhook secret is set.

    Shape and signature: Kling docs, callbacks, Sept 2026. How often the real service tries again
    is not documented; here a callback is tried once.
    """

    def __init__(self, get: Callable[[str], Task | None], secret: str) -> None:
        self._get = get
        self._secret = secret
        self._running: set[asyncio.Task[None]] = set()

    def follow(self, task: Task, link: Link, *, new_standard: bool) -> None:
        """Post each status of a task from now on, without holding anything up."""
        show = _new_body if new_standard else _legacy_body
        running = asyncio.get_running_loop().create_task(self._follow(task, partial(show, link)))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def close(self) -> None:
        """Stop following."""
        for running in self._running:
            running.cancel()

    async def _follow(self, task: Task, body: _Body) -> None:
        told = ""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while told not in ("succeed", "failed"):
                found = self._get(task.task_id)
                if found is None:
                    return
                # A status may begin and end between two looks; each is told all the same, in order.
                for moment in found.status_changes(told, now_ms()):
                    told = found.status(moment)
                    await self._post(client, found, moment, body)
                await asyncio.sleep(_LOOK_EVERY)

    async def _post(self, client: httpx.AsyncClient, task: Task, moment: int, body: _Body) -> None:
        text = json.dumps(body(task, moment))
        signature = self._signature(f"{task.task_id}-{task.status(moment)}", text)
        headers = {"content-type": "application/json", **signature}
        try:
            await client.post(task.callback_url, content=text, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError):
            # Too large a port is found out as late as by the socket.
            return

    def _signature(self, id_: str, text: str) -> dict[str, str]:
        if not self._secret:
            return {}
        now = now_ms() // 1000
        moment = datetime.datetime.fromtimestamp(now, tz=datetime.UTC)
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(now),
            "webhook-signature": Webhook(self._secret).sign(id_, moment, text),
        }


def _legacy_body(link: Link, task: Task, moment: int) -> dict[str, Any]:
    """A query's body without its watermark; every kind of result is named, the empty ones too."""
    body = shown(task, moment, link, watermarks=False)
    none: dict[str, list[Any]] = {"images": [], "videos": [], "audios": []}
    return {**body, "task_result": {**none, **body["task_result"]}}


def _new_body(link: Link, task: Task, moment: int) -> dict[str, Any]:
    # An absent id is "" here: the page lists every field of a callback (Kling docs, Sept 2026).
    return {"external_id": "", **shown_as_new(task, moment, link)}
