"""The simulator as a process: kills, restarts, its workers, its port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, wait_for
from tests.service.simulator_server import BOAT, T2V, running, wait_for_end

pytestmark = pytest.mark.service


def test_a_killed_simulator_comes_back_with_every_task(tmp_path: Path) -> None:
    with running(tmp_path, speed=30) as (first, client):
        done = wait_for_end(client, client.post(T2V, json=BOAT).json()["data"]["task_id"])
        named = [BOAT | {"external_task_id": f"mine-{n}"} for n in range(3)]
        open_ = [client.post(T2V, json=body).json()["data"]["task_id"] for body in named]
        first.kill()
    with running(tmp_path, "--port", str(first.port), speed=30) as (second, client):
        assert [task["task_id"] for task in second.tasks()] == [done["task_id"], *open_]
        assert client.get(f"{T2V}/{done['task_id']}").json()["data"] == done
        for id_ in open_:
            url = wait_for_end(client, id_)["task_result"]["videos"][0]["url"]
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


def test_a_killed_one_leaves_no_worker_either(tmp_path: Path) -> None:
    with running(tmp_path, media="drawn") as (simulator, client):
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


def test_responses_do_not_wait_for_rendering(tmp_path: Path) -> None:
    with running(tmp_path, media="drawn", speed=1000) as (_, client):
        id_ = client.post(T2V, json=BOAT).json()["data"]["task_id"]
        slowest, status = 0.0, ""
        while status != "succeed":
            begun = time.perf_counter()
            data = client.get(f"{T2V}/{id_}").json()["data"]
            slowest, status = max(slowest, time.perf_counter() - begun), data["task_status"]
            time.sleep(0.02)
        assert slowest < 1
        assert client.get(data["task_result"]["videos"][0]["url"]).content[4:8] == b"ftyp"


def test_a_taken_port_is_reported() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "kling_pipeline.simulator", "--port", str(port)]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert process.returncode != 0
    assert "in use" in process.stderr
