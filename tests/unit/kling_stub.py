"""A Kling that is a function of the test, and what reached it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError
from kling_pipeline.kling.client import Keys, KlingAIClient

ROUTE = Route("text2video", "/v1/videos/text2video", "videos", "video")
ACCESS, SECRET, API = "AK-canary-1", "SK-canary-2-0123456789-0123456789", "API-canary-3"
PAIR, BOTH, ONLY = Keys(ACCESS, SECRET), Keys(ACCESS, SECRET, API), Keys(api=API)
BASE = "https://kling.example.com"
BODY = {"prompt": "a", "external_task_id": "ks-1"}
Handler = Callable[[httpx.Request], httpx.Response]


def task(**changes: Any) -> dict[str, Any]:
    return {
        "task_id": "829",
        "task_status": "submitted",
        "task_info": {"external_task_id": "ks-1"},
        "created_at": 1,
        "updated_at": 1,
    } | changes


def said(data: Any, code: int = 0, message: str = "SUCCEED") -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": "r-1", "data": data}


def client(answer: Handler | httpx.Response | Exception, keys: Keys = PAIR, **more: Any) -> Any:
    """A client whose server is a function, and the requests that reached it."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    made = KlingAIClient(BASE, keys, transport=httpx.MockTransport(handle), **more)
    made.seen = seen  # type: ignore[attr-defined]
    return made


def create(made: Any, expires: int | None = 2_000_000_000) -> Any:
    return made.create(ROUTE, BODY, expires=expires, timeout=5)


def verdict_of(call: Callable[[], object]) -> KlingError:
    with pytest.raises(KlingError) as caught:
        call()
    return caught.value


def token(request: httpx.Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def claims(request: httpx.Request) -> dict[str, Any]:
    options = {"verify_exp": False, "verify_nbf": False}
    return jwt.decode(token(request), SECRET, algorithms=["HS256"], options=options)


BROKEN = [
    (httpx.ConnectError("no"), False),
    (httpx.ConnectTimeout("no"), False),
    (httpx.PoolTimeout("no"), False),
    (httpx.ProxyError("no"), False),
    (httpx.ReadTimeout("no"), True),
    (httpx.WriteTimeout("no"), True),
    (httpx.ReadError("no"), True),
    (httpx.WriteError("no"), True),
    (httpx.RemoteProtocolError("no"), True),
    (ConnectionResetError("no"), True),
]
