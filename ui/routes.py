"""The JSON and media routes; every answer that is not one is `{"error": {code, message, fields}}`."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from kling_pipeline.errors import CreditError, InputError, NotFound, StudioError
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.settings import ROOT
from ui.names import speak

OWNER = "local"  # until sign-in exists
STATIC = Path(__file__).parent / "static"
SAMPLES = ROOT / "data" / "samples"
_BODY = {"capability", "params", "variant_count", "template", "click_id"}


def add_routes(app: FastAPI, pipeline: Pipeline, ready: Callable[[], bool]) -> None:
    """Puts the routes of design and media before the page; `ready` says whether a submit would be worked on."""
    _add_jobs(app, pipeline)
    _add_files(app, pipeline)

    @app.get("/healthz")
    def healthz() -> Response:
        good = ready()
        return JSONResponse({"ok": good}, status_code=200 if good else 503)

    @app.get("/api/capabilities")
    def capabilities() -> Response:
        return JSONResponse({"capabilities": _capabilities(pipeline)})

    @app.get("/api/credits")
    def credits() -> Response:
        return JSONResponse(pipeline.credits(OWNER))

    app.add_exception_handler(StudioError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(404, _refuse_http)


def _add_jobs(app: FastAPI, pipeline: Pipeline) -> None:
    @app.post("/api/quote")
    async def quote(request: Request) -> Response:
        body = await _read_order(request)
        body.pop("click_id", None)
        count = _count(body)
        return JSONResponse(
            await run_in_threadpool(
                pipeline.quote, OWNER, body["capability"], body.get("params", {}), count
            )
        )

    @app.post("/api/jobs")
    async def submit(request: Request) -> Response:
        body = await _read_order(request)
        submission = await run_in_threadpool(
            pipeline.submit,
            OWNER,
            body["capability"],
            body.get("params", {}),
            variant_count=_count(body),
            template=body.get("template"),
            click_id=body.get("click_id"),
        )
        answer = {
            "jobs": await run_in_threadpool(pipeline.show, submission),
            "warnings": [finding.as_dict() for finding in submission.warnings],
        }
        return JSONResponse(answer, status_code=201 if submission.created else 200)

    @app.get("/api/jobs")
    def jobs(request: Request) -> Response:
        if before := request.query_params.get("before"):
            return JSONResponse({"jobs": pipeline.jobs_before(OWNER, before)})
        since = request.query_params.get("since", "0")
        if not since.isdecimal() or len(since) > 18:
            raise InputError.at("since", "since is a revision: a whole number from 0.")
        return JSONResponse(
            pipeline.jobs_since(OWNER, int(since)), headers={"Cache-Control": "no-store"}
        )

    @app.get("/api/jobs/{job_id}")
    def job(job_id: str) -> Response:
        return JSONResponse(pipeline.job(OWNER, job_id))

    @app.post("/api/jobs/{job_id}/cancel")
    def cancel(job_id: str) -> Response:
        return JSONResponse(pipeline.cancel(OWNER, job_id))

    @app.post("/api/jobs/{job_id}/retry")
    def retry(job_id: str) -> Response:
        return JSONResponse(pipeline.retry(OWNER, job_id))


def _add_files(app: FastAPI, pipeline: Pipeline) -> None:
    @app.post("/api/uploads")
    async def upload(request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise InputError.at("file", "Send the file as multipart/form-data, field 'file'.")
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                raise InputError.at("file", "There is no file in field 'file'.")
            with tempfile.NamedTemporaryFile(dir=pipeline.settings.studio_data_dir) as part:
                while chunk := await file.read(1 << 20):
                    part.write(chunk)
                part.flush()
                asset = await run_in_threadpool(pipeline.upload, OWNER, Path(part.name))
        return JSONResponse({"asset": asset}, status_code=201)

    @app.get("/media/{asset_id}")
    def media(asset_id: str, request: Request) -> Response:
        asset = pipeline.asset(OWNER, asset_id)
        file, mime, name = asset["file"], asset["mime"], None
        if "poster" in request.query_params:
            file, mime = asset["poster_file"], "image/jpeg"
        elif "download" in request.query_params:
            name = _speaking_name(pipeline, asset)
        if file is None or not file.exists():
            raise NotFound("There is no such file.")
        return FileResponse(
            file,
            media_type=mime,
            filename=name,
            headers={"Cache-Control": "private, max-age=31536000, immutable"},
        )

    @app.get("/api/samples")
    def samples(request: Request) -> Response:
        wanted = request.query_params.get("capability")
        path = SAMPLES / "samples.toml"
        rows = tomllib.loads(path.read_text("utf-8"))["sample"] if path.exists() else []
        return JSONResponse(
            {"samples": [row for row in rows if wanted in (None, row["capability"])]}
        )

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/samples", StaticFiles(directory=SAMPLES, check_dir=False), name="samples")


async def _read_order(request: Request) -> dict[str, Any]:
    """The body of a quote or a submit; InputError names what is wrong with it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError("Send application/json.", code="unsupported_media_type")
    try:
        body = json.loads(await request.body(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", code="malformed_json") from None
    if not isinstance(body, dict):
        raise InputError("The body is not a JSON object.", code="malformed_json")
    if unknown := sorted(body.keys() - _BODY):
        raise InputError.at(unknown[0][:64], "There is no such field.")
    if not isinstance(body.get("capability"), str):
        raise InputError.at("capability", "Name a capability.")
    if not isinstance(body.get("params", {}), dict):
        raise InputError.at("params", "params is not an object.")
    click = body.get("click_id")
    if click is not None and not (isinstance(click, str) and 0 < len(click) <= 200):
        raise InputError.at("click_id", "click_id is a text of at most 200 characters.")
    if body.get("template") is not None:
        raise InputError.at("template", "There is no such template.")
    return body


def _count(body: dict[str, Any]) -> int:
    count = body.get("variant_count", 1)
    if isinstance(count, bool) or not isinstance(count, int):
        raise InputError.at("variant_count", "variant_count is a whole number.")
    return count


def _no_constant(name: str) -> Any:
    raise ValueError(name)


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
            "schema": capability.request.model_json_schema(),
        }
        for capability in pipeline.catalog.capabilities.values()
    ]


def _speaking_name(pipeline: Pipeline, asset: dict[str, Any]) -> str:
    suffix = Path(asset["path"]).suffix
    if asset["job_id"] is None:
        return f"{asset['id']}{suffix}"
    return speak(pipeline.job(OWNER, asset["job_id"]), asset["position"], suffix)


_STATUS = {"unsupported_media_type": 415, "malformed_json": 400, "file_too_large": 413}


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, StudioError)
    status = 500
    if isinstance(error, NotFound):
        status = 404
    elif isinstance(error, CreditError):
        status = 402
    elif isinstance(error, InputError):
        status = _STATUS.get(error.code, 422)
    return JSONResponse({"error": {"fields": {}, **error.as_dict()}}, status_code=status)


def _refuse_http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    said = {404: "There is nothing here.", 405: "This address takes another method."}
    message = said.get(status, str(getattr(error, "detail", "")))
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
    return JSONResponse(
        {"error": {"code": code, "message": message, "fields": {}}},
        status_code=status,
        headers=getattr(error, "headers", None),
    )
