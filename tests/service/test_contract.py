"""What a hostile or careless caller meets: one shape of refusal, nothing of this machine, nothing sold that fails."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import KEYS, ROOT, App, Process, clean_env, run_cli, wait_for
from tests.pictures import picture

pytestmark = pytest.mark.service
T2V = {"capability": "text_to_video", "params": {"prompt": "a paper boat"}}
PUBLIC = "studio.example.com"


class Quoting(BaseHTTPRequestHandler):
    """A Kling that refuses everybody and quotes the keys while it does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._refuse()

    def do_GET(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        message = f"access {KEYS[0]} secret {KEYS[1]} are not known"
        body = json.dumps({"code": 1002, "message": message, "request_id": "r"}).encode()
        self.send_response(401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def quoting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quoting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, quoting: str) -> Iterator[App]:
    """A studio with keys, a public name, and a Kling that quotes them."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "var").mkdir()
    made = App(
        folder / "var", KLING_BASE_URL=quoting, KLING_ACCESS_KEY=KEYS[0], KLING_SECRET_KEY=KEYS[1],
        STUDIO_TIME_SCALE="20", STUDIO_PUBLIC_URL=f"https://{PUBLIC}",
    ).ready()  # fmt: skip
    yield made
    made.stop()


def is_refusal(answer: httpx.Response) -> bool:
    return set(answer.json()) == {"error"} and set(answer.json()["error"]) >= {
        "code", "message", "fields",
    }  # fmt: skip


def test_no_event_of_the_page_reads_a_file_of_this_machine(app: App, tmp_path: Path) -> None:
    secret = tmp_path / "private.png"
    secret.write_bytes(picture(640, 480))
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    config = app.http.get("/config").json()
    kinds = {one["id"]: one["type"] for one in config["components"]}
    tried = 0
    for one in config["dependencies"]:
        if len(one["inputs"]) == 1 and kinds[one["inputs"][0]] in ("image", "video", "audio"):
            data = [{"video": file} if kinds[one["inputs"][0]] == "video" else file]
            answer = app.http.post(
                "/gradio_api/run/predict", json={"fn_index": one["id"], "data": data}
            )
            assert answer.status_code != 200, answer.text
            tried += 1
    assert tried >= 9
    assert "private" not in app.http.get("/api/jobs?since=0").text


def test_with_keys_the_public_name_reaches_only_the_callbacks(app: App) -> None:
    named = {"host": PUBLIC, "origin": f"https://{PUBLIC}"}
    for method, path in (("POST", "/api/jobs"), ("GET", "/api/jobs?since=0"), ("GET", "/")):
        answer = app.http.request(
            method, path, headers=named, json=T2V if method == "POST" else None
        )
        assert answer.status_code == 403, path
    told = app.http.post("/callbacks/kling", headers={"host": PUBLIC}, json={"task_id": "1"})
    assert told.status_code == 200


def test_keys_that_kling_quotes_are_kept_nowhere(app: App) -> None:
    (job,) = app.submit(capability=T2V["capability"], params=T2V["params"])
    told = wait_for(lambda: app.http.get("/api/jobs?since=0").json().get("notice"), "the pause")
    assert "not known" in told["message"]
    session = {"capability": "lip_sync", "params": {"video": "https://example.com/a.mp4"}}
    shown = [app.http.post("/api/sessions", json=session).text, json.dumps(told), app.output()]
    shown += [app.http.get("/api/doctor").text, json.dumps(app.job(job["id"]))]
    kept = [one.read_bytes() for one in app.folder.glob("*.db*")]
    for key in KEYS:
        assert not any(key in one for one in shown)
        assert not any(key.encode() in one for one in kept)


ADDRESSES = [
    "https://127.0.0.1:{port}/a.png", "https://2130706433:{port}/a", "https://0x7f.1:{port}/a",
    "https://[::1]:{port}/a", "https://[::ffff:127.0.0.1]:{port}/a", "https://localhost:{port}/a",
    "https://localhost.:{port}/a", "https://0.0.0.0:{port}/a", "https://u@example.com/a",
    "https://169.254.169.254/a", "https://100.64.0.1/a", "https://１２７.0.0.1/a",
    "http://example.com/a", "https://", "https:// x", "https://?", "https:///a.png", "https://[::1",
    "file:///etc/passwd", "gopher://example.com/",
]  # fmt: skip


def test_an_address_that_kling_cannot_reach_is_refused_and_never_called(app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        port = trap.getsockname()[1]
        for address in ADDRESSES:
            params = {"prompt": "a boat", "image": address.format(port=port)}
            order = {"capability": "image_to_video", "params": params}
            answer = app.http.post("/api/jobs", json=order)
            assert answer.status_code == 422, address
            assert list(answer.json()["error"]["fields"]) == ["image"], address
        with pytest.raises(TimeoutError):
            trap.accept()


SCENE = {"prompt": "put <<<image_1>>> beside <<<image_2>>>, soft light"}
HALF = "\ud800"
ODD: list[tuple[str, Any, str]] = [
    ("image_to_video", {"prompt": "a", "image": "   "}, "image"),
    ("face_swap", {"image": "\t", "face_image": "https://example.com/a"}, "image"),
    ("motion_control", {"image_url": "https://example.com/a", "video_url": " "}, "video_url"),
    ("lip_sync", {"video": " ", "text": "hello"}, "video"),
    ("omni_image", {**SCENE, "image_list": ["https://example.com/a"] * 11}, "image_list"),
    ("text_to_video", {"prompt": "a", "cfg_scale": True}, "cfg_scale"),
    ("text_to_video", {"prompt": f"a {HALF}"}, "prompt"),
    ("lip_sync", {"video": "https://example.com/a", "session": HALF}, "session"),
]


@pytest.mark.parametrize(("capability", "params", "field"), ODD)
def test_what_cannot_be_made_is_not_sold(
    app: App, capability: str, params: Any, field: str
) -> None:
    before = app.credits()
    body = json.dumps({"capability": capability, "params": params})
    headers = {"content-type": "application/json"}
    for path in ("/api/quote", "/api/jobs"):
        answer = app.http.post(path, content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert list(answer.json()["error"]["fields"]) == [field]
    assert app.credits() == before


def test_files_in_klings_own_wrapping_are_taken(app: App) -> None:
    asset = app.http.post("/api/uploads", files={"file": picture(600, 600)}).json()["asset"]
    params = {**SCENE, "image_list": [{"image": asset["id"]}, {"image": asset["id"]}]}
    order = {"capability": "omni_image", "params": params}
    assert app.http.post("/api/quote", json=order).status_code == 200


@pytest.mark.parametrize("name", [HALF, "click_id", "capability"])
def test_half_a_character_is_bad_input_wherever_it_stands(app: App, name: str) -> None:
    body = json.dumps({**T2V, name: HALF})
    headers = {"content-type": "application/json"}
    answer = app.http.post("/api/jobs", content=body, headers=headers)
    assert answer.status_code in (404, 422), answer.text
    assert is_refusal(answer)


def test_every_refusal_has_one_shape(app: App) -> None:
    asset = app.http.post("/api/uploads", files={"file": picture(600, 600)}).json()["asset"]["id"]
    for method, path, status, headers in (
        ("PUT", "/api/jobs", 405, {}), ("GET", "/api/quote", 405, {}), ("POST", "/healthz", 405, {}),
        ("GET", "/callbacks/kling", 405, {}), ("DELETE", f"/media/{asset}", 405, {}),
        ("OPTIONS", "/api/jobs", 405, {}), ("GET", "/api", 404, {}), ("GET", "/api/none", 404, {}),
        ("GET", "/nothing", 404, {}), ("POST", "/", 405, {}), ("GET", "/media/none", 404, {}),
        ("GET", f"/media/{asset}", 416, {"range": "bytes=999999999-"}),
        ("GET", f"/media/{asset}", 400, {"range": "bytes=a-b"}),
        ("GET", "/", 403, {"origin": "http://["}), ("GET", "/", 403, {"origin": "null"}),
    ):  # fmt: skip
        answer = app.http.request(method, path, headers=headers)
        assert answer.status_code == status, (method, path, answer.text)
        assert is_refusal(answer), (method, path, answer.text)


def test_a_body_without_an_end_is_refused(app: App) -> None:
    chunk = b" " * (1 << 20)
    answer = app.http.post(
        "/api/jobs", content=(chunk for _ in range(300)), timeout=120,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 413
    assert is_refusal(answer)


# --- the command line -----------------------------------------------------------------------------------------------


def command(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    told = {"STUDIO_DATA_DIR": str(folder / "var"), "STUDIO_TIME_SCALE": "20", **env}
    return run_cli(*words, env=clean_env(**told))


def test_a_file_of_orders_that_will_not_do_is_a_sentence(tmp_path: Path) -> None:
    for name, content, said in (
        ("none", None, "cannot be read"),
        ("latin", b"\xff\xfe\xe9", "not text"),
        ("list", b'{"capability": ["x"]}', "not a name"),
        ("deep", b"[" * 100_000, "not {capability, params}"),
        ("more", b'{"capability": "text_to_video", "params": {}, "variants": 3}', "'variants'"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        done = command(tmp_path, "run", "--file", str(path))
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert json.loads(command(tmp_path, "jobs", "--json").stdout) == {"jobs": []}


def test_a_prompt_may_hold_what_unicode_calls_the_end_of_a_line(tmp_path: Path) -> None:
    order = {"capability": "text_to_video", "params": {"prompt": "one\u2028two\u0085three"}}
    path = tmp_path / "orders.jsonl"
    path.write_text("\ufeff" + json.dumps(order, ensure_ascii=False) + "\n", "utf-8")
    done = command(tmp_path, "run", "--file", str(path), "--json")
    (job,) = json.loads(done.stdout)["jobs"]
    assert job["params"]["prompt"] == order["params"]["prompt"]


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["run", "text_to_video", "prompt=a", "--template", "none"], {}, "no such template"),
        (["run", "text_to_video", "--file", "x"], {}, "not both"),
        (["run", "image_to_video", "prompt=a", "image= "], {}, "needed"),
        (["jobs"], {"STUDIO_DATA_DIR": "/proc/none/var"}, "cannot be made"),
        (["jobs"], {"STUDIO_TIME_SCALE": "inf"}, "STUDIO_TIME_SCALE"),
        (["jobs"], {"STUDIO_PUBLIC_URL": "nowhere"}, "STUDIO_PUBLIC_URL"),
        (["jobs"], {"KLING_BASE_URL": "https://me:secret@example.com"}, "KLING_BASE_URL"),
        (["simulator", "--speed", "0"], {}, "--speed"),
        (["simulator", "--speed", "nan"], {}, "--speed"),
    ],
)
def test_what_will_not_do_is_said_in_a_sentence(
    tmp_path: Path, words: list[str], env: dict[str, str], said: str
) -> None:
    done = command(tmp_path, *words, **env)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_raw_base64_on_the_command_line_is_no_path(tmp_path: Path) -> None:
    order = {"capability": "image_to_video", "params": {"prompt": "a", "image": "QUJD" * 400}}
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(order))
    done = command(tmp_path, "run", "--file", str(path))
    assert done.returncode == 2
    assert "image:" in done.stderr
    assert "Traceback" not in done.stderr


def test_while_kling_refuses_the_keys_run_says_why_it_waits(tmp_path: Path, quoting: str) -> None:
    env = clean_env(
        STUDIO_DATA_DIR=str(tmp_path / "var"), STUDIO_TIME_SCALE="20",
        KLING_BASE_URL=quoting, KLING_ACCESS_KEY=KEYS[0], KLING_SECRET_KEY=KEYS[1],
    )  # fmt: skip
    words = ["run", "text_to_video", "prompt=a boat", "--wait"]
    running = Process([sys.executable, "-m", "kling_pipeline", *words], tmp_path / "log", env)
    try:
        wait_for(lambda: "Check the keys" in running.output(), "a word about the keys")
    finally:
        running.stop()
    assert json.loads(command(tmp_path, "credits", "--json").stdout)["spent"] == 0


def test_a_folder_by_a_relative_name_is_where_one_stands(tmp_path: Path) -> None:
    env = clean_env(STUDIO_DATA_DIR="here", PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-m", "kling_pipeline", "doctor", "--json"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / "studio.db").exists()
    assert (tmp_path / "here" / "simulator.port").exists()
    assert not (ROOT / "here").exists()


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        env = clean_env(STUDIO_DATA_DIR=str(tmp_path / "var"), PORT=str(taken.getsockname()[1]))
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert "Set PORT to another one" in done.stderr
    assert done.stdout == ""
    assert not os.path.exists(tmp_path / "var")
