"""The desk where tasks are handed in, found and listed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from kling_pipeline.simulator.ask import Ask
from kling_pipeline.simulator.auth import Credential
from kling_pipeline.simulator.callbacks import Callbacks
from kling_pipeline.simulator.files import Files
from kling_pipeline.simulator.media import Material, take_in
from kling_pipeline.simulator.options import Options
from kling_pipeline.simulator.orders import length, result_of, sheets
from kling_pipeline.simulator.refusal import Refusal, invalid
from kling_pipeline.simulator.rulebook import Endpoint, Rulebook
from kling_pipeline.simulator.rules import read, units
from kling_pipeline.simulator.shelf import Shelf
from kling_pipeline.simulator.studio import Studio
from kling_pipeline.simulator.task import (
    Task,
    derive_seed,
    fate,
    fingerprint,
    new_id,
    now_ms,
)


class Desk:
    """Takes creates in and gives tasks out; every method is one answer of the service."""

    def __init__(
        self, options: Options, book: Rulebook, shelf: Shelf, files: Files, studio: Studio
    ) -> None:
        self.options, self.book, self.shelf, self.files = options, book, shelf, files
        self._studio = studio
        self.callbacks = Callbacks(shelf.get, options.webhook_secret)

    async def create(
        self, endpoint: Endpoint, body: Mapping[str, Any], credential: Credential, origin: str
    ) -> Task:
        """Make a task; raises Refusal for a request that the service would not take."""
        ask = read(endpoint, body)
        materials = await take_in(ask.enclosures, self.find)
        # Fetching took time, and a token that ended meanwhile must not make a task.
        credential.check()
        task = self._admit(ask, materials)
        self._draw(task, ask, materials)
        if task.callback_url:
            self.callbacks.follow(task, partial(self.files.link, origin))
        return task

    def look(self, endpoint: Endpoint, id_: str) -> Task:
        """Find a task of an endpoint by its id or its external id."""
        task = self.shelf.get(id_) or (
            self.shelf.by_external(id_) if endpoint.row.get("by_external", True) else None
        )
        if task is None or task.family != endpoint.family:
            raise invalid(f"Task not found by id/external id: {id_}")
        return task

    def page(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[Task]:
        """List an endpoint's tasks, newest first, by pageNum and pageSize."""
        number = _bounded(query, "pageNum", 1, 1000)
        return self.shelf.page(endpoint.family, number, _bounded(query, "pageSize", 30, 500))

    def find(self, kind: str, id_: str) -> Path:
        """Find the file behind a video_id or audio_id; raises Refusal 1201."""
        since = now_ms() - int(self.book.retention["link_days"] * 86_400_000)
        item = self.shelf.item(kind, id_, since)
        path = self.files.path(item["file"]) if item else None
        if path is None or not path.exists():
            raise invalid(f"{kind} {id_} not found or expired")
        return path

    async def resume(self) -> None:
        """Draw again what a crash left undrawn."""
        for task, body in self.shelf.undrawn():
            ask = read(self.book.endpoints[task.family], body)
            self._draw(task, ask, await take_in(ask.enclosures, self.find))

    def check_funds(self, pool: str, price: Decimal) -> None:
        """Refuse with 1102 what the account's units do not pay for."""
        total = self.options.units.get(pool, self.book.pools[pool]["units"])
        if self.shelf.units_taken(pool) + price > Decimal(str(total)):
            raise Refusal(1102)

    def _admit(self, ask: Ask, materials: list[Material]) -> Task:
        if ask.external_id and self.shelf.by_external(ask.external_id):
            raise invalid(f"External_task_id {ask.external_id} already exists")
        price = units(ask, length(ask, materials))
        pool = ask.endpoint.pool
        self.check_funds(pool, price)
        limit = self.options.slots.get(pool, int(self.book.pools[pool]["slots"]))
        if self.shelf.slots_taken(pool, now_ms()) + ask.pictures > limit:
            raise Refusal(1303)
        print_ = fingerprint(ask)
        seed = derive_seed(self.options.seed, print_, self.shelf.equal_requests(print_))
        task = self._new_task(ask, materials, seed, f"{price.normalize():f}")
        self.shelf.add(task, print_, ask.body)
        return task

    def _new_task(self, ask: Ask, materials: list[Material], seed: int, price: str) -> Task:
        now, id_ = now_ms(), new_id()
        clock = self.book.clock
        work = clock[f"{ask.endpoint.makes}_seconds"] * 1000 * (0.85 + 0.3 * (seed % 997) / 996)
        work *= clock["slow_factor"] if "[slow]" in ask.words else 1
        due = now + round(work / self.options.speed)
        outcome, message = fate(ask.words)
        drawn = sheets(ask, materials, id_, seed)
        return Task(
            task_id=id_,
            external_id=ask.external_id,
            family=ask.endpoint.family,
            model=ask.model.name if ask.model else "",
            created_at=now,
            start_at=now + round((due - now) * clock["queue_part"]),
            due_at=due,
            end_at=due if outcome == "failed" else None,
            outcome=outcome,
            message=message,
            units=price,
            pool=ask.endpoint.pool,
            slots=ask.pictures,
            seed=seed,
            watermark=bool(ask.body.get("watermark_info", {}).get("enabled")),
            callback_url=str(ask.body.get("callback_url", "")),
            result=result_of(ask, drawn, [new_id() for _ in drawn]),
            info={},
        )

    def _draw(self, task: Task, ask: Ask, materials: list[Material]) -> None:
        if task.end_at is not None:
            return
        drawn = sheets(ask, materials, task.task_id, task.seed)
        for item in task.result.get("videos", []):
            name = item["url"].removeprefix("file:")
            self.shelf.put_item("video_id", item["id"], task.created_at, {"file": name})

        def finish(error: Exception | None) -> None:
            outcome, message = ("failed", f"Drawing failed: {error}") if error else ("succeed", "")
            self.shelf.end(task.task_id, now_ms(), outcome, message)

        self._studio.begin(drawn, finish)


def _bounded(query: Mapping[str, str], name: str, default: int, high: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= high:
        raise invalid(f"{name} out of range. Please provide a value between 1 and {high}.")
    return int(value)
