"""Result files and the signed links to them, on the origin that the request came to."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

Link = Callable[[str, int], str]  # (name of a file, ms since which it lives) → its address
FILE_PREFIX = "file:"  # marks a string in a stored result as the name of a file
_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}


class Files:
    """The folder of result files and the key that signs links to them; `days` is how long one lives."""

    def __init__(self, folder: Path, key: str, days: float) -> None:
        self.folder = folder
        self._key = key.encode()
        self._seconds = int(days * 86_400)
        self._link_version: dict[str, int] = {}

    def path(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.folder / name

    def link(self, origin: str, name: str, created_at: int) -> str:
        """Sign an address that ends some `days` after `created_at` (ms)."""
        expires = created_at // 1000 + self._seconds
        return f"{origin}/files/{self._sign(name, expires)}/{name}?Expires={expires}"

    def links_for(self, request: Request) -> Link:
        """Return a signer of links on the origin that a request was sent to."""
        return partial(self.link, f"{request.url.scheme}://{request.url.netloc}")

    def expire(self, name: str) -> None:
        """End all links to a file that exist so far; new ones work."""
        self._link_version[name] = self._link_version.get(name, 0) + 1

    async def serve(self, request: Request) -> Response:
        """Respond with a file, whole or in ranges; 403 for a link that is forged or has ended."""
        name = request.path_params["name"]
        expires = request.query_params.get("Expires", "")
        if not expires.isdecimal() or int(expires) <= time.time():
            return PlainTextResponse("Expired", 403)
        good = self._sign(name, int(expires))
        if not hmac.compare_digest(good.encode(), request.path_params["sign"].encode()):
            return PlainTextResponse("Forbidden", 403)
        path = self.path(name)
        if not path.is_file():
            return PlainTextResponse("Not Found", 404)
        return FileResponse(path, media_type=_TYPES.get(path.suffix))

    def _sign(self, name: str, expires: int) -> str:
        text = f"{name}:{expires}:{self._link_version.get(name, 0)}"
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()[:40]


def with_links(value: Any, created_at: int, link: Link) -> Any:
    """Copy a stored result with a link in place of each file; links live from `created_at` (ms)."""
    if isinstance(value, str) and value.startswith(FILE_PREFIX):
        return link(value.removeprefix(FILE_PREFIX), created_at)
    if isinstance(value, Mapping):
        return {name: with_links(one, created_at, link) for name, one in value.items()}
    if isinstance(value, list):
        return [with_links(one, created_at, link) for one in value]
    return value
