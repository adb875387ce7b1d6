"""The desk where tasks are handed in, found and listed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kling_pipeline.simulator import faces, selections, speech
from kling_pipeline.simulator.answers import FILE
from kling_pipeline.simulator.auth import Credential
from kling_pipeline.simulator.bench import Bench
from kling_pipeline.simulator.callbacks import Callbacks
from kling_pipeline.simulator.checks_media import check_materials
from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.media import Material, take_in
from kling_pipeline.simulator.orders import Sheet, length, sheets
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.rules.prices import price_in_units
from kling_pipeline.simulator.rules.validation import parse_create_request
from kling_pipeline.simulator.sessions import session_extras, session_materials
from kling_pipeline.simulator.tasks.result import build_result
from kling_pipeline.simulator.tasks.task import (
    Task,
    derive_seed,
    fingerprint,
    new_id,
    now_ms,
    planned_outcome,
)

Call = Callable[[Bench, CreateRequest, Sequence[Material]], Awaitable[dict[str, Any]]]
_CALLS: Mapping[str, Call] = {
    "identify-face": faces.identify_face,
    "init-selection": selections.init_selection,
    "add-selection": selections.add_selection,
    "delete-selection": selections.delete_selection,
    "clear-selection": selections.clear_selection,
    "preview-selection": selections.preview_selection,
    "tts": speech.speak,
    "image-recognize": speech.recognise,
}


class Desk:
    """Takes creates in and gives tasks out; every method is one answer of the service."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.callbacks = Callbacks(bench.store.get, bench.options.webhook_secret)

    async def create(
        self, endpoint: Endpoint, body: Mapping[str, Any], credential: Credential, origin: str
    ) -> Task:
        """Make a task; raises ApiError for a request that the service would not take."""
        request = parse_create_request(endpoint, body)
        materials = await self._gather(request)
        written = await asyncio.to_thread(_write_down, request)
        # All this took time, and a token that ended meanwhile must not make a task.
        credential.check()
        first = self._duplicate(request)
        if first is not None:
            return first
        task = self._admit(request, materials, written)
        self._draw(task, request, materials)
        if task.callback_url:
            link = partial(self.bench.files.link, origin)
            new = endpoint.is_v2
            self.callbacks.follow(task, link, new_standard=new)
        return task

    async def call(
        self, endpoint: Endpoint, body: Mapping[str, Any], credential: Credential
    ) -> dict[str, Any]:
        """Answer a call that has its result at once; raises ApiError as a create does."""
        request = parse_create_request(endpoint, body)
        materials = await self._gather(request)
        credential.check()
        self.bench.check_funds(endpoint.pool, price_in_units(request, 0))
        data = await _CALLS[endpoint.family](self.bench, request, materials)
        return {
            **data,
            "final_unit_deduction": self.bench.spend(endpoint.pool, price_in_units(request, 0)),
        }

    def look(self, endpoint: Endpoint, id_: str) -> Task:
        """Find a task of an endpoint by its id or its external id."""
        store = self.bench.store
        task = store.get(id_)
        if task is None and endpoint.row.get("by_external", True):
            task = store.find_by_external_id(id_)
        if task is None or task.family != endpoint.family:
            raise invalid(f"Task not found by id/external id: {id_}")
        return task

    def page(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[Task]:
        """List an endpoint's tasks, newest first, by pageNum and pageSize."""
        number = _bounded(query, "pageNum", 1, 1000)
        return self.bench.store.list_page(
            endpoint.family, number, _bounded(query, "pageSize", 30, 500)
        )

    async def resume(self) -> None:
        """Draw again what a crash left undrawn."""
        for task, body in list(self.bench.store.unrendered()):
            try:
                request = parse_create_request(self.bench.rules.endpoints[task.family], body)
                self._draw(task, request, await self._gather(request))
            except (ApiError, KeyError) as problem:
                # Started with other rules, or an input is gone: the task cannot be made any more.
                self.bench.store.end(task.task_id, now_ms(), "failed", f"Interrupted: {problem}")

    async def _gather(self, request: CreateRequest) -> list[Material]:
        materials = await take_in(request.media_fields, self._path)
        materials += await session_materials(self.bench, request)
        check_materials(self.bench, request, materials)
        return materials

    def _path(self, kind: str, id_: str) -> Path:
        return self.bench.files.path(self.bench.find(kind, id_)["file"])

    def _duplicate(self, request: CreateRequest) -> Task | None:
        first = self.bench.store.find_by_external_id(request.external_id)
        if first is None or self.bench.faults.duplicates == "tolerate":
            return None
        if self.bench.faults.duplicates == "first":
            return first
        raise invalid(f"External_task_id {request.external_id} already exists")

    def _admit(
        self, request: CreateRequest, materials: list[Material], written: tuple[str, str]
    ) -> Task:
        bench = self.bench
        parent = request.body.get("video_id", "")
        mode = str(bench.find("video_id", parent)["mode"]) if parent else ""
        price = price_in_units(request, length(request, materials), mode)
        bench.check_funds(request.endpoint.pool, price)
        bench.check_slots(request.endpoint.pool, request.image_count)
        digest, text = written
        seed = derive_seed(bench.options.seed, digest, bench.store.count_equal(digest))
        task = self._new_task(request, materials, seed, f"{price.normalize():f}")
        bench.store.add(task, digest, text)
        return task

    def _new_task(
        self, request: CreateRequest, materials: list[Material], seed: int, price: str
    ) -> Task:
        now, id_ = now_ms(), new_id()
        clock = self.bench.rules.clock
        work = clock[f"{request.endpoint.makes}_seconds"] * 1000 * (0.85 + 0.3 * (seed % 997) / 996)
        work *= clock["slow_factor"] if "[slow]" in request.prompt_text else 1
        due = now + round(work / self.bench.options.speed)
        outcome, message = planned_outcome(request.prompt_text)
        drawn = sheets(request, materials, id_, seed)
        return Task(
            task_id=id_,
            external_id=request.external_id,
            family=request.endpoint.family,
            model=request.model.name if request.model else "",
            created_at=now,
            start_at=now + round((due - now) * clock["queue_part"]),
            due_at=due,
            end_at=due if outcome == "failed" else None,
            outcome=outcome,
            message=message,
            units=price,
            pool=request.endpoint.pool,
            slots=request.image_count,
            seed=seed,
            watermark=bool(request.body.get("watermark_info", {}).get("enabled")),
            callback_url=str(request.body.get("callback_url", "")),
            result=build_result(request, drawn, [new_id() for _ in drawn]),
            info=self._parent(request, materials),
        )

    def _parent(self, request: CreateRequest, materials: list[Material]) -> dict[str, Any]:
        """Tell which video a task works on, where the vendor does."""
        film = next((m for m in materials if m.role == request.endpoint.row.get("parent")), None)
        if film is None:
            return {}
        given = {**request.body, **request.body.get("input", {})}
        if "session" in request.endpoint.row:
            given = self.bench.session(request.endpoint.row["session"], request.body["session_id"])
        # A film that was not fetched is worked on as if it had the usual length.
        duration = f"{film.seconds or length(request, materials):g}"
        if given.get("video_id"):
            item = self.bench.find("video_id", given["video_id"])
            named = {"id": given["video_id"], "url": FILE + item["file"]}
        else:
            named = {"id": new_id(), "url": given["video_url"]}
        return {"parent_video": {**named, "duration": duration}}

    def _draw(self, task: Task, request: CreateRequest, materials: list[Material]) -> None:
        if task.end_at is not None:
            return
        extras = session_extras(self.bench, request)
        drawn = sheets(request, materials, task.task_id, task.seed, extras)
        self._register(task, request, drawn)

        def finish(error: Exception | None) -> None:
            # Kling's words reach the page; an exception's own may hold a path of this machine.
            said = f"Drawing failed ({type(error).__name__})."
            outcome, message = ("failed", said) if error else ("succeed", "")
            self.bench.store.end(task.task_id, now_ms(), outcome, message)

        self.bench.studio.begin(drawn, finish)

    def _register(self, task: Task, request: CreateRequest, drawn: list[Sheet]) -> None:
        """Let later requests refer to the videos and sounds by their ids."""
        record = {
            "family": task.family,
            "model": task.model,
            "mode": request.mode,
            "words": request.prompt_text,
        }
        if request.model is None and "video_id" in request.body:
            # A film made longer stays its model's work and can be made longer again.
            source = self.bench.find("video_id", request.body["video_id"])
            record |= {"model": source["model"], "mode": source["mode"]}
        for kind in ("video", "audio"):
            files = [sheet.file for sheet in drawn if sheet.kind == kind]
            for item, file in zip(task.result.get(f"{kind}s", []), files, strict=True):
                self.bench.store.put_record(
                    f"{kind}_id", item["id"], task.created_at, {**record, "file": file}
                )


def _write_down(request: CreateRequest) -> tuple[str, str]:
    """Condense a request and write it as JSON: slow for large pictures, so done in a thread."""
    return fingerprint(request), json.dumps(dict(request.body))


def _bounded(query: Mapping[str, str], name: str, default: int, high: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal() or len(value) > 9 or not 1 <= int(value) <= high:
        raise invalid(f"{name} out of range. Please provide a value between 1 and {high}.")
    return int(value)
