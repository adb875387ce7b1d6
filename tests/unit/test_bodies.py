"""The exact bodies that go out, as files to be read in review: a changed body is a changed file in tests/bodies.

STUDIO_WRITE=1 writes them anew.
"""

from __future__ import annotations

import base64
import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.inputs import thaw
from kling_pipeline.jobs.quote import quote_request
from kling_pipeline.jobs.uploads import keep_upload
from kling_pipeline.kling import dialects
from kling_pipeline.settings import Settings
from kling_pipeline.storage.store import Store
from tests.pictures import picture
from tests.unit.simulator_client import video_file, wav_base64

BODIES = Path(__file__).resolve().parent.parent / "bodies"
OWNER, URL = "local", "https://example.com/film.mp4"
REFERENCES = {"$file": "Base64 of", "$link": "fresh link to", "$lend": "lent address of"}
BOAT = {"prompt": "a paper boat"}
PAIR = {"prompt": "<<<image_1>>> meets <<<image_2>>>", "image_list": ["scene", "face"]}
FRAMES = {"prompt": "day falls", "image": "scene", "image_tail": "face"}
MOTION = {"image_url": "face", "video_url": "ours"}
SPOKEN = {"text": "A boat goes down the river.", "voice_id": "oversea_male1"}
SWAP = {"prompt": "swap the boat in <<<video_1>>> for <<<image_1>>>", "image_list": ["face"]}
POINTS = {"points": [{"x": 0.5, "y": 0.25}], "frame_index": 12}

CASES: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "text_to_video": [
        ("vendor", "the default", BOAT),
        ("vendor", "sound in pro", {**BOAT, "mode": "pro", "sound": "on", "duration": "10"}),
        (
            "vendor",
            "kling-v3 in 4k with guidance",
            {
                **BOAT, "model_name": "kling-v3", "mode": "4k", "duration": 15,
                "cfg_scale": 0.7, "negative_prompt": "blurry",
            },
        ),
        ("vendor", "guidance that 2.6 does not take", {**BOAT, "cfg_scale": 0.7}),
        ("vendor", "the omni model", {**BOAT, "model_name": "kling-video-o1"}),
        ("vendor", "a master without modes", {**BOAT, "model_name": "kling-v2-1-master"}),
        ("brief", "the default", BOAT),
        ("brief", "the omni model", {**BOAT, "model_name": "kling-video-o1"}),
    ],
    "image_to_video": [
        ("vendor", "the default", {**BOAT, "image": "scene"}),
        ("vendor", "an address", {**BOAT, "image": "https://example.com/a.png"}),
        ("vendor", "an end frame in pro", {**FRAMES, "mode": "pro"}),
        ("vendor", "an end frame in std is not sent", FRAMES),
        ("vendor", "the omni model", {**FRAMES, "model_name": "kling-video-o1"}),
        (
            "vendor",
            "an older model with a still area and one move of the camera",
            {
                **BOAT, "image": "scene", "static_mask": "scene", "model_name": "kling-v1-5", "mode": "pro",
                "camera_control": {"type": "simple", "config": {"zoom": 4}},
            },
        ),
        (
            "vendor",
            "an older model with one move of the camera",
            {
                **BOAT, "image": "scene", "model_name": "kling-v1-5", "mode": "pro",
                "camera_control": {"type": "simple", "config": {"zoom": 4}},
            },
        ),
        ("brief", "the default", {**BOAT, "image": "scene"}),
        ("brief", "the omni model", {**FRAMES, "model_name": "kling-video-o1"}),
    ],
    "image_generation": [
        ("vendor", "from words", {**BOAT, "negative_prompt": "blurry", "n": 3}),
        (
            "vendor",
            "from a subject, without the negative prompt",
            {
                **BOAT, "image": "scene", "image_reference": "subject", "human_fidelity": 0.4,
                "image_fidelity": 0.6, "negative_prompt": "blurry",
            },
        ),
        ("vendor", "kling-v3 from an image", {**BOAT, "image": "scene", "model_name": "kling-v3"}),
        ("vendor", "the omni model", {**BOAT, "image": "scene", "model_name": "kling-image-o1"}),
        ("brief", "from words", BOAT),
        ("brief", "from an image", {**BOAT, "image": "scene"}),
    ],
    "face_swap": [
        ("vendor", "the default", {"image": "scene", "face_image": "face"}),
        (
            "vendor",
            "kling-v3-omni in 4k",
            {"image": "scene", "face_image": "face", "model_name": "kling-v3-omni", "resolution": "4k"},
        ),
        ("brief", "the default", {"image": "scene", "face_image": "face"}),
    ],
    "omni_image": [
        ("vendor", "two references", PAIR),
        (
            "vendor",
            "a series",
            {**PAIR, "model_name": "kling-v3-omni", "result_type": "series", "series_amount": 3},
        ),
        ("brief", "two references", PAIR),
    ],
    "multi_image_to_video": [
        ("vendor", "two references", PAIR),
        ("vendor", "a transition", FRAMES),
        ("vendor", "the brief's model is replaced", {**PAIR, "model_name": "kling-v2-5-turbo"}),
        ("vendor", "kling-v3-omni", {**PAIR, "model_name": "kling-v3-omni", "sound": "on"}),
        ("brief", "two references", {**PAIR, "negative_prompt": "blurry"}),
    ],
    "motion_control": [
        ("vendor", "a result of ours by a fresh link", MOTION),
        ("vendor", "an address, kling-v3", {**MOTION, "video_url": URL, "model_name": "kling-v3"}),
        ("vendor", "a local film, in the demo", {**MOTION, "video_url": "film", "mode": "pro"}),
        ("brief", "the default", MOTION),
    ],
    "lip_sync": [
        ("vendor", "a sound", {"video": "ours", "sound_file": "sound"}),
        ("vendor", "a text", {"video": "ours", **SPOKEN, "voice_speed": 1.2}),
        (
            "vendor",
            "part of a sound, at an address",
            {
                "video": URL, "sound_file": "sound", "sound_start_time": 500, "sound_end_time": 3000,
                "sound_insert_time": 1000, "sound_volume": 1.5, "original_audio_volume": 0.0,
            },
        ),
        ("brief", "one call", {"video": URL, "sound_file": "sound"}),
    ],
    "multi_elements": [
        ("vendor", "a swap of ours", {"video": "ours", **SWAP, **POINTS}),
        (
            "vendor",
            "a removal, from an address",
            {"video": URL, "edit_mode": "removal", "prompt": "remove it from <<<video_1>>>", **POINTS},
        ),
        ("brief", "a swap", {"video": "ours", **SWAP, **POINTS}),
    ],
}  # fmt: skip

