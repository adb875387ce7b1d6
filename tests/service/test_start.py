"""A studio starts on machines as they are, and says in one sentence why where it cannot."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import listen
from kling_pipeline.demo import Demo
from kling_pipeline.errors import StudioError
from kling_pipeline.runtime import Runtime
from kling_pipeline.settings import Settings
from tests.conftest import ROOT, App, clean_env

pytestmark = pytest.mark.service
PROXIES = {"ALL_PROXY": "socks5://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}


def loose(folder: Path) -> list[str]:
    """What of a data folder somebody else could look into, its files of assets left out: no folder leads there."""
    found = []
    for path in [folder, *folder.rglob("*")]:
        inside = path != folder and path.relative_to(folder).parts[0]
        deep = inside in ("assets", "gradio", "simulator.db.files") and path.is_file()
        if not deep and stat.S_IMODE(path.stat().st_mode) & 0o077:
            found.append(f"{path.name} {oct(path.stat().st_mode)}")
    return found


def children(pid: int) -> list[str]:
    """The command lines of a process's children."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "args=", "--ppid", str(pid)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return shown.stdout.splitlines()


def test_a_demo_starts_among_proxies_and_keeps_everything_to_its_owner(
    start_app: Callable[..., App], tmp_path: Path
) -> None:
    folder = tmp_path / "var"
    for name in ("assets/incoming", "assets/ab", "simulator.db.files"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o755)
    for name in ("simulator.db", "simulator.keys", "queue.db", "studio.lock"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    (folder / "simulator.keys").write_bytes(b"\xff\xfe not keys")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "gradio").write_text("somebody else's")
    app = start_app(
        **PROXIES,
        HTTP_PROXY="no proxy at all",
        SSL_CERT_FILE="/not/there",
        SSLKEYLOGFILE="/not/there/keys",
        GRADIO_SERVER_PORT="abc",
        GRADIO_SSR_MODE="True",
        GRADIO_ROOT_PATH="/elsewhere",
        TMPDIR=str(tmp_path / "tmp"),
    )
    [job] = app.submit("image_generation", {"prompt": "a vase"})
    app.wait_state(job["id"], "done")
    sent = app.http.post("/gradio_api/upload", files={"files": ("a.txt", b"a text")})
    (path,) = sent.json()
    assert Path(path).is_relative_to(folder / "gradio")
    assert app.http.get(f"/gradio_api/file={path}").content == b"a text"
    assert app.http.get(f"/gradio_api/file={folder}/studio.db").status_code in (403, 404)
    assert loose(folder) == []
    access, secret = (folder / "simulator.keys").read_text().split()
    lines = children(app.popen.pid)
    assert any("kling_pipeline.simulator" in line for line in lines)
    assert not any(access in line or secret in line for line in lines)
    assert "Traceback" not in app.output()


def fails(**env: str) -> str:
    ended = subprocess.run(
        [sys.executable, "app.py"],
        env=clean_env(PORT="0", **env), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode != 0 and "Traceback" not in ended.stderr
    return ended.stderr


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    assert fails(HTTPS_PROXY="http://u:canary@[::1").startswith("HTTPS_PROXY: it must be")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "under"):
        assert "Point it at a folder." in fails(STUDIO_DATA_DIR=str(path))


@pytest.mark.parametrize("host", ["x86_64-conda-linux-gnu", "203.0.113.7", "a..b", "ü" * 70])
def test_a_host_that_is_none_is_named(host: str) -> None:
    with pytest.raises(StudioError, match=r"HOST is .* Set HOST=127\.0\.0\.1") as caught:
        listen(Settings(_env_file=None, host=host, port=0))
    assert "PORT" not in caught.value.message


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(StudioError, match="Set PORT to another one") as caught:
            listen(Settings(_env_file=None, port=other.getsockname()[1]))
        assert "HOST" not in caught.value.message


@pytest.mark.parametrize("name", ["simulator.lock", "simulator.keys", "studio.db"])
def test_a_folder_that_cannot_be_written_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StudioError, match=name) as caught:
        Runtime(Settings(_env_file=None, studio_data_dir=tmp_path))
    assert caught.value.code == "store_unwritable"


@pytest.mark.parametrize("name", ["simulator.db", "simulator.db.files"])
def test_a_simulator_that_cannot_start_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"this is no database" * 99)
    with pytest.raises(StudioError, match="did not start"):
        Demo(Settings(_env_file=None, studio_data_dir=tmp_path)).ensure()


def test_a_folder_that_vanishes_is_one_sentence(tmp_path: Path) -> None:
    demo = Demo(Settings(_env_file=None, studio_data_dir=tmp_path / "var"))
    for path in (tmp_path / "var").iterdir():
        path.unlink()
    (tmp_path / "var").rmdir()
    with pytest.raises(StudioError, match="cannot be written"):
        demo.ensure()


def test_somebody_s_home_keeps_its_mode(tmp_path: Path) -> None:
    for name in ("letters", "assets", "."):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "notes.txt").chmod(0o644)
    Runtime(Settings(_env_file=None, studio_data_dir=tmp_path)).close()
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, *tmp_path.iterdir())
    }
    assert (modes[tmp_path.name], modes["letters"], modes["notes.txt"]) == (0o755, 0o755, 0o644)
    assert (modes["assets"], modes["studio.db"]) == (0o700, 0o600)


def run_cli(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Started as a person does, since the interpreter itself reads how the console writes."""
    return subprocess.run(
        [sys.executable, "-m", "kling_pipeline", *command],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def test_the_command_line_speaks_to_any_console(tmp_path: Path) -> None:
    env = clean_env(STUDIO_DATA_DIR=str(tmp_path / "var"))
    bare = run_cli("jobs", env=env | {"SSLKEYLOGFILE": "/not/there/keys"})
    assert (bare.returncode, bare.stderr) == (0, "")
    run_cli("run", "image_generation", "prompt=一只花瓶 \U0001f3fa", env=env)
    ascii_only = run_cli("jobs", "--json", env=env | {"PYTHONIOENCODING": "ascii"})
    utf8 = run_cli("jobs", "--json", env=env | {"PYTHONIOENCODING": "utf-8"})
    assert ascii_only.stdout.isascii() and not utf8.stdout.isascii()
    assert json.loads(ascii_only.stdout) == json.loads(utf8.stdout)
    named = os.fsdecode(b"image=\xff.png")
    for encoding in ("ascii", "latin-1", "utf-8"):
        refused = run_cli(
            "run", "image_to_video", named, "prompt=花", env=env | {"PYTHONIOENCODING": encoding}
        )
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
    for closing in ("| true", ">&-", "2>&1 | true"):
        command = f"'{sys.executable}' -m kling_pipeline jobs {closing}"
        quiet = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (quiet.returncode, quiet.stderr) == (0, "")
    for form in ("jobs", "jobs --json", "--help", "run --help"):
        command = f"'{sys.executable}' -m kling_pipeline {form} > /dev/full"
        full = subprocess.run(
            ["bash", "-c", command],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert full.returncode == 1
        assert full.stderr.splitlines() == [
            "Not all of it could be written to standard output: No space left on device."
        ]
