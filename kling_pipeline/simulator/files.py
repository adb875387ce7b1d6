"""Result links: signed, ending after 30 days, on the origin that the request came to."""

from __future__ import annotations

import hmac
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}


class Files:
    """The folder of results and the key that signs links to it."""

    def __init__(self, folder: Path, key: str, days: float) -> None:
        self.folder = folder
        self._key = key.encode()
        self._seconds = int(days * 86_400)
        self._edition: dict[str, int] = {}

    def path(self, name: str) -> Path:
        """Say where a file of this name is kept."""
        return self.folder / name

    def link(self, origin: str, name: str, created_at: int) -> str:
        """Sign an address that works until 30 days after the task was made (ms)."""
        expires = created_at // 1000 + self._seconds
        return f"{origin}/files/{self._sign(name, expires)}/{name}?Expires={expires}"

    def expire(self, name: str) -> None:
        """End all links to a file that were given out so far; new ones work."""
        self._edition[name] = self._edition.get(name, 0) + 1

    async def answer(self, request: Request) -> Response:
        """Serve a file, whole or in ranges; 403 for a link that is forged or has ended."""
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
        text = f"{name}:{expires}:{self._edition.get(name, 0)}"
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()[:40]


def origin(request: Request) -> str:
    """Tell the origin that a request was sent to, by its Host header."""
    return f"{request.url.scheme}://{request.url.netloc}"
