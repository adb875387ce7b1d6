"""Start simulators for service tests, and send requests to them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.conftest import KEYS, Simulator, wait_for

T2V = "/v1/videos/text2video"
BOAT: dict[str, Any] = {"model_name": "kling-v2-6", "prompt": "a paper boat"}
Running = tuple[Simulator, httpx.Client]


def token(seconds: float) -> str:
    now = int(time.time())
    claims = {"iss": KEYS[0], "exp": now + seconds, "nbf": now - 5}
    return jwt.encode(claims, KEYS[1], algorithm="HS256")


@contextlib.contextmanager
def running(folder: Path, *options: str, **more: Any) -> Iterator[Running]:
    simulator = Simulator(folder, *options, **more)
    headers = {"authorization": f"Bearer {token(1000)}"}
    try:
        with httpx.Client(
            base_url=simulator.url, trust_env=False, timeout=20, headers=headers
        ) as client:
            yield simulator, client
    finally:
        simulator.stop()


def set_faults(client: httpx.Client, *faults: dict[str, Any], duplicates: str = "refuse") -> None:
    body = {"faults": list(faults), "duplicates": duplicates}
    assert client.post("/_simulator/faults", json=body).status_code == 200


def wait_for_end(client: httpx.Client, id_: str, path: str = T2V) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        data: dict[str, Any] = client.get(f"{path}/{id_}").json()["data"]
        return data if data["task_status"] in ("succeed", "failed") else None

    return dict(wait_for(check, f"task {id_}"))


def count(simulator: Simulator) -> int:
    return len(simulator.tasks())