# What the calls before a task answer.
ANSWERS: dict[str, dict[str, Any]] = {
    "identify-face": {
        "session_id": "850000000000000001",
        "face_data": [
            {"face_id": "0", "face_image": URL, "start_time": 0, "end_time": 3100},
            {"face_id": "1", "face_image": URL, "start_time": 200, "end_time": 4900},
        ],
    },
    "tts": {
        "task_result": {"audios": [{"id": "860000000000000001", "url": URL, "duration": "3.4"}]}
    },
    "init-selection": {"status": 0, "session_id": "870000000000000001", "original_duration": 5000},
    "add-selection": {"status": 0, "res": {"frame_index": 12, "rle_mask_list": []}},
}


class Desk:
    """An engine that asks nobody; its files have names."""

    def __init__(self, folder: Path, contract: str) -> None:
        settings = Settings(
            _env_file=None, studio_data_dir=folder, kling_access_key="a", kling_secret_key="b"
        )
        self.store = Store(folder / "studio.db")
        self.catalog = load_catalog(contract)
        self.engine = Engine(settings, self.catalog, self.store, None)  # type: ignore[arg-type]
        self.engine.expose_file = lambda path: "unused"
        made = {
            "scene": picture(), "face": picture(800, 800), "film": video_file(4), "ours": video_file(5),
            "sound": base64.b64decode(wav_base64(4)),
        }  # fmt: skip
        self.files = {
            name: keep_upload(self.engine, OWNER, data)["id"] for name, data in made.items()
        }
        self.names = {asset: name for name, asset in self.files.items()}
        now = self.engine.now()
        self.store.write(
            lambda db: db.execute(
                "UPDATE asset SET provider_id = '880000000000000001', created_at = ? WHERE id = ?",
                [now, self.files["ours"]],
            )
        )

    def out(self, capability: str, params: dict[str, Any]) -> dict[str, Any]:
        """The calls and the create of one request, files by name."""
        given = {name: self._file(value) for name, value in params.items()}
        quote = quote_request(self.engine, OWNER, JobRequest(capability, given))
        found, model = quote.parsed.listing.capability, quote.parsed.model
        fields, step_results = json.loads(quote.measured.stored)["fields"], quote.step_results
        calls = []
        for call in found.steps(fields, step_results) if model.steps else []:
            calls.append({"path": call.path, "body": self._shown(call.build(fields, step_results))})
            step_results = {
                **step_results,
                call.result_key: call.read(ANSWERS[call.id], step_results),
            }
        body = self.catalog.body(capability, model.name, fields, step_results)
        laid = dialects.body(model.route, self._shown(body), "ks-our-own-id")
        return {"before": calls, "path": model.route.path, "body": laid}

    def _file(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._file(one) for one in value]
        return self.files.get(value, value) if isinstance(value, str) else value

    def _shown(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shown(one) for one in value]
        if not isinstance(value, dict):
            return value
        for mark, words in REFERENCES.items():
            if mark in value:
                return f"({words} {self.names[value[mark]]})"
        return {name: self._shown(one) for name, one in value.items()}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    made = functools.cache(lambda contract: Desk(tmp_path_factory.mktemp(contract), contract))
    yield made
    for contract in ("vendor", "brief"):
        made(contract).store.close()


@pytest.mark.parametrize("capability", sorted(load_catalog("vendor").capabilities))
def test_bodies_are_as_they_were_reviewed(desk, capability: str) -> None:
    out = {
        f"{contract}: {what}": desk(contract).out(capability, params)
        for contract, what, params in CASES[capability]
    }
    path = BODIES / f"{capability}.json"
    if os.environ.get("STUDIO_WRITE"):
        path.write_text(json.dumps(out, indent=2, ensure_ascii=False) + "\n", "utf-8")
    assert out == json.loads(path.read_text("utf-8"))


def test_every_model_that_is_served_has_a_body(desk) -> None:
    for contract in ("vendor", "brief"):
        catalog = desk(contract).catalog
        shown = {
            (name, body["path"], body["body"].get("model_name"))
            for name in catalog.capabilities
            for key, body in json.loads((BODIES / f"{name}.json").read_text("utf-8")).items()
            if key.startswith(contract)
        }
        paths = {(name, path) for name, path, _ in shown}
        for name in catalog.capabilities:
            for model in catalog.models(name):
                if model.status == "alive":
                    assert (name, model.route.path) in paths, f"{contract}: {name} {model.name}"


def test_a_file_goes_out_as_raw_base64(desk) -> None:
    made = desk("vendor")
    body = thaw(made.engine, OWNER, {"image": {"$file": made.files["scene"]}})
    assert base64.b64decode(body["image"], validate=True) == picture()
