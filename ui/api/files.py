"""The routes of files: uploads, results with Range, samples, static files of the page."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kling_pipeline.errors import InputError, NotFound
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.settings import ROOT
from ui.api.download_name import make_download_name
from ui.http.owner import OWNER
from ui.http.thread_pools import FILE_THREADS

STATIC = Path(__file__).parent.parent / "static"
SAMPLES = ROOT / "data" / "samples"
# Larger parts go to the disk: hundreds of slow uploads would fill the memory.
MultiPartParser.spool_max_size = 64 * 1024
GRADIO = ("gradio", "templates/frontend/static")
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}


def file_routes(pipeline: Pipeline) -> list[BaseRoute]:
    """Return the routes; put them before the page, which serves some of the same paths."""
    files = Files(pipeline)
    return [
        Route("/api/uploads", files.upload, methods=["POST"]),
        Route("/api/samples", files.samples),
        Route("/media/{asset_id}", files.media),
        # Gradio serves its fonts under the same path: what is not ours is looked for there.
        Mount("/static", StaticFiles(directory=STATIC, packages=[GRADIO])),
        Mount("/samples", StaticFiles(directory=SAMPLES, check_dir=False)),
    ]


class Files:
    """The routes of one pipeline's files."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    async def upload(self, request: Request) -> Response:
        """Store one file: 201 with the asset; its type is read from its bytes, not from its name."""
        kind = request.headers.get("content-type", "").lower()
        if not kind.startswith("multipart/form-data"):
            raise InputError.at("file", "Send the file as multipart/form-data, field 'file'.")
        async with request.form(max_files=1, max_fields=8) as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                raise InputError.at("file", "There is no file in field 'file'.")
            with tempfile.NamedTemporaryFile(dir=self.pipeline.engine.incoming) as part:
                while chunk := await file.read(1 << 20):
                    part.write(chunk)
                part.flush()
                try:
                    asset = await FILE_THREADS.run(self.pipeline.upload, OWNER, Path(part.name))
                except InputError as error:
                    raise InputError.at("file", error.message, code=error.code) from None
        return JSONResponse({"asset": asset}, status_code=201)

    def media(self, request: Request) -> Response:
        """Send a stored file; `?poster` its poster, `?download` as an attachment with a descriptive name."""
        asset = self.pipeline.asset(OWNER, request.path_params["asset_id"])
        file, mime, name = asset["file"], asset["mime"], None
        if "poster" in request.query_params:
            file, mime = asset["poster_file"], "image/jpeg"
        elif "download" in request.query_params:
            name = self._download_name(asset)
        if file is None or not file.exists():
            raise NotFound("There is no such file.")
        return FileResponse(file, media_type=mime, filename=name, headers=_FOREVER)

    def samples(self, request: Request) -> Response:
        """List the samples of `?capability=`, or of all."""
        wanted = request.query_params.get("capability")
        path = SAMPLES / "samples.toml"
        rows = tomllib.loads(path.read_text("utf-8"))["sample"] if path.exists() else []
        shown = [row for row in rows if wanted in (None, row["capability"])]
        return JSONResponse({"samples": shown})

    def _download_name(self, asset: dict[str, Any]) -> str:
        suffix = Path(asset["path"]).suffix
        if asset["job_id"] is None:
            return f"{asset['id']}{suffix}"
        return make_download_name(
            self.pipeline.job(OWNER, asset["job_id"]), asset["position"], suffix
        )
