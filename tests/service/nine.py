"""The nine capabilities as a creator asks for them, a studio to ask, and what a good answer is."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
from PIL import Image

from tests.conftest import KEYS, App, Simulator
from tests.pictures import picture
from tests.unit.simulator_client import wav_base64

SPOT = {"x": 0.5, "y": 0.4}


@dataclass(frozen=True)
class Asked:
    """One request: its params, its price in credits, the path at Kling and the units of its task."""

    params: dict[str, Any]
    price: int
    path: str
    units: str
    kind: str = "video"


class House(App):
    """A studio with keys whose Kling is a simulator of its own."""

    kling: Simulator

    def files(self) -> dict[str, str]:
        """Asset ids of the files that requests are made of."""
        return {
            "scene": self.upload(picture())["id"],
            "face": self.upload(picture(800, 800, hue=90))["id"],
            "sound": self.upload(base64.b64decode(wav_base64(4)))["id"],
        }

    def film(self, prompt: str = "a portrait of a woman", **more: Any) -> str:
        """The asset id of a result of our own."""
        (job,) = self.submit("text_to_video", {"prompt": prompt, **more})
        return str(self.wait_state(job["id"], "done")["assets"][0]["id"])

    def begin(self, capability: str, **params: Any) -> dict[str, Any]:
        """A session, opened."""
        answer = self.http.post("/api/sessions", json={"capability": capability, "params": params})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def call(self, session: str, call: str, **params: Any) -> dict[str, Any]:
        """One call of a session."""
        answer = self.http.post(f"/api/sessions/{session}/{call}", json=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def prepared(self) -> list[int]:
        """The amounts of the statement's preparations, oldest first."""
        entries = json.loads(self.run_cli("credits", "--json"))["entries"]
        return [entry["amount"] for entry in entries if entry["kind"] == "prepare"]

    def run_cli(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def task(self, job: dict[str, Any]) -> dict[str, Any]:
        """What the simulator knows of a job's task."""
        return next(one for one in self.kling.tasks() if one["task_id"] == job["provider_task_id"])


@contextmanager
def house(folder: Path, *options: str, **env: str) -> Iterator[House]:
    """A studio and its simulator for the tests of one module."""
    (folder / "var").mkdir()
    kling = Simulator(folder, *options)
    keys = {"KLING_ACCESS_KEY": KEYS[0], "KLING_SECRET_KEY": KEYS[1], "KLING_BASE_URL": kling.url}
    usual = {"STUDIO_TIME_SCALE": "20", "STUDIO_OPENING_CREDITS": "100000"}
    started = House(folder / "var", **{**keys, **usual, **env})
    started.kling = kling
    try:
        yield started.ready()
    finally:
        started.stop()
        kling.stop()


def vendor(files: dict[str, str], film: str) -> dict[str, Asked]:
    """The nine against what Kling serves today, without sessions."""
    scene, face = files["scene"], files["face"]
    return {
        "text_to_video": Asked(
            {"prompt": "a paper boat"}, 210, "/v1/videos/text2video", "1.5"
        ),
        "image_to_video": Asked(
            {"prompt": "it turns its head", "image": scene}, 210, "/v1/videos/image2video", "1.5"
        ),
        "multi_image_to_video": Asked(
            {"prompt": "<<<image_1>>> walks up to <<<image_2>>>", "image_list": [scene, face]},
            420, "/v1/videos/omni-video", "3",
        ),
        "motion_control": Asked(
            {"image_url": face, "video_url": film, "character_orientation": "video"},
            350, "/v1/videos/motion-control", "2.5",
        ),
        "lip_sync": Asked(  # identify-face before it: 0.05 units, 7 credits
            {"video": film, "sound_file": files["sound"]},
            77, "/v1/videos/advanced-lip-sync", "0.5",
        ),
        "multi_elements": Asked(
            {
                "video": film, "points": [SPOT], "image_list": [face],
                "prompt": "swap the woman in <<<video_1>>> for <<<image_1>>>",
            },
            420, "/v1/videos/multi-elements", "3",
        ),
        "image_generation": Asked(
            {"prompt": "the same in winter", "image": scene, "n": 2},
            56, "/v1/images/generations", "16", "image",
        ),
        "omni_image": Asked(
            {"prompt": "<<<image_1>>> in the style of <<<image_2>>>", "image_list": [scene, face]},
            28, "/v1/images/omni-image", "8", "image",
        ),
        "face_swap": Asked(
            {"image": scene, "face_image": face}, 28, "/v1/images/omni-image", "8", "image"
        ),
    }  # fmt: skip


def check_done(app: House, job: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The job is done at its price, its task is the right one, and its files are whole and as told."""
    done = app.wait_state(job["id"], "done", "failed")
    assert (done["state"], done["error"]) == ("done", None)
    assert (done["progress"], done["price"]) == (100, asked.price)
    task = app.task(done)
    assert (task["path"], Decimal(task["units"])) == (asked.path, Decimal(asked.units))
    assert task["external_task_id"] == done["external_task_id"]
    assert len(done["assets"]) == asked.params.get("n", 1)
    for asset in done["assets"]:
        assert asset["kind"] == asked.kind
        data = app.http.get(asset["url"])
        assert data.status_code == 200
        width, height, seconds = measure(data.content, asset["kind"])
        assert (width, height) == (asset["width"], asset["height"])
        assert seconds is None or abs(seconds - asset["duration"]) < 0.1
        assert app.http.get(asset["poster_url"]).content[:3] == b"\xff\xd8\xff"
    return done


def measure(data: bytes, kind: str) -> tuple[int, int, float | None]:
    """Every frame of a clip is decoded, so a cut one does not pass."""
    if kind == "image":
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return (*image.size, None)
    with av.open(io.BytesIO(data)) as file:
        frames = sum(1 for _ in file.decode(video=0))
        stream = file.streams.video[0]
        return stream.width, stream.height, frames / float(stream.average_rate or 1)
