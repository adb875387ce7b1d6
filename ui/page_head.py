"""The page's head, inserted into Gradio's HTML so that styles, words and language are there before Gradio starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui import islands

# Gradio reads the language from the browser before it adds the `head` that it was given.
LANGUAGE = """<script>(() => { const lang = STUDIO.lang === 'zh' ? 'zh-CN' : 'en';
document.documentElement.lang = lang;
Object.defineProperty(navigator, 'language', { get: () => lang });
Object.defineProperty(navigator, 'languages', { get: () => [lang] });
document.documentElement.classList.toggle('dark', (() => { let kept = null;
try { kept = localStorage.getItem('studio.scheme') } catch {}
return kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches })()); })()</script>"""

# Gradio derives its root URL from a request; behind a proxy only the browser knows it.
ROOT_URL = """<script>(() => { let config;
Object.defineProperty(window, 'gradio_config', { configurable: true, get: () => config,
set: value => { config = value; if (value) value.root = location.origin + STUDIO.root } }) })()</script>"""

LINKS = (
    '<link rel="icon" href="{root}/favicon.ico">'
    '<link rel="stylesheet" href="{root}/static/shared/gradio.css">'
    '<link rel="stylesheet" href="{root}/static/page/page.css">'
    '<link rel="stylesheet" href="{root}/static/form/form.css">'
    '<link rel="stylesheet" href="{root}/static/credits/credits.css">'
    '<link rel="stylesheet" href="{root}/static/prepare/prepare.css">'
    '<script type="module" src="{root}/static/form/form.js"></script>'
    '<script type="module" src="{root}/static/prepare/prepare.js"></script>'
    '<script type="module" src="{root}/static/credits/credits.js"></script>'
)


def render_head(demo: bool, manifest: Mapping[str, Any], root: str = "") -> str:
    """Return the HTML of the head; the manifest becomes properties of `window.STUDIO`."""
    inline = json.dumps(manifest, ensure_ascii=False).replace("<", "\\u003c")
    assign = f"<script>Object.assign(window.STUDIO, {inline});</script>"
    return (
        islands.head(demo=demo, root=root) + assign + ROOT_URL + LANGUAGE + LINKS.format(root=root)
    )


class PageHeadMiddleware:
    """Inserts our head into Gradio's HTML page and prefixes its links with a proxy's path."""

    def __init__(self, app: ASGIApp, head: Callable[[], str], root: str = "") -> None:
        self._app, self._head, self._root = app, head, root.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Buffer a GET response that is a page, and pass everything else through."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return await self._app(scope, receive, send)
        start: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
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
            page = body.replace(b"<head>", b"<head>" + self._head().encode(), 1)
            if self._root:
                page = page.replace(b'="/manifest.json"', b'="%b/manifest.json"' % self._root)
                page = page.replace(b'="./assets/', b'="%b/assets/' % self._root)
            headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            length = (b"content-length", str(len(page)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, send_page)


def _is_page(message: Message) -> bool:
    headers = dict(message["headers"])
    return headers.get(b"content-type", b"").startswith(b"text/html") and (
        b"content-encoding" not in headers
    )
