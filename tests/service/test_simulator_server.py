"""The simulator as a process of its own: kills, restarts, faults on a real connection."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from standardwebhooks import Webhook

from tests.conftest import KEYS, ROOT, Simulator, wait_for
from tests.unit.simulator_client import film, picture, sound

pytestmark = pytest.mark.service

T2V = "/v1/videos/text2video"
BOAT: dict[str, Any] = {"model_name": "kling-v2-6", "prompt": "a paper boat"}
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="

Start = Callable[..., tuple[Simulator, httpx.Client]]
Running = tuple[Simulator, httpx.Client]


def _token(seconds: float) -> str:
    now = int(time.time())
    claims = {"iss": KEYS[0], "exp": now + seconds, "nbf": now - 5}
    return jwt.encode(claims, KEYS[1], algorithm="HS256")


def _client(simulator: Simulator) -> httpx.Client:
    headers = {"authorization": f"Bearer {_token(1000)}"}
    return httpx.Client(base_url=simulator.url, trust_env=False, timeout=20, headers=headers)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a simulator of the test's own."""
    opened: list[Any] = []

    def begin(*options: str, **more: Any) -> Running:
        simulator = Simulator(tmp_path, *options, **more)
        client = _client(simulator)
        opened[:0] = [client.close, simulator.stop]
        return simulator, client

    yield begin
    for close in opened:
        close()


@pytest.fixture(scope="module")
def everybodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"), "--contract", "brief")
    with _client(simulator) as client:
        yield simulator, client
    simulator.stop()


@pytest.fixture
def shared(everybodys: Running) -> Iterator[Running]:
    """A simulator that several tests use one after the other, without faults at first."""
    yield everybodys
    _faults(everybodys[1])


def _count(simulator: Simulator) -> int:
    return len(simulator.tasks())


def _faults(client: httpx.Client, *faults: dict[str, Any], duplicates: str = "refuse") -> None:
    body = {"faults": list(faults), "duplicates": duplicates}
    assert client.post("/_simulator/faults", json=body).status_code == 200


def _ended(client: httpx.Client, id_: str, path: str = T2V) -> dict[str, Any]:
    def check() -> dict[str, Any] | None:
        data: dict[str, Any] = client.get(f"{path}/{id_}").json()["data"]
        return data if data["task_status"] in ("succeed", "failed") else None

    return dict(wait_for(check, f"task {id_}"))


def test_a_killed_simulator_comes_back_with_every_task(start: Start) -> None:
    first, client = start(speed=30)
    done = _ended(client, client.post(T2V, json=BOAT).json()["data"]["task_id"])
    running = [
        client.post(T2V, json=BOAT | {"external_task_id": f"mine-{n}"}).json()["data"]["task_id"]
        for n in range(3)
    ]
    first.kill()
    second, client = start("--port", str(first.port), speed=30)
    assert [task["task_id"] for task in second.tasks()] == [done["task_id"], *running]
    assert client.get(f"{T2V}/{done['task_id']}").json()["data"] == done
    for id_ in running:
        url = _ended(client, id_)["task_result"]["videos"][0]["url"]
        assert client.get(url).status_code == 200
    assert all(task["billed"] for task in second.tasks())


