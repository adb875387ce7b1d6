"""Who may knock: the Host must be ours, the Origin this site; and which part of the address is the proxy's."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kling_pipeline.settings import Settings
from ui.middleware.origins import Host, is_at, parse_host, parse_origin

_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_FOR_KLING = "/callbacks/"  # what the public name is for while there is no sign-in
# Anybody may write these; where the studio stands outside, STUDIO_PUBLIC_URL says.
_CLAIMS = (b"x-forwarded-", b"x-gradio-", b"x-original-", b"x-rewrite-")
_CLAIM = {b"forwarded", b"x-real-ip"}
_KEYS = (
    "With keys set, only Kling's callbacks answer under the public name, because there is no sign-in "
    "yet. Open the studio on this machine under its own address, or unset the keys for a demo."
)
_PROXY = "If this is the studio behind a reverse proxy, set STUDIO_PUBLIC_URL to the address that "


class Gate:
    """ASGI middleware: 403 for a foreign Host or Origin; what passes has no prefix and no claims of a proxy."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.prefix = app, settings.public_path
        own = parse_host(f"[{settings.host}]" if ":" in settings.host else settings.host)
        self.hosts = _LOCAL | ({own.name} if own else set())
        site = parse_origin(_site(settings.studio_public_url))
        self.public = {site.name} - self.hosts if site else set()
        space = parse_host(os.environ.get("SPACE_HOST", ""))
        self.hosts |= {space.name} if space else set()
        # With keys the name of the outside must not order anything: there is no sign-in.
        self.sites = {site} if site and (settings.demo or site.name in _LOCAL) else set()
        if settings.demo:
            self.hosts |= self.public
        self.keyed = self.public if not settings.demo else set()
        self.any_address = settings.host in ("0.0.0.0", "::")
        self.hosts -= {"0.0.0.0", "[::]"}
        self.outside = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass, or answers it."""
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, scope = scope["path"], self._stripped(scope)
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        host = parse_host(hosts[0]) if len(hosts) == 1 else None
        if not scope["path"].startswith("/"):
            refusal = 400, "bad_request", "The address begins with a slash."
        elif host is None or not self._is_ours(host, scope["path"]):
            refusal = 403, "foreign_host", self._why_not(host)
        elif origins and not self._is_same(origins, host):
            refusal = 403, "foreign_origin", self._why_foreign(origins[0])
        elif self.prefix and asked == self.prefix:
            # Relative addresses on the page need the last slash.
            query = scope.get("query_string", b"").decode("latin-1")
            moved = f"{self.prefix}/?{query}" if query else f"{self.prefix}/"
            await RedirectResponse(moved, 308)(scope, receive, send)
            return
        else:
            await self.app(self._placed(scope, host), receive, send)
            return
        await _refuse(*refusal)(scope, receive, send)

    def _stripped(self, scope: Scope) -> Scope:
        """The request as it is without a proxy: some take the prefix off, some leave it on."""
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if not name.lower().startswith(_CLAIMS) and name.lower() not in _CLAIM
        ]
        scope, prefix = {**scope, "headers": headers}, self.prefix
        if prefix and f"{scope['path']}/".startswith(f"{prefix}/"):
            scope["path"] = scope["path"][len(prefix) :] or "/"
            scope["raw_path"] = scope.get("raw_path", b"")[len(prefix) :] or b"/"
        return scope

    def _placed(self, scope: Scope, host: Host) -> Scope:
        """With the scheme that a browser outside uses, for the addresses that Gradio builds."""
        seen = self.outside
        return {**scope, "scheme": seen.scheme} if seen and is_at(seen, host) else scope

    def _is_ours(self, host: Host, path: str) -> bool:
        if host.name in self.hosts or (host.name in self.public and path.startswith(_FOR_KLING)):
            return True
        if not self.any_address:
            return False
        try:
            # A rebinding attack needs a name; an address in the Host is the one that was dialled.
            ipaddress.ip_address(host.name.strip("[]"))
        except ValueError:
            return False
        return True

    def _is_same(self, origins: list[str], host: Host) -> bool:
        site = parse_origin(origins[0]) if len(origins) == 1 else None
        return site is not None and (is_at(site, host) or site in self.sites)

    def _why_not(self, host: Host | None) -> str:
        if host is not None and host.name in self.keyed:
            return _KEYS
        return f"This studio does not answer to that name. {_PROXY}people open, and start it again."

    def _why_foreign(self, origin: str) -> str:
        site = parse_origin(origin)
        if site is not None and site == self.outside:
            return _KEYS
        return (
            f"Another site may not ask this studio. {_PROXY}stands in the browser, port included "
            "(for example http://localhost:8080), and start it again."
        )


def _site(address: str | None) -> str:
    parts = urlsplit(address or "")
    return f"{parts.scheme}://{parts.netloc}"


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _refuse(status: int, code: str, sentence: str) -> JSONResponse:
    said = {"code": code, "message": sentence, "fields": {}}
    return JSONResponse({"error": said}, status_code=status)
