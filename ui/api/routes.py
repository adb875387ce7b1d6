"""The JSON routes; every error is `{"error": {code, message, fields}}`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kling_pipeline.catalog.declaration import Capability, Finding
from kling_pipeline.errors import InputError, NotFound, StudioError
from kling_pipeline.pipeline import Pipeline
from ui.api.callbacks import callback_route
from ui.api.files import file_routes
from ui.api.json_body import read_job_request, read_json
from ui.http.error_handlers import handle_http_exception, handle_studio_error
from ui.http.owner import OWNER
from ui.http.thread_pools import FILE_THREADS, KLING_THREADS

_T = TypeVar("_T")
ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def add_routes(app: FastAPI, pipeline: Pipeline, ready: Callable[[], bool]) -> None:
    """Add the JSON routes; call it before the page is mounted. `ready` returns whether the worker runs."""
    api = Api(pipeline, ready)
    routes: list[BaseRoute] = [
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
            *routes,
            *_other_methods(routes),
            Route("/api", _not_found, methods=ALL_METHODS),
            Route("/api/{rest:path}", _not_found, methods=ALL_METHODS),
        ]
    )
    app.add_exception_handler(StudioError, handle_studio_error)
    app.add_exception_handler(HTTPException, handle_http_exception)


class Api:
    """The JSON routes of one pipeline."""

    def __init__(self, pipeline: Pipeline, ready: Callable[[], bool]) -> None:
        self.pipeline, self.ready = pipeline, ready

    def healthz(self, request: Request) -> Response:
        """Respond 200 when a submit would be accepted and worked on, else 503."""
        if not self.ready():
            return JSONResponse({"ok": False}, status_code=503)
        try:
            self.pipeline.check()
        except StudioError as error:
            return JSONResponse({"ok": False, "error": error.as_dict()}, status_code=503)
        return JSONResponse({"ok": True})

    def capabilities(self, request: Request) -> Response:
        """List the capabilities with their models and request schemas."""
        return JSONResponse({"capabilities": _capabilities(self.pipeline)})

    def credits(self, request: Request) -> Response:
        """Return the balance: user, available, held, spent."""
        return JSONResponse(self.pipeline.credits(OWNER))

    async def doctor(self, request: Request) -> Response:
        """List problems and their remedies; it calls Kling, so it may take a minute."""
        report = await KLING_THREADS.run(self.pipeline.examine)
        return JSONResponse(report, headers={"Cache-Control": "no-store"})

    async def adopt(self, request: Request) -> Response:
        """Make a job for a paid task that has none: 201 with the job."""
        body = await read_json(request, {"task_id"})
        if not isinstance(body.get("task_id"), str):
            raise InputError.at("task_id", "Name a task.")
        job = await KLING_THREADS.run(self.pipeline.adopt_orphan, OWNER, body["task_id"])
        return JSONResponse({"jobs": [job]}, status_code=201)

    async def quote(self, request: Request) -> Response:
        """Return the price of a job request without submitting it."""
        body = await read_job_request(request)
        params = body.get("params", {})
        quote = await self._run_by_weight(
            self.pipeline.quote, OWNER, body["capability"], params, body.get("variant_count", 1)
        )
        price = {"price": quote.price, "each": quote.each, "working": quote.working}
        return JSONResponse({**price, **_split_findings(quote.findings)})

    async def submit(self, request: Request) -> Response:
        """Submit a job request: 201 with its jobs, 200 when its click_id was submitted before."""
        body = await read_job_request(request)
        submission = await self._run_by_weight(
            self.pipeline.submit,
            OWNER,
            body["capability"],
            body.get("params", {}),
            variant_count=body.get("variant_count"),
            template=body.get("template"),
            click_id=body.get("click_id"),
        )
        result = {
            "jobs": await run_in_threadpool(self.pipeline.show, submission),
            **_split_findings(submission.warnings),
        }
        return JSONResponse(result, status_code=201 if submission.created else 200)

    async def open_session(self, request: Request) -> Response:
        """Open a session, whose result decides the price: 201 with the session."""
        body = await read_json(request, {"capability", "params"})
        if not isinstance(body.get("capability"), str):
            raise InputError.at("capability", "Name a capability.")
        session = await KLING_THREADS.run(
            self.pipeline.open_session, OWNER, body["capability"], body.get("params", {})
        )
        return JSONResponse(session, status_code=201)

    async def _run_by_weight(
        self, work: Callable[..., _T], owner: str, capability: str, params: dict[str, Any],
        *more: Any, **named: Any,
    ) -> _T:  # fmt: skip
        """Run work with Base64 files on the threads of uploads, and all else on Starlette's pool."""
        if self.pipeline.brings_files(capability, params):
            return await FILE_THREADS.run(work, owner, capability, params, *more, **named)
        return await run_in_threadpool(work, owner, capability, params, *more, **named)

    def session(self, request: Request) -> Response:
        """Return a session with the results of its calls."""
        return JSONResponse(self.pipeline.session(OWNER, request.path_params["session_id"]))

    async def call_session(self, request: Request) -> Response:
        """Make one more call of a session; the call's params are the body, or its `params`."""
        body = await read_json(request, None)
        params = body["params"] if isinstance(body.get("params"), dict) else body
        path = request.path_params
        return JSONResponse(
            await KLING_THREADS.run(
                self.pipeline.call_session, OWNER, path["session_id"], path["call"], params
            )
        )

    async def jobs(self, request: Request) -> Response:
        """List the jobs changed since revision `?since=`, or the jobs before `?before=JOB_ID`."""
        if before := request.query_params.get("before"):
            older = await run_in_threadpool(self.pipeline.jobs_before, OWNER, before)
            return JSONResponse({"jobs": older})
        since = request.query_params.get("since", "0")
        if not since.isdecimal() or len(since) > 18:
            raise InputError.at("since", "since is a revision: a whole number from 0.")
        # Without a thread, so that many viewers do not take those of other routes.
        body = await asyncio.wrap_future(self.pipeline.change_feed.ask(OWNER, int(since)))
        headers = {"Cache-Control": "no-store"}
        return Response(body, media_type="application/json", headers=headers)

    def job(self, request: Request) -> Response:
        """Return one job, or 404."""
        return JSONResponse(self.pipeline.job(OWNER, request.path_params["job_id"]))

    def cancel(self, request: Request) -> Response:
        """Cancel a queued job; a later one is only marked, and Kling's result is kept."""
        return JSONResponse(self.pipeline.cancel(OWNER, request.path_params["job_id"]))

    def retry(self, request: Request) -> Response:
        """Continue a job that was set aside, or send an unknown one again."""
        return JSONResponse(self.pipeline.retry(OWNER, request.path_params["job_id"]))


def _other_methods(routes: Sequence[BaseRoute]) -> Iterator[Route]:
    """Yield a route with 405 for each path, or the page, which is mounted at /, would respond."""
    allowed: dict[str, set[str]] = {}
    for one in routes:
        if isinstance(one, Route):
            allowed.setdefault(one.path, set()).update(one.methods or ())
    for path, methods in allowed.items():
        yield Route(path, _refuse_method(", ".join(sorted(methods))), methods=ALL_METHODS)


def _refuse_method(allowed: str) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        raise HTTPException(405, headers={"Allow": allowed})

    return respond


def _not_found(request: Request) -> Response:
    raise NotFound("There is nothing here.")


def _split_findings(findings: Iterable[Finding]) -> dict[str, list[dict[str, Any]]]:
    """Separate warnings, about what is not sent as given, from hints at a better result."""
    shown = [finding.as_dict() for finding in findings]
    return {
        "warnings": [one for one in shown if one["severity"] != "hint"],
        "hints": [one for one in shown if one["severity"] == "hint"],
    }


def _schema(pipeline: Pipeline, capability: Capability) -> dict[str, Any]:
    """Return the request's JSON schema; the default model depends on the contract, not on the declaration."""
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
