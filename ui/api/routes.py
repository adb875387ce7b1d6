"""The JSON routes; every answer that is not one is `{"error": {code, message, fields}}`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kling_pipeline.catalog.declaration import Capability
from kling_pipeline.errors import InputError, NotFound, StudioError
from kling_pipeline.pipeline import Pipeline
from ui.api.callbacks import callback_route
from ui.api.files import file_routes
from ui.api.json_body import read_json, read_order
from ui.http.error_handlers import handle_http_exception, handle_studio_error
from ui.http.owner import OWNER
from ui.http.thread_pools import FILE_THREADS, KLING_THREADS

_T = TypeVar("_T")
ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def add_routes(app: FastAPI, pipeline: Pipeline, ready: Callable[[], bool]) -> None:
    """Puts the JSON routes before the page; `ready` says whether a submit would be accepted and worked on."""
    api = Api(pipeline, ready)
    ours: list[BaseRoute] = [
        Route("/healthz", api.healthz),
        Route("/api/capabilities", api.capabilities),
        Route("/api/credits", api.credits),
        Route("/api/doctor", api.doctor),
        Route("/api/doctor/adopt", api.adopt, methods=["POST"]),
        Route("/api/quote", api.quote, methods=["POST"]),
        Route("/api/jobs", api.submit, methods=["POST"]),
        Route("/api/jobs", api.jobs),
        Route("/api/jobs/{job_id}", api.job),
        Route("/api/sessions", api.open_session, methods=["POST"]),
        Route("/api/sessions/{session_id}", api.session),
        Route("/api/sessions/{session_id}/{call}", api.call_session, methods=["POST"]),
        Route("/api/jobs/{job_id}/cancel", api.cancel, methods=["POST"]),
        Route("/api/jobs/{job_id}/retry", api.retry, methods=["POST"]),
        *file_routes(pipeline),
        callback_route(pipeline),
    ]
    app.router.routes.extend(
        [
            *ours,
            *_other_methods(ours),
            Route("/api", _nothing, methods=ANY),
            Route("/api/{rest:path}", _nothing, methods=ANY),
        ]
    )
    app.add_exception_handler(StudioError, handle_studio_error)
    app.add_exception_handler(HTTPException, handle_http_exception)


class Api:
    """The JSON routes of one pipeline."""

    def __init__(self, pipeline: Pipeline, ready: Callable[[], bool]) -> None:
        self.pipeline, self.ready = pipeline, ready

    def healthz(self, request: Request) -> Response:
        """200 as soon as a submit would be accepted and worked on, 503 while nothing can be kept."""
        if not self.ready():
            return JSONResponse({"ok": False}, status_code=503)
        try:
            self.pipeline.check()
        except StudioError as error:
            return JSONResponse({"ok": False, "error": error.as_dict()}, status_code=503)
        return JSONResponse({"ok": True})

    def capabilities(self, request: Request) -> Response:
        """What can be asked for."""
        return JSONResponse({"capabilities": _capabilities(self.pipeline)})

    def credits(self, request: Request) -> Response:
        """The balance."""
        return JSONResponse(self.pipeline.credits(OWNER))

    async def doctor(self, request: Request) -> Response:
        """What is wrong and how to mend it; asks Kling, so it may take a while."""
        found = await KLING_THREADS.run(self.pipeline.examine)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def adopt(self, request: Request) -> Response:
        """Takes up a paid task that no job waits for: 201 with its job."""
        body = await read_json(request, {"task_id"})
        if not isinstance(body.get("task_id"), str):
            raise InputError.at("task_id", "Name a task.")
        job = await KLING_THREADS.run(self.pipeline.adopt_orphan, OWNER, body["task_id"])
        return JSONResponse({"jobs": [job]}, status_code=201)

    async def quote(self, request: Request) -> Response:
        """The price of a click that is not made."""
        body = await read_order(request)
        params = body.get("params", {})
        quoted = await self._measured(
            self.pipeline.quote, OWNER, body["capability"], params, body.get("variant_count", 1)
        )
        return JSONResponse({**quoted, **_sorted(quoted["warnings"])})

    async def submit(self, request: Request) -> Response:
        """One click: 201 with its jobs, 200 when it was made before."""
        body = await read_order(request)
        submission = await self._measured(
            self.pipeline.submit,
            OWNER,
            body["capability"],
            body.get("params", {}),
            variant_count=body.get("variant_count"),
            template=body.get("template"),
            click_id=body.get("click_id"),
        )
        answer = {
            "jobs": await run_in_threadpool(self.pipeline.show, submission),
            **_sorted([finding.as_dict() for finding in submission.warnings]),
        }
        return JSONResponse(answer, status_code=201 if submission.created else 200)

    async def open_session(self, request: Request) -> Response:
        """The call that a person needs before the price can be shown: 201 with the session."""
        body = await read_json(request, {"capability", "params"})
        if not isinstance(body.get("capability"), str):
            raise InputError.at("capability", "Name a capability.")
        session = await KLING_THREADS.run(
            self.pipeline.open_session, OWNER, body["capability"], body.get("params", {})
        )
        return JSONResponse(session, status_code=201)

    async def _measured(
        self, work: Callable[..., _T], owner: str, capability: str, params: dict[str, Any],
        *more: Any, **named: Any,
    ) -> _T:  # fmt: skip
        """Runs what brings files in Base64 where uploads run, and all else among the light work."""
        if self.pipeline.brings_files(capability, params):
            return await FILE_THREADS.run(work, owner, capability, params, *more, **named)
        return await run_in_threadpool(work, owner, capability, params, *more, **named)

    def session(self, request: Request) -> Response:
        """A session and what its calls answered."""
        return JSONResponse(self.pipeline.session(OWNER, request.path_params["session_id"]))

    async def call_session(self, request: Request) -> Response:
        """One more call of a session; its params are the body, or its `params`."""
        body = await read_json(request, None)
        params = body["params"] if isinstance(body.get("params"), dict) else body
        path = request.path_params
        return JSONResponse(
            await KLING_THREADS.run(
                self.pipeline.call_session, OWNER, path["session_id"], path["call"], params
            )
        )

    async def jobs(self, request: Request) -> Response:
        """What changed since a revision, or the older ones before a job."""
        if before := request.query_params.get("before"):
            older = await run_in_threadpool(self.pipeline.jobs_before, OWNER, before)
            return JSONResponse({"jobs": older})
        since = request.query_params.get("since", "0")
        if not since.isdecimal() or len(since) > 18:
            raise InputError.at("since", "since is a revision: a whole number from 0.")
        # No thread waits for it, so that a crowd of viewers takes no other route's.
        body = await asyncio.wrap_future(self.pipeline.viewers.ask(OWNER, int(since)))
        headers = {"Cache-Control": "no-store"}
        return Response(body, media_type="application/json", headers=headers)

    def job(self, request: Request) -> Response:
        """One job."""
        return JSONResponse(self.pipeline.job(OWNER, request.path_params["job_id"]))

    def cancel(self, request: Request) -> Response:
        """Cancels while queued; later it is a wish."""
        return JSONResponse(self.pipeline.cancel(OWNER, request.path_params["job_id"]))

    def retry(self, request: Request) -> Response:
        """Takes up what was set aside, sends again what is unknown."""
        return JSONResponse(self.pipeline.retry(OWNER, request.path_params["job_id"]))


def _other_methods(routes: Sequence[BaseRoute]) -> Iterator[Route]:
    """For each of our addresses an answer to the methods it does not take; else the page below would answer."""
    allowed: dict[str, set[str]] = {}
    for one in routes:
        if isinstance(one, Route):
            allowed.setdefault(one.path, set()).update(one.methods or ())
    for path, methods in allowed.items():
        yield Route(path, _refuse_method(", ".join(sorted(methods))), methods=ANY)


def _refuse_method(allowed: str) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        raise HTTPException(405, headers={"Allow": allowed})

    return respond


def _nothing(request: Request) -> Response:
    raise NotFound("There is nothing here.")


def _sorted(findings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Warnings say what is not sent as it was given; hints only how it could come out better."""
    return {
        "warnings": [one for one in findings if one["severity"] != "hint"],
        "hints": [one for one in findings if one["severity"] == "hint"],
    }


def _schema(pipeline: Pipeline, capability: Capability) -> dict[str, Any]:
    """The request's schema; which model is the default is for the contract to say, not for the declaration."""
    schema = capability.request.model_json_schema()
    if "model_name" in schema["properties"]:
        models = pipeline.catalog.models(capability.id)
        schema["properties"]["model_name"]["default"] = models[0].name
    return schema


def _capabilities(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {
            "id": capability.id,
            "title": capability.title,
            "group": capability.group,
            "makes": capability.makes,
            "credit_key": capability.credit_key,
            "models": [
                {"name": model.name, "status": model.status, "default": model.default}
                for model in pipeline.catalog.models(capability.id)
            ],
            "schema": _schema(pipeline, capability),
        }
        for capability in pipeline.catalog.capabilities.values()
    ]
