"""The service: create, call, find and list tasks, and resume them after a crash."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.simulator.auth import Credential
from kling_pipeline.simulator.callbacks import CallbackBody, Callbacks
from kling_pipeline.simulator.calls.registry import CALLS
from kling_pipeline.simulator.calls.sessions import chosen_face_box, session_inputs
from kling_pipeline.simulator.context import Context
from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.files import FILE_PREFIX
from kling_pipeline.simulator.inputs.checks import check_inputs
from kling_pipeline.simulator.inputs.probe import InputFile
from kling_pipeline.simulator.inputs.reader import read_inputs
from kling_pipeline.simulator.render.plan import plan_render, result_seconds
from kling_pipeline.simulator.rules.create_request import CreateRequest
from kling_pipeline.simulator.rules.loader import Endpoint
from kling_pipeline.simulator.rules.prices import price_in_units
from kling_pipeline.simulator.rules.validation import parse_create_request
from kling_pipeline.simulator.tasks.result import build_result
from kling_pipeline.simulator.tasks.task import (
    Task,
    derive_seed,
    fingerprint,
    new_id,
    now_ms,
    planned_outcome,
)


class Service:
    """Accepts requests whose key or token was checked; each public method serves a kind of route."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.callbacks = Callbacks(context.store.get, context.options.webhook_secret)

    async def create(
        self,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        credential: Credential,
        callback_body: CallbackBody,
    ) -> Task:
        """Create a task; raises ApiError for a request that the real service would not accept."""
        request = parse_create_request(endpoint, body)
        inputs = await self._read_inputs(request)
        digest, serialized = await asyncio.to_thread(_serialize, request)
        # All this took time, and a token that expired meanwhile must not create a task.
        credential.check()
        first = self._find_duplicate(request)
        if first is not None:
            return first
        price = self._price(request, inputs)
        seed = derive_seed(
            self.context.options.seed, digest, self.context.store.count_equal(digest)
        )
        id_ = new_id()
        jobs = self._plan(request, inputs, id_, seed)
        task = self._new_task(request, id_, seed, price, jobs, self._parent(request, inputs))
        self.context.store.add(task, digest, serialized)
        self._render(task, request, jobs)
        if task.callback_url:
            self.callbacks.follow(task, callback_body)
        return task

    async def call(
        self, endpoint: Endpoint, body: Mapping[str, Any], credential: Credential
    ) -> dict[str, Any]:
        """Respond to a synchronous call with its result; raises ApiError as a create does."""
        request = parse_create_request(endpoint, body)
        inputs = await self._read_inputs(request)
        credential.check()
        price = price_in_units(request, 0)
        self.context.check_balance(endpoint.pool, price)
        data = await CALLS[endpoint.family](self.context, request, inputs)
        return {**data, "final_unit_deduction": self.context.charge(endpoint.pool, price)}

    def find_task(self, endpoint: Endpoint, id_: str) -> Task:
        """Find a task of an endpoint by its id or its external id; raises ApiError 1201."""
        store = self.context.store
        task = store.get(id_)
        if task is None and endpoint.row.get("by_external", True):
            task = store.find_by_external_id(id_)
        if task is None or task.family != endpoint.family:
            raise invalid(f"Task not found by id/external id: {id_}")
        return task

    def list_tasks(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[Task]:
        """List an endpoint's tasks, newest first, by pageNum and pageSize; raises ApiError 1201."""
        number, size = _bounded(query, "pageNum", 1, 1000), _bounded(query, "pageSize", 30, 500)
        return self.context.store.list_page(endpoint.family, number, size)

    async def resume(self) -> None:
        """Render what a crash left unrendered."""
        for task, body in list(self.context.store.unrendered()):
            try:
                request = parse_create_request(self.context.rules.endpoints[task.family], body)
                inputs = await self._read_inputs(request)
                self._render(task, request, self._plan(request, inputs, task.task_id, task.seed))
            except (ApiError, KeyError) as error:
                # Started with other rules, or an input is gone: the task cannot be done any more.
                message = f"Interrupted: {error}"
                self.context.store.end(task.task_id, now_ms(), "failed", message)

    async def _read_inputs(self, request: CreateRequest) -> list[InputFile]:
        inputs = await read_inputs(request.media_fields, self._path)
        inputs += await session_inputs(self.context, request)
        check_inputs(self.context, request, inputs)
        return inputs

    def _path(self, kind: str, id_: str) -> Path:
        return self.context.files.path(self.context.find_media(kind, id_)["file"])

    def _find_duplicate(self, request: CreateRequest) -> Task | None:
        first = self.context.store.find_by_external_id(request.external_id)
        if first is None or self.context.faults.duplicates == "tolerate":
            return None
        if self.context.faults.duplicates == "first":
            return first
        raise invalid(f"External_task_id {request.external_id} already exists")

    def _price(self, request: CreateRequest, inputs: list[InputFile]) -> str:
        """Price a create in units; raises ApiError 1102 or 1303 if the account's pack is used up."""
        source, pool = request.body.get("video_id", ""), request.endpoint.pool
        mode = str(self.context.find_media("video_id", source)["mode"]) if source else ""
        price = price_in_units(request, result_seconds(request, inputs), mode)
        self.context.check_balance(pool, price)
        self.context.check_concurrency(pool, request.image_count)
        return f"{price.normalize():f}"

    def _plan(
        self, request: CreateRequest, inputs: list[InputFile], task_id: str, seed: int
    ) -> list[RenderJob]:
        face_box = chosen_face_box(self.context, request)
        return plan_render(request, inputs, task_id, seed, face_box)

    def _new_task(
        self,
        request: CreateRequest,
        id_: str,
        seed: int,
        price: str,
        jobs: list[RenderJob],
        info: dict[str, Any],
    ) -> Task:
        now, clock = now_ms(), self.context.rules.clock
        work = clock[f"{request.endpoint.makes}_seconds"] * 1000 * (0.85 + 0.3 * (seed % 997) / 996)
        work *= clock["slow_factor"] if "[slow]" in request.prompt_text else 1
        due = now + round(work / self.context.options.speed)
        outcome, message = planned_outcome(request.prompt_text)
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
            result=build_result(request, jobs, [new_id() for _ in jobs]),
            info=info,
        )

    def _parent(self, request: CreateRequest, inputs: list[InputFile]) -> dict[str, Any]:
        """Name the source video of a task, where the vendor does."""
        row = request.endpoint.row
        source = next((one for one in inputs if one.role == row.get("parent")), None)
        if source is None:
            return {}
        given = {**request.body, **request.body.get("input", {})}
        if "session" in row:
            given = self.context.find_session(row["session"], request.body["session_id"])
        # A video that was not fetched counts as one of the usual length.
        duration = f"{source.seconds or result_seconds(request, inputs):g}"
        if given.get("video_id"):
            record = self.context.find_media("video_id", given["video_id"])
            named = {"id": given["video_id"], "url": FILE_PREFIX + record["file"]}
        else:
            named = {"id": new_id(), "url": given["video_url"]}
        return {"parent_video": {**named, "duration": duration}}

    def _render(self, task: Task, request: CreateRequest, jobs: list[RenderJob]) -> None:
        if task.end_at is not None:
            return
        self._register_outputs(task, request, jobs)

        def finish(error: Exception | None) -> None:
            # The message reaches the client; an exception's own may hold a path of this machine.
            text = f"Drawing failed ({type(error).__name__})."
            outcome, message = ("failed", text) if error else ("succeed", "")
            self.context.store.end(task.task_id, now_ms(), outcome, message)

        self.context.renderer.start(jobs, finish)

    def _register_outputs(self, task: Task, request: CreateRequest, jobs: list[RenderJob]) -> None:
        """Store the ids of videos and sounds, which later requests may refer to."""
        record = {
            "family": task.family,
            "model": task.model,
            "mode": request.mode,
            "words": request.prompt_text,
        }
        if request.model is None and "video_id" in request.body:
            # An extended video keeps its model, so that it can be extended again.
            source = self.context.find_media("video_id", request.body["video_id"])
            record |= {"model": source["model"], "mode": source["mode"]}
        for kind in ("video", "audio"):
            files = [job.file for job in jobs if job.kind == kind]
            for output, file in zip(task.result.get(f"{kind}s", []), files, strict=True):
                self.context.store.put_record(
                    f"{kind}_id", output["id"], task.created_at, {**record, "file": file}
                )


def _serialize(request: CreateRequest) -> tuple[str, str]:
    """Return the fingerprint and the JSON of a request: slow for large images."""
    return fingerprint(request), json.dumps(dict(request.body))


def _bounded(query: Mapping[str, str], name: str, default: int, high: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal() or len(value) > 9 or not 1 <= int(value) <= high:
        raise invalid(f"{name} out of range. Please provide a value between 1 and {high}.")
    return int(value)
