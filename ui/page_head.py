"""The page's head, written into the page itself: styles, words and language are there before Gradio starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import islands

# Gradio takes its language from the browser and adds its own head too late to change that.
LANGUAGE = """<script>(() => { const lang = STUDIO.lang === 'zh' ? 'zh-CN' : 'en';
document.documentElement.lang = lang;
Object.defineProperty(navigator, 'language', { get: () => lang });
Object.defineProperty(navigator, 'languages', { get: () => [lang] });
document.documentElement.classList.toggle('dark', (() => { let kept = null;
try { kept = localStorage.getItem('studio.scheme') } catch {}
return kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches })()); })()</script>"""

# Gradio guesses its own address from a request; the browser knows it, whatever stands between the two.
PLACE = """<script>(() => { let config;
Object.defineProperty(window, 'gradio_config', { configurable: true, get: () => config,
set: value => { config = value; if (value) value.root = location.origin + STUDIO.root } }) })()</script>"""

PARTS = (
    '<link rel="icon" href="{root}/favicon.ico">'
    '<link rel="stylesheet" href="{root}/static/shell.css">'
    '<link rel="stylesheet" href="{root}/static/prepare.css">'
    '<script type="module" src="{root}/static/form.js"></script>'
    '<script type="module" src="{root}/static/prepare.js"></script>'
    '<script type="module" src="{root}/static/credits.js"></script>'
)


def read_head(demo: bool, makings: Mapping[str, Any], root: str = "") -> str:
    """Everything the head needs, ours and the islands'; `makings` is what the forms are made of."""
    inline = json.dumps(makings, ensure_ascii=False).replace("<", "\\u003c")
    known = f"<script>Object.assign(window.STUDIO, {inline});</script>"
    return islands.head(demo=demo, root=root) + known + PLACE + LANGUAGE + PARTS.format(root=root)


class FirstPaint:
    """Puts our head first into the page that Gradio serves, and a proxy's path before its parts; no more."""

    def __init__(self, app: ASGIApp, head: Callable[[], str], root: str = "") -> None:
        self._app, self._head, self._root = app, head, root.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Holds back a page until its head is in."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return await self._app(scope, receive, send)
        start: Message | None = None
        body = b""

        async def hold(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            whole = body.replace(b"<head>", b"<head>" + self._head().encode(), 1)
            if self._root:
                whole = whole.replace(b'="/manifest.json"', b'="%b/manifest.json"' % self._root)
                whole = whole.replace(b'="./assets/', b'="%b/assets/' % self._root)
            headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            length = (b"content-length", str(len(whole)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": whole})

        await self._app(scope, receive, hold)


def _is_page(message: Message) -> bool:
    headers = dict(message["headers"])
    return headers.get(b"content-type", b"").startswith(b"text/html") and (
        b"content-encoding" not in headers
    )
