"""scripts/check-bodies on bodies of our own, one for each shape that the service or a client sends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.unit.simulator_client import image_base64

URL = "https://example.com/a.mp4"
TIMES = {"created_at": 1_790_000_000_000, "updated_at": 1_790_000_060_000}
NEW_TIMES = {"create_time": 1_790_000_000_000, "update_time": 1_790_000_060_000}


def told(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data}


def task(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "task_id": "700000000000000001", "task_status": "succeed", "task_status_msg": "",
        "task_info": {"external_task_id": "mine"}, "task_result": result,
        "final_unit_deduction": "1.5", **TIMES, **more,
    }  # fmt: skip


NEW_TASK = {
    "id": "700000000000000002", "status": "succeeded", "message": "", "external_id": "mine", **NEW_TIMES,
    "outputs": [{"type": "video", "id": "9", "url": URL, "duration": "5.1"}, {"type": "voice", "id": "8"}],
    "billing": [{"charge_type": "unit", "amount": "2.4", "package_type": "video"}],
}  # fmt: skip
SHOWN = {"video": URL, "video_cover": URL, "tracking_output": URL}
MASK = {"object_id": 0, "png_mask": {"size": [1, 1], "base64": "aaaa"}}

ANSWERS: dict[str, tuple[Any, str]] = {
    "video": (told(task({"videos": [{"id": "1", "url": URL, "duration": "5.1"}]})), "[video 5.1]"),
    "placeholders": (
        told(task({"videos": [{"id": "string", "url": "string", "duration": "string"}]})), "[video 1.0]"
    ),
    "images": (told(task({"images": [{"index": 0, "url": URL}]})), "[image]"),
    "series": (told(task({"images": [], "series_images": [{"url": URL}]})), "[image]"),
    "sounds": (told(task({"audios": [{"id": "1", "url_mp3": URL, "duration_mp3": "5"}]})), "[audio"),
    "created": (told({"task_id": "7", "task_status": "submitted", **TIMES}), "task 7 queued"),
    "failed": (
        told({"task_id": "7", "task_status": "failed", "task_status_msg": "too dark", "task_info": {}}),
        "failed (too dark)",
    ),
    "page": (told([task({"videos": [{"id": "1", "url": URL}]})]), "in a list"),
    "new-created": (told({"id": "7", "status": "submitted", **NEW_TIMES}), "task 7 queued"),
    "new-list": (told([NEW_TASK]), "[video 5.1] in a list"),
    "new-page": (told({"result": [NEW_TASK], "count": 1, "has_more": False}), "[video 5.1] in a list"),
    "faces": (told({"session_id": "5", "face_data": [{"face_id": "0"}]}), "identify-face"),
    "begun": (
        told({"status": 0, "session_id": "5", "normalized_video": URL, "fps": 24.0}), "init-selection"
    ),
    "marked": (told({"status": 0, "res": {"frame_index": 0, "rle_mask_list": [MASK]}}), "add-selection"),
    "shown": (told({"status": 0, "session_id": "5", "res": SHOWN}), "preview-selection"),
    "speech": (
        told({"task_id": "7", "task_status": "succeed", "task_result": {"audios": [{"id": "1", "url": URL}]}}),
        "tts, answered at once",
    ),
    "voices": (told([task({"voices": [{"voice_id": "1"}]})]), "no task record: voices"),
    "packs": (told({"resource_pack_subscribe_infos": []}), "the account's packs"),
    "refusal": ({"_http_status": 429, "code": 1303, "message": "too many"}, "verdict busy"),
}  # fmt: skip
CALLBACKS = {
    "callback": (task({"videos": [{"id": "1", "url": URL}]}), "a callback"),
    "new-callback": (NEW_TASK, "a callback"),
}
SECONDS = {"sound_start_time": 0, "sound_end_time": 2500, "sound_insert_time": 500}
REQUESTS: dict[str, tuple[Any, str]] = {
    "req-t2v-kling-3.0-turbo": (
        {"prompt": "a boat", "settings": {"duration": 3}, "options": {"callback_url": URL}},
        "/text-to-video/kling-3.0-turbo: accepted",
    ),
    "req-i2v-kling-2.6": (
        {"contents": [{"type": "prompt", "text": "x"}, {"type": "first_frame", "url": URL}]},
        "/image-to-video/kling-2.6: accepted",
    ),
    "req-omni-3.0": (
        {"contents": [{"type": "prompt", "text": "x"}], "settings": {"aspect_ratio": "1:1"}},
        "/omni-video/kling-3.0-omni: accepted",
    ),
    "req-solutions-shop": ({"contents": [], "settings": {}}, "rightly refused, this family"),
    "req-legacy-motion-control": (
        {"video_url": URL, "character_orientation": "image", "mode": "std"}, "rightly refused"
    ),
    "req-legacy-omni-image": ({"prompt": "x", "image_list": [{"image": image_base64()}]}, "accepted"),
    "req-legacy-tts": (
        {"text": "hello", "voice_id": "oversea_male1", "voice_language": "en"}, "/tts: accepted"
    ),
    "identify-face.request": ({"video_url": URL, "video_id": ""}, "identify-face: accepted"),
    "lips.request": (
        {"session_id": "5", "face_choose": [{"face_id": "0", "sound_file": URL, **SECONDS}]},
        "advanced-lip-sync: accepted",
    ),
    "edit.request": (
        {"session_id": "5", "edit_mode": "removal", "prompt": "not <<<video_1>>>", "duration": "5"},
        "multi-elements: accepted",
    ),
}  # fmt: skip


def check(folder: Path, bodies: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The script's exit code and its sentence for each file."""
    for name, body in bodies.items():
        (folder / f"{name}.json").write_text(json.dumps(body), "utf-8")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check-bodies", folder],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line.split(None, 2) for line in done.stdout.splitlines()[:-1]]
    return done.returncode, {name: f"{mark} {said}" for mark, name, said in lines}


def test_every_shape_is_read_or_offered(tmp_path: Path) -> None:
    expected = {f"{name}.response": case for name, case in ANSWERS.items()}
    expected |= {f"{name}.body": case for name, case in CALLBACKS.items()} | REQUESTS
    code, said = check(tmp_path, {name: body for name, (body, _) in expected.items()})
    for name, (_, words) in expected.items():
        line = said[f"{name}.json"]
        assert line.startswith("ok "), line
        assert words in line
    assert code == 0


SURPRISES = {
    "a.response": told({"task_id": "7", "task_status": "sleeping"}),
    "b.response": told(task({"videos": [{"id": "1", "url": "javascript:alert(1)"}]})),
    "c.response": told({"id": "7", "status": "succeeded", "outputs": 5}),
    "req-legacy-image-generation": {"prompt": 7},
    "req-legacy-nobody-knows": {"colour": "red"},
}


def test_a_surprise_is_told(tmp_path: Path) -> None:
    code, said = check(tmp_path, SURPRISES)
    assert code == 1
    assert {line[:2] for line in said.values()} == {"??"}


def test_an_empty_folder_shows_nothing(tmp_path: Path) -> None:
    assert check(tmp_path, {})[0] == 1
