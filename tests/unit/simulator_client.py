"""A client of the simulator for its own tests: no sockets, plain media, a fast clock."""

from __future__ import annotations

import base64
import functools
import json
import time
import wave
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from types import TracebackType
from typing import Any

import av
import jwt
import numpy as np
from httpx import Response
from PIL import Image
from starlette.testclient import TestClient

from kling_pipeline.simulator import Options, build_app

FAST = Options(speed=100_000, media="plain")


def sign(options: Options = FAST, *, exp: float = 86_400, nbf: float = -5, **claims: Any) -> str:
    now = int(time.time())
    claims = {"iss": options.access_key, "exp": now + exp, "nbf": now + nbf, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, options.secret_key, algorithm="HS256")


class SimulatorClient:
    """One simulator in this process, and requests to it."""

    def __init__(self, **options: Any) -> None:
        self.options = replace(FAST, **options)
        self.http = TestClient(
            build_app(self.options), base_url="http://127.0.0.1:7001", client=("127.0.0.1", 9)
        )
        self.http.headers["authorization"] = f"Bearer {self.options.api_key}"

    def __enter__(self) -> SimulatorClient:
        self.http.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.__exit__(kind, error, trace)

    def get(self, path: str, **headers: str) -> Response:
        return self.http.get(path, headers=headers)

    def post(self, path: str, body: Any) -> Response:
        return self.http.post(path, json=body)

    def create(self, path: str, body: Any) -> dict[str, Any]:
        """Post a body that must be accepted and return the data of the response."""
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        assert response.json()["code"] == 0
        data: dict[str, Any] = response.json()["data"]
        return data

    def rejected(self, path: str, body: Any, message: str = "", code: int = 1201) -> str:
        """Post a body that must be rejected with 400 and return the message of the response."""
        headers = {"content-type": "application/json"}
        response = self.http.post(path, content=json.dumps(body), headers=headers)
        status, given, text = error_of(response)
        assert (status, given) == (400, code)
        assert message in text
        return text

    def create_and_wait(self, path: str, body: Any) -> dict[str, Any]:
        return self.wait(path, self.create(path, body)["task_id"])

    def create_video(self, **change: Any) -> str:
        """Make a video and return its video_id."""
        body = {"model_name": "kling-v2-6", "prompt": "a boat"} | change
        return str(self.create_and_wait(T2V, body)["task_result"]["videos"][0]["id"])

    def seconds(self, url: str) -> float:
        """Measure the duration of a video or sound at one of the simulator's links."""
        with av.open(BytesIO(self.http.get(url).content), "r") as container:
            return (container.duration or 0) / 1e6

    def wait(self, path: str, id_: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            data: dict[str, Any] = self.get(f"{path}/{id_}").json()["data"]
            if data["task_status"] in ("succeed", "failed"):
                return data
            time.sleep(0.02)
        raise AssertionError("the task did not end")


def error_of(response: Response) -> tuple[int, int, str]:
    body = response.json()
    assert "data" not in body
    return response.status_code, body["code"], body["message"]


@functools.cache
def image_base64(width: int = 400, height: int = 300, format_: str = "PNG") -> str:
    out = BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(out, format_)
    return base64.b64encode(out.getvalue()).decode()


@functools.cache
def video_file(
    seconds: float = 5,
    width: int = 720,
    height: int = 720,
    fps: int | Fraction = 24,
    container_: str = "mp4",
    codec: str = "libx264",
) -> bytes:
    out = BytesIO()
    with av.open(out, "w", format=container_) as container:
        options = {"preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=fps, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((height, width, 3), 99, np.uint8), "rgb24")
        for index in range(round(seconds * fps)):
            grey.pts = index
            container.mux(stream.encode(grey))
        container.mux(stream.encode(None))
    return out.getvalue()


@functools.cache
def sound_base64(container_: str, codec: str, seconds: float = 3) -> str:
    out = BytesIO()
    with av.open(out, "w", format=container_) as container:
        stream = container.add_stream(codec, rate=48_000)
        silence = np.zeros((1, round(seconds * 48_000)), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return base64.b64encode(out.getvalue()).decode()


@functools.cache
def wav_base64(seconds: float = 3) -> str:
    out = BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(round(seconds * 16000)))
    return base64.b64encode(out.getvalue()).decode()


# What many of the tests send, and where to.
IMAGE = image_base64()
T2V, I2V, OMNI = (f"/v1/videos/{name}" for name in ("text2video", "image2video", "omni-video"))
IMAGES = "/v1/images/generations"
BOAT = {"model_name": "kling-v2-6", "prompt": "a boat"}
WORDS = {"type": "prompt", "text": "a boat"}
FIRST = {"type": "first_frame", "url": IMAGE}
FRAME = {"image_url": IMAGE, "type": "first_frame"}
