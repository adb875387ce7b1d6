"""A small reverse proxy: it answers under a path of its own, and takes the path off or leaves it on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

PREFIX = "/tools/studio"
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


class Proxy(ThreadingHTTPServer):
    """`behind` is set once the studio is there; `stray` lists what was asked for beside the path."""

    daemon_threads = True

    def __init__(self, *, strips: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.strips, self.behind, self.stray = strips, "", list[str]()
        self.url = f"http://127.0.0.1:{self.server_port}{PREFIX}"


class _Passing(BaseHTTPRequestHandler):
    server: Proxy

    def _pass(self) -> None:
        path = self.path
        if not path.startswith(PREFIX):
            self.server.stray.append(path)
            self.send_error(404)
            return
        if self.server.strips:
            path = path[len(PREFIX) :] or "/"
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        # As nginx does unless it is told otherwise: Host is the studio's own address.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers |= {"Host": self.server.behind.partition("//")[2], "Accept-Encoding": "identity"}
        with httpx.stream(
            self.command, self.server.behind + path, content=body, headers=headers,
            trust_env=False, timeout=60,
        ) as answer:  # fmt: skip
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in answer.iter_raw():
                self.wfile.write(piece)

    do_GET = do_HEAD = do_POST = _pass

    def log_message(self, format: str, *args: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError, httpx.HTTPError):  # a page that was closed
            super().handle()


@contextmanager
def running(*, strips: bool) -> Iterator[Proxy]:
    with Proxy(strips=strips) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
