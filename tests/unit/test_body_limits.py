"""A body's size, time and number of values are limited, whatever the route makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

import ui.middleware.body_limits
import ui.middleware.body_stream
from tests.unit.asgi import send_request
from ui.middleware.body_limits import MAX_SIZES, MB, BodyLimitMiddleware, BodyLimits


async def read(scope: Any, receive: Any, send: Any) -> None:
    body = await Request(scope, receive).body()
    await JSONResponse({"bytes": len(body)})(scope, receive, send)


async def swallow(scope: Any, receive: Any, send: Any) -> None:
    """As a library that turns every exception of a body into a response of its own."""
    try:
        await Request(scope, receive).body()
        status = 200
    except Exception:  # that is what it does
        status = 400
    await JSONResponse({"detail": "its own"}, status)(scope, receive, send)


APPS = pytest.mark.parametrize("app", [read, swallow])
JSON_TYPE = {"content-type": "application/json"}
FILE = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(autouse=True)
def no_draining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.middleware.body_stream, "_DRAIN_SECONDS", 0.01)


def refused(app: Any, path: str = "/api/quote", **asked: Any) -> tuple[int, str]:
    answer = send_request(BodyLimitMiddleware(app, asked.pop("limits", None)), path, **asked)
    assert answer.headers["connection"] == "close", "what still comes is not waited for"
    return answer.status, answer.code


KB = 1024
UPLOAD_PATHS = ("/api/uploads", "/gradio_api/upload")
MOST = [
    ("/callbacks/kling", 1), ("/api/doctor/adopt", 1), ("/api/jobs", 256), ("/api/quote", 256),
    ("/api/sessions/s/call", 256), ("/api/uploads", 201), ("/gradio_api/upload", 201),
    ("/gradio_api/queue/join", 4), ("/", 4), ("/nothing", 4),
]  # fmt: skip


@APPS
@pytest.mark.parametrize(("path", "most"), MOST)
def test_every_path_has_its_size(
    app: Any, path: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {**FILE, "content-length": str(most * MB + 1)}
    assert refused(app, path, headers=declared) == (413, "body_too_large")
    assert (
        send_request(
            BodyLimitMiddleware(app), path, headers={**FILE, "content-length": str(most * MB)}
        ).status
        == 200
    )
    monkeypatch.setattr(
        ui.middleware.body_limits, "MAX_SIZES", [(start, size // KB) for start, size in MAX_SIZES]
    )
    just = [b" " * KB] * most
    assert send_request(BodyLimitMiddleware(app), path, body=just, headers=FILE).status == 200
    assert refused(app, path, body=[*just, b" "], headers=FILE) == (413, "body_too_large")


@APPS
@pytest.mark.parametrize("path", [path for path, _ in MOST])
def test_json_is_counted_at_every_path_whatever_its_content_type(app: Any, path: str) -> None:
    kinds = [JSON_TYPE, {}, {"content-type": "text/plain"}]
    for headers in kinds if path in UPLOAD_PATHS else [*kinds, FILE]:
        many = {"body": [b'{"prompt": [' + b"[]," * 10_001], "headers": headers, "complete": False}
        assert refused(app, path, **many) == (413, "body_too_large")
        deep = {"body": [b'{"a":' * 33], "headers": headers, "complete": False}
        assert refused(app, path, **deep) == (400, "malformed_json")
        wide = {"body": [json.dumps(["\u2200", *[[]] * 9], ensure_ascii=False).encode("utf-16")]}
        assert refused(app, path, headers=headers, **wide) == (400, "malformed_json")


@APPS
def test_a_body_that_pauses_too_long_is_refused(app: Any) -> None:
    limits = BodyLimits(idle_seconds=0.02)
    for headers in (JSON_TYPE, FILE, {**JSON_TYPE, "content-length": "9"}):
        asked = {"body": [b"[1"], "headers": headers, "complete": False, "limits": limits}
        assert refused(app, **asked) == (408, "body_too_slow")
    assert refused(app, complete=False, limits=limits) == (408, "body_too_slow")


@APPS
def test_a_body_that_trickles_is_refused_and_a_large_one_has_longer(app: Any) -> None:
    trickle = [one for _ in range(1000) for one in (b" ", 0.001)]
    slow = BodyLimits(base_seconds=0.05)
    assert refused(app, body=trickle, limits=slow) == (408, "body_too_slow")
    large = [one for _ in range(60) for one in (b" " * 1000, 0.001)]
    generous = BodyLimits(base_seconds=0.05, min_bytes_per_second=1000)
    assert send_request(BodyLimitMiddleware(app, generous), body=large).status == 200


def test_once_the_body_has_arrived_the_response_is_not_timed() -> None:
    """A stream waits for its reader to leave, far longer than a body may be silent."""
    received: list[str] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        received.extend([(await receive())["type"], (await receive())["type"]])
        await JSONResponse({})(scope, receive, send)

    limits = BodyLimits(idle_seconds=0.02, base_seconds=0.02)
    assert (
        send_request(BodyLimitMiddleware(late, limits), method="GET", disconnect_after=0.2).status
        == 200
    )
    assert received == ["http.request", "http.disconnect"]


@APPS
def test_a_compressed_body_is_refused(app: Any) -> None:
    for coding in ("gzip", "br", "identity, gzip"):
        answer = refused(app, headers={**JSON_TYPE, "content-encoding": coding})
        assert answer == (415, "unsupported_media_type")
    assert (
        send_request(
            BodyLimitMiddleware(app), headers={**JSON_TYPE, "content-encoding": "Identity"}
        ).status
        == 200
    )


def test_large_bodies_share_a_budget_that_small_ones_and_files_do_not_need() -> None:
    seen: list[tuple[int, str]] = []

    async def nested(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        for size, headers in ((3 * MB, JSON_TYPE), (MB // 2, JSON_TYPE), (3 * MB, FILE)):
            path = "/api/uploads" if headers is FILE else "/api/quote"
            body = Request(scope, chunks(b" " * size))
            inner = BodyLimitMiddleware(read, middleware.limits)
            inner.buffered = middleware.buffered
            part = inner_scope({**scope, "path": path}, headers)
            await inner(part, body.receive, collect(seen))
        await JSONResponse({})(scope, receive, send)

    middleware = BodyLimitMiddleware(nested, BodyLimits(max_buffered=4 * MB))
    assert send_request(middleware, body=[b" " * MB] * 2, headers=JSON_TYPE).status == 200
    assert [status for status, _ in seen] == [503, 200, 200]
    assert middleware.buffered == 0, "given back with the answer"


def chunks(data: bytes) -> Any:
    parts = [data[at : at + MB] for at in range(0, len(data), MB)]

    async def receive() -> Any:
        return {
            "type": "http.request",
            "body": parts.pop(0) if parts else b"",
            "more_body": bool(parts),
        }

    return receive


def inner_scope(scope: Any, headers: dict[str, str]) -> Any:
    return {**scope, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}


def collect(seen: list[tuple[int, str]]) -> Any:
    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append((message["status"], json.dumps(str(message["headers"]))))

    return send