def test_it_ends_with_its_parent_and_leaves_no_worker(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "kling_pipeline.simulator", "--speed", "1000"]
    command += ["--port-file", str(port_file), "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as child:
        wait_for(port_file.exists, "the port")
        assert oct(port_file.stat().st_mode)[-3:] == "600"
        noted = json.loads(port_file.read_text())
        assert noted["pid"] == child.pid
        key = {"authorization": "Bearer demo-api-key"}
        url = f"http://127.0.0.1:{noted['port']}{T2V}"
        assert httpx.post(url, json=BOAT, headers=key, trust_env=False).status_code == 200
        wait_for(lambda: _children(child.pid), "a drawing worker")
        workers = _children(child.pid)
        assert child.stdin
        child.stdin.close()
        assert child.wait(timeout=20) == 0
        wait_for(lambda: not any(_alive(pid) for pid in workers), "the workers to end")


def test_a_killed_one_leaves_no_worker_either(start: Start) -> None:
    simulator, client = start(media="drawn")
    client.post(T2V, json=BOAT | {"duration": "10"})
    pid = simulator.popen.pid
    wait_for(lambda: _children(pid), "a drawing worker")
    workers = _children(pid)
    simulator.kill()
    wait_for(lambda: not any(_alive(worker) for worker in workers), "the workers to end")


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def _alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_answers_do_not_wait_for_drawing(start: Start) -> None:
    _, client = start(media="drawn", speed=1000)
    id_ = client.post(T2V, json=BOAT | {"duration": "5"}).json()["data"]["task_id"]
    slowest, status = 0.0, ""
    while status != "succeed":
        begun = time.perf_counter()
        data = client.get(f"{T2V}/{id_}").json()["data"]
        slowest, status = max(slowest, time.perf_counter() - begun), data["task_status"]
        time.sleep(0.02)
    assert slowest < 1
    assert client.get(data["task_result"]["videos"][0]["url"]).content[4:8] == b"ftyp"


# ------------------------------------------------------------------ faults


def test_an_answer_is_lost_before_or_after_the_task_is_made(shared: Running) -> None:
    simulator, client = shared
    before = _count(simulator)
    for kind, tasks in (("lost_before", 0), ("lost_after", 1)):
        _faults(client, {"kind": kind, "on": "create", "times": 1})
        with pytest.raises(httpx.TransportError):
            client.post(T2V, json=BOAT | {"external_task_id": "lost"})
        assert _count(simulator) == before + tasks
    assert client.get(f"{T2V}/lost").json()["code"] == 0
    met = client.get("/_simulator/faults").json()["faults"][0]
    assert (met["met"], met["seen"]) == (1, 1)


def test_a_late_create_makes_its_task_after_the_client_has_gone(shared: Running) -> None:
    simulator, client = shared
    before = _count(simulator)
    _faults(client, {"kind": "late", "on": "create", "seconds": 1.0, "times": 1})
    with pytest.raises(httpx.TimeoutException):
        client.post(T2V, json=BOAT, timeout=0.3)
    assert _count(simulator) == before
    wait_for(lambda: _count(simulator) == before + 1, "the late task", 5)


def test_a_late_create_is_refused_when_its_token_has_ended(shared: Running) -> None:
    simulator, client = shared
    before = _count(simulator)
    _faults(client, {"kind": "late", "on": "create", "seconds": 3.0, "times": 1})
    headers = {"authorization": f"Bearer {_token(2)}"}
    late = client.post(T2V, json=BOAT, headers=headers)
    assert (late.status_code, late.json()["code"]) == (401, 1004)
    assert _count(simulator) == before


@pytest.mark.parametrize(
    ("code", "status"), [(1302, 429), (1303, 429), (5000, 500), (5001, 503), (5002, 504)]
)
def test_the_service_refuses_with_or_without_doing_the_work(
    shared: Running, code: int, status: int
) -> None:
    simulator, client = shared
    before = _count(simulator)
    for after, tasks in ((False, 0), (True, 1)):
        _faults(client, {"kind": "refuse", "code": code, "after": after, "on": "create"})
        answer = client.post(T2V, json=BOAT)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert _count(simulator) == before + tasks


def test_a_proxy_answers_with_a_page(shared: Running) -> None:
    _, client = shared
    _faults(client, {"kind": "status", "status": 502, "on": "list"})
    answer = client.get(T2V)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")


def test_an_answer_comes_slowly(shared: Running) -> None:
    simulator, client = shared
    before = _count(simulator)
    _faults(client, {"kind": "latency", "on": "create", "seconds": 1.0})
    with pytest.raises(httpx.TimeoutException):
        client.post(T2V, json=BOAT, timeout=0.5)
    assert _count(simulator) == before + 1


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_download_stops_half_way(shared: Running, kind: str) -> None:
    _, client = shared
    data = _ended(client, client.post(T2V, json=BOAT).json()["data"]["task_id"])
    url = data["task_result"]["videos"][0]["url"]
    _faults(client, {"kind": kind, "on": "download", "times": 1, "seconds": 0.2})
    with pytest.raises(httpx.TransportError):
        client.get(url)
    assert client.get(url).status_code == 200


def test_an_expired_link_stays_dead_and_a_query_gives_another(shared: Running) -> None:
    _, client = shared
    id_ = client.post(T2V, json=BOAT).json()["data"]["task_id"]
    old = _ended(client, id_)["task_result"]["videos"][0]["url"]
    _faults(client, {"kind": "expired", "on": "download", "times": 1})
    assert [client.get(old).status_code for _ in range(2)] == [403, 403]
    new = client.get(f"{T2V}/{id_}").json()["data"]["task_result"]["videos"][0]["url"]
    assert client.get(new).status_code == 200


def test_hostile_answers(shared: Running) -> None:
    _, client = shared
    ids = [client.post(T2V, json=BOAT).json()["data"]["task_id"] for _ in range(2)]
    path = f"{T2V}/{ids[0]}"
    _faults(client, {"kind": "hostile", "body": "other_task", "on": "look"})
    assert client.get(path).json()["data"]["task_id"] == ids[1]
    _faults(client, {"kind": "hostile", "body": "huge", "on": "look"})
    assert len(client.get(path).content) > 60_000_000
    for body in ("malformed", "html", "empty"):
        _faults(client, {"kind": "hostile", "body": body, "on": "look"})
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            client.get(path).json()
    _faults(client, {"kind": "hostile", "body": "wrong_types", "on": "look"})
    assert client.get(path).json()["code"] == "0"


def test_an_external_id_that_comes_twice(shared: Running) -> None:
    simulator, client = shared
    before = _count(simulator)
    body = BOAT | {"external_task_id": "twice"}
    first = client.post(T2V, json=body).json()["data"]["task_id"]
    assert client.post(T2V, json=body).json()["code"] == 1201
    _faults(client, duplicates="first")
    assert client.post(T2V, json=body).json()["data"]["task_id"] == first
    assert _count(simulator) == before + 1
    _faults(client, duplicates="tolerate")
    assert client.post(T2V, json=body).json()["data"]["task_id"] != first
    assert _count(simulator) == before + 2


def test_faults_come_from_a_file_and_are_checked(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[faults]]\nkind = "refuse"\ncode = 1303\nskip = 1\ntimes = 1\n')
    _, client = start("--faults", str(file))
    codes = [client.post(T2V, json=BOAT).json()["code"] for _ in range(3)]
    assert codes == [0, 1303, 0]
    for wrong in (
        {"faults": [{"kind": "earthquake"}]},
        {"faults": [{"kind": "late", "when": 1}]},
        {"duplicates": "often"},
    ):
        assert client.post("/_simulator/faults", json=wrong).status_code == 400


# ------------------------------------------------------------------ addresses on this machine


class _Neighbour(BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}  # noqa: RUF012 (the handler's class is its server's memory)
    heard: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.send_response(200 if self.path in self.files else 404)
        self.end_headers()
        self.wfile.write(self.files.get(self.path, b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def neighbour() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Neighbour) as server:
        _Neighbour.heard.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_callbacks_tell_each_status_and_are_signed(start: Start, neighbour: str) -> None:
    _, client = start("--webhook-secret", SECRET, speed=40)
    body = BOAT | {"callback_url": f"{neighbour}/hook", "external_task_id": "mine"}
    id_ = client.post(T2V, json=body).json()["data"]["task_id"]
    wait_for(lambda: len(_Neighbour.heard) >= 3, "three callbacks", 10)
    told = [json.loads(body) for _, body in _Neighbour.heard]
    assert [one["task_status"] for one in told] == ["submitted", "processing", "succeed"]
    assert {one["task_id"] for one in told} == {id_}
    assert told[2]["task_info"]["external_task_id"] == "mine"
    assert told[2]["task_result"]["videos"][0]["url"].startswith(str(client.base_url))
    for headers, raw in _Neighbour.heard:
        Webhook(SECRET).verify(raw, headers)


def test_what_stands_on_this_machine_is_fetched_and_measured(
    shared: Running, neighbour: str
) -> None:
    _, client = shared
    _Neighbour.files |= {
        "/short.mp4": film(1),
        "/dance.mp4": film(11, 360, 360),
        "/small.mp4": film(3, 320, 320),
        "/six.mp4": film(6),
        "/long.mp4": film(16, 720, 720, 24),
        "/noise": b"no film at all",
    }
    motion = {
        "model_name": "kling-v2-6",
        "image_url": picture(),
        "mode": "std",
        "character_orientation": "video",
    }
    path = "/v1/videos/motion-control"
    good = client.post(path, json=motion | {"video_url": f"{neighbour}/dance.mp4"}).json()
    done = _ended(client, good["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(11, abs=0.1)
    assert done["final_unit_deduction"] == "5.5"
    for name, more, message in [
        ("short.mp4", {}, "duration must be between 3s and 30s"),
        ("dance.mp4", {"character_orientation": "image"}, "must not exceed 10s"),
        ("small.mp4", {}, "width and height must be between 340px and 3850px"),
        ("noise", {}, "video format is invalid"),
    ]:
        body = motion | {"video_url": f"{neighbour}/{name}"} | more
        answer = client.post(path, json=body).json()
        assert answer["code"] == 1201
        assert message in answer["message"]
    session = {"video_url": f"{neighbour}/six.mp4"}
    answer = client.post("/v1/videos/multi-elements/init-selection", json=session).json()
    assert "between 2s and 5s or between 7s and 10s" in answer["message"]
    omni = {"model_name": "kling-v3-omni", "prompt": "a", "mode": "std"}
    omni["video_list"] = [{"video_url": f"{neighbour}/long.mp4"}]
    answer = client.post("/v1/videos/omni-video", json=omni).json()
    assert "between 3s and 15.5s for the current model" in answer["message"]


def test_a_film_that_is_edited_keeps_its_length(shared: Running, neighbour: str) -> None:
    _, client = shared
    _Neighbour.files["/four.mp4"] = film(4)
    body = {
        "model_name": "kling-video-o1",
        "prompt": "a",
        "mode": "std",
        "video_list": [{"video_url": f"{neighbour}/four.mp4"}],
    }
    path = "/v1/videos/omni-video"
    done = _ended(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)
    assert done["final_unit_deduction"] == "3.6"


def test_an_old_lip_sync_is_as_long_as_its_film(shared: Running, neighbour: str) -> None:
    _, client = shared
    _Neighbour.files["/four.mp4"] = film(4)
    body = {"video_url": f"{neighbour}/four.mp4", "audio_url": sound(3)}
    path = "/v1/videos/lipsync"
    done = _ended(client, client.post(path, json=body).json()["data"]["task_id"], path)
    assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(4, abs=0.1)


def test_a_taken_port_is_said(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "kling_pipeline.simulator", "--port", str(port)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert "in use" in ended.stderr
    assert os.linesep not in ended.stdout
