"""A body has a size, a time and a number of values, whatever the route makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

import ui.middleware.body_limits
import ui.middleware.body_stream
from tests.unit.asgi import ask
from ui.middleware.body_limits import MB, SIZES, Limits, Patience


async def read(scope: Any, receive: Any, send: Any) -> None:
    body = await Request(scope, receive).body()
    await JSONResponse({"bytes": len(body)})(scope, receive, send)


async def swallow(scope: Any, receive: Any, send: Any) -> None:
    """As a library does that turns whatever goes wrong with a body into an answer of its own."""
    try:
        await Request(scope, receive).body()
        said = 200
    except Exception:  # that is what it does
        said = 400
    await JSONResponse({"detail": "its own"}, said)(scope, receive, send)


APPS = pytest.mark.parametrize("app", [read, swallow])
MEANS = {"content-type": "application/json"}
FILE = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.middleware.body_stream, "_LINGER_SECONDS", 0.01)


def refused(app: Any, path: str = "/api/quote", **asked: Any) -> tuple[int, str]:
    answer = ask(Limits(app, asked.pop("patience", None)), path, **asked)
    assert answer.headers["connection"] == "close", "what still comes is not waited for"
    return answer.status, answer.code


KB = 1024
UPLOADS = ("/api/uploads", "/gradio_api/upload")
MOST = [
    ("/callbacks/kling", 1), ("/api/doctor/adopt", 1), ("/api/jobs", 256), ("/api/quote", 256),
    ("/api/sessions/s/call", 256), ("/api/uploads", 201), ("/gradio_api/upload", 201),
    ("/gradio_api/queue/join", 4), ("/", 4), ("/nothing", 4),
]  # fmt: skip


@APPS
@pytest.mark.parametrize(("path", "most"), MOST)
def test_every_address_has_its_size(
    app: Any, path: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = {**FILE, "content-length": str(most * MB + 1)}
    assert refused(app, path, headers=stated) == (413, "body_too_large")
    assert ask(Limits(app), path, headers={**FILE, "content-length": str(most * MB)}).status == 200
    monkeypatch.setattr(
        ui.middleware.body_limits, "SIZES", [(start, size // KB) for start, size in SIZES]
    )
    just = [b" " * KB] * most
    assert ask(Limits(app), path, body=just, headers=FILE).status == 200
    assert refused(app, path, body=[*just, b" "], headers=FILE) == (413, "body_too_large")


@APPS
@pytest.mark.parametrize("path", [path for path, _ in MOST])
def test_json_is_counted_at_every_address_whatever_it_calls_itself(app: Any, path: str) -> None:
    kinds = [MEANS, {}, {"content-type": "text/plain"}]
    for headers in kinds if path in UPLOADS else [*kinds, FILE]:
        many = {"body": [b'{"prompt": [' + b"[]," * 10_001], "headers": headers, "ends": False}
        assert refused(app, path, **many) == (413, "body_too_large")
        deep = {"body": [b'{"a":' * 33], "headers": headers, "ends": False}
        assert refused(app, path, **deep) == (400, "malformed_json")
        wide = {"body": [json.dumps(["\u2200", *[[]] * 9], ensure_ascii=False).encode("utf-16")]}
        assert refused(app, path, headers=headers, **wide) == (400, "malformed_json")


@APPS
def test_a_body_that_stops_coming_is_told_so(app: Any) -> None:
    silent = Patience(silent=0.02)
    for headers in (MEANS, FILE, {**MEANS, "content-length": "9"}):
        asked = {"body": [b"[1"], "headers": headers, "ends": False, "patience": silent}
        assert refused(app, **asked) == (408, "body_too_slow")
    assert refused(app, ends=False, patience=silent) == (408, "body_too_slow")


@APPS
def test_a_body_that_trickles_is_told_so_and_a_large_one_has_longer(app: Any) -> None:
    trickle = [one for _ in range(1000) for one in (b" ", 0.001)]
    slow = Patience(whole=0.05)
    assert refused(app, body=trickle, patience=slow) == (408, "body_too_slow")
    large = [one for _ in range(60) for one in (b" " * 1000, 0.001)]
    patient = Patience(whole=0.05, bytes_per_second=1000)
    assert ask(Limits(app, patient), body=large).status == 200


def test_when_the_body_is_there_an_answer_may_take_its_time() -> None:
    """A stream waits for its reader to leave, far longer than a body may be silent."""
    heard: list[str] = []

    async def late(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])
        await JSONResponse({})(scope, receive, send)

    patience = Patience(silent=0.02, whole=0.02)
    assert ask(Limits(late, patience), method="GET", leaves=0.2).status == 200
    assert heard == ["http.request", "http.disconnect"]


@APPS
def test_a_packed_body_is_not_unpacked(app: Any) -> None:
    for coding in ("gzip", "br", "identity, gzip"):
        answer = refused(app, headers={**MEANS, "content-encoding": coding})
        assert answer == (415, "unsupported_media_type")
    assert ask(Limits(app), headers={**MEANS, "content-encoding": "Identity"}).status == 200


def test_large_bodies_share_a_budget_that_small_ones_and_files_do_not_need() -> None:
    seen: list[tuple[int, str]] = []

    async def nested(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        for size, headers in ((3 * MB, MEANS), (MB // 2, MEANS), (3 * MB, FILE)):
            path = "/api/uploads" if headers is FILE else "/api/quote"
            body = Request(scope, pieces(b" " * size))
            inner = Limits(read, limits.patience)
            inner.held = limits.held
            part = inner_scope({**scope, "path": path}, headers)
            await inner(part, body.receive, collect(seen))
        await JSONResponse({})(scope, receive, send)

    limits = Limits(nested, Patience(in_memory=4 * MB))
    assert ask(limits, body=[b" " * MB] * 2, headers=MEANS).status == 200
    assert [status for status, _ in seen] == [503, 200, 200]
    assert limits.held == 0, "given back with the answer"


def pieces(data: bytes) -> Any:
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
