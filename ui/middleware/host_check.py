"""Check the Host and Origin headers, and take off the path and the headers of a reverse proxy."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kling_pipeline.settings import Settings
from ui.middleware.origins import Host, is_same_site, parse_host, parse_origin

_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_CALLBACKS = "/callbacks/"  # with keys, all that answers under the public name
# Any client may send these, so they are dropped; STUDIO_PUBLIC_URL holds the outside address.
_PROXY_PREFIXES = (b"x-forwarded-", b"x-gradio-", b"x-original-", b"x-rewrite-")
_PROXY_NAMES = {b"forwarded", b"x-real-ip"}
_NO_SIGN_IN = (
    "With keys set, only Kling's callbacks answer under the public name, because there is no sign-in "
    "yet. Open the studio on this machine under its own address, or unset the keys for a demo."
)
_HINT = "If this is the studio behind a reverse proxy, set STUDIO_PUBLIC_URL to the address that "


class HostCheckMiddleware:
    """Responds 403 to a foreign Host or Origin; passes requests on without a proxy's path prefix and headers.

    It protects against DNS rebinding and cross-site requests, since there is no sign-in that would.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.prefix = app, settings.public_path
        own = parse_host(f"[{settings.host}]" if ":" in settings.host else settings.host)
        self.hosts = _LOCAL | ({own.name} if own else set())
        public = parse_origin(_origin(settings.studio_public_url))
        self.public_hosts = {public.name} - self.hosts if public else set()
        space = parse_host(os.environ.get("SPACE_HOST", ""))
        self.hosts |= {space.name} if space else set()
        # With keys a page under the public name must not spend credits: there is no sign-in.
        self.origins = {public} if public and (settings.demo or public.name in _LOCAL) else set()
        if settings.demo:
            self.hosts |= self.public_hosts
        self.callback_hosts = self.public_hosts if not settings.demo else set()
        self.any_address = settings.host in ("0.0.0.0", "::")
        self.hosts -= {"0.0.0.0", "[::]"}
        self.public_origin = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, redirect it, or refuse it."""
        if scope["type"] == "websocket":  # no route accepts one
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, scope = scope["path"], self._strip_proxy(scope)
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        host = parse_host(hosts[0]) if len(hosts) == 1 else None
        if not scope["path"].startswith("/"):
            refusal = 400, "bad_request", "The address begins with a slash."
        elif host is None or not self._is_allowed_host(host, scope["path"]):
            refusal = 403, "foreign_host", self._explain_host(host)
        elif origins and not self._is_allowed_origin(origins, host):
            refusal = 403, "foreign_origin", self._explain_origin(origins[0])
        elif self.prefix and path == self.prefix:
            # Relative URLs on the page need the last slash.
            query = scope.get("query_string", b"").decode("latin-1")
            target = f"{self.prefix}/?{query}" if query else f"{self.prefix}/"
            await RedirectResponse(target, 308)(scope, receive, send)
            return
        else:
            await self.app(self._with_public_scheme(scope, host), receive, send)
            return
        await _refuse(*refusal)(scope, receive, send)

    def _strip_proxy(self, scope: Scope) -> Scope:
        """Return the request as without a proxy; some proxies take the prefix off, some leave it on."""
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if not name.lower().startswith(_PROXY_PREFIXES) and name.lower() not in _PROXY_NAMES
        ]
        scope, prefix = {**scope, "headers": headers}, self.prefix
        if prefix and f"{scope['path']}/".startswith(f"{prefix}/"):
            scope["path"] = scope["path"][len(prefix) :] or "/"
            scope["raw_path"] = scope.get("raw_path", b"")[len(prefix) :] or b"/"
        return scope

    def _with_public_scheme(self, scope: Scope, host: Host) -> Scope:
        """Set the scheme that the browser uses, for the URLs that Gradio builds."""
        public = self.public_origin
        if public and is_same_site(public, host):
            return {**scope, "scheme": public.scheme}
        return scope

    def _is_allowed_host(self, host: Host, path: str) -> bool:
        if host.name in self.hosts or (
            host.name in self.public_hosts and path.startswith(_CALLBACKS)
        ):
            return True
        if not self.any_address:
            return False
        try:
            # DNS rebinding needs a name; an IP address in Host is the one that the client connected to.
            ipaddress.ip_address(host.name.strip("[]"))
        except ValueError:
            return False
        return True

    def _is_allowed_origin(self, origins: list[str], host: Host) -> bool:
        site = parse_origin(origins[0]) if len(origins) == 1 else None
        return site is not None and (is_same_site(site, host) or site in self.origins)

    def _explain_host(self, host: Host | None) -> str:
        if host is not None and host.name in self.callback_hosts:
            return _NO_SIGN_IN
        return f"This studio does not answer to that name. {_HINT}people open, and start it again."

    def _explain_origin(self, origin: str) -> str:
        site = parse_origin(origin)
        if site is not None and site == self.public_origin:
            return _NO_SIGN_IN
        return (
            f"Another site may not ask this studio. {_HINT}stands in the browser, port included "
            "(for example http://localhost:8080), and start it again."
        )


def _origin(address: str | None) -> str:
    parts = urlsplit(address or "")
    return f"{parts.scheme}://{parts.netloc}"


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _refuse(status: int, code: str, sentence: str) -> JSONResponse:
    error = {"code": code, "message": sentence, "fields": {}}
    return JSONResponse({"error": error}, status_code=status)
