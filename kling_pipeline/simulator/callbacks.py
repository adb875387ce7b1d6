"""Post a callback on each change of a task's status."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Callable
from typing import Any

import httpx
from standardwebhooks import Webhook

from kling_pipeline.simulator.tasks.task import FINAL_STATUSES, Task, now_ms

CallbackBody = Callable[[Task, int], dict[str, Any]]  # (task, a time in ms) → the body to post
_POLL_SECONDS = 0.2


class Callbacks:
    """Posts the status of tasks that gave a callback_url; signs when a webhook secret is set.

    Signature: Kling docs, callbacks, Sept 2026. How often the real service tries again is not
    documented; here a callback is tried once.
    """

    def __init__(self, get: Callable[[str], Task | None], secret: str) -> None:
        self._get = get
        self._secret = secret
        self._running: set[asyncio.Task[None]] = set()

    def follow(self, task: Task, body: CallbackBody) -> None:
        """Post each status of a task from now on, in the background."""
        running = asyncio.get_running_loop().create_task(self._follow(task.task_id, body))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def close(self) -> None:
        """Stop posting."""
        for running in self._running:
            running.cancel()

    async def _follow(self, task_id: str, body: CallbackBody) -> None:
        last = ""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while last not in FINAL_STATUSES:
                task = self._get(task_id)
                if task is None:
                    return
                # A status may begin and end between two polls; each is posted all the same, in order.
                for moment in task.status_changes(last, now_ms()):
                    last = task.status(moment)
                    await self._post(client, task, moment, body)
                await asyncio.sleep(_POLL_SECONDS)

    async def _post(
        self, client: httpx.AsyncClient, task: Task, moment: int, body: CallbackBody
    ) -> None:
        text = json.dumps(body(task, moment))
        signature = self._signature(f"{task.task_id}-{task.status(moment)}", text)
        headers = {"content-type": "application/json", **signature}
        try:
            await client.post(task.callback_url, content=text, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError):
            # Only the socket finds out that a port is too large.
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
