"""One caller that means harm, or a bad line: everybody else is answered first, and the end still comes."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import App, wait_for
from tests.pictures import noise, picture

pytestmark = pytest.mark.service
SLOW = 300
MEANS = "application/json"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A demo studio whose system folder for temporary files is its own."""
    folder = tmp_path_factory.mktemp("attacks")
    for name in ("var", "system"):
        (folder / name).mkdir()
    made = App(folder / "var", STUDIO_TIME_SCALE="20", TMPDIR=str(folder / "system")).ready()
    yield made
    made.stop()


def begin(app: App, path: str, kind: str, length: int, first: bytes = b"") -> socket.socket:
    """A request whose body has only begun."""
    made = socket.create_connection(("127.0.0.1", app.port), 20)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
    made.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + first)
    return made


def is_waiting(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(1, socket.MSG_PEEK) == b"never"
    except BlockingIOError:
        return True
    finally:
        line.settimeout(20)


def answered(line: socket.socket) -> tuple[int, str]:
    """Status and code, read while the other side may already have hung up."""
    got = b""
    while b"}}" not in got and b'"}' not in got:
        piece = line.recv(1 << 16)
        if not piece:
            break
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


def assert_others_are_served(app: App) -> None:
    assert app.http.get("/healthz").status_code == 200
    assert app.upload(picture(400, 300))["width"] == 400


def descriptors(app: App) -> int:
    return len(os.listdir(f"/proc/{app.popen.pid}/fd"))


def spooled(app: App, folder: Path) -> int:
    """How many files without a name the studio holds open there."""
    found = []
    for one in Path(f"/proc/{app.popen.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed at this moment
            found.append(os.readlink(one))
    return sum(one.startswith(f"{folder}/") and one.endswith(" (deleted)") for one in found)


@pytest.mark.parametrize("path", ["/api/quote", "/api/jobs", "/api/sessions"])
def test_a_body_of_millions_of_lists_is_refused_while_it_comes(app: App, path: str) -> None:
    body = b'{"capability": "text_to_video", "prompt": [' + b"[]," * 12_300_000 + b"[]]}"
    with closing(begin(app, path, MEANS, len(body), body[:9_000])) as line:
        assert_others_are_served(app)
        assert is_waiting(line)
        line.sendall(body[9_000:60_000])  # the other 37 MB need not come
        assert answered(line) == (413, "body_too_large")
    whole = app.http.post(path, content=body, headers={"content-type": MEANS})
    assert whole.status_code == 413
    assert_others_are_served(app)


ODD = [
    (b'{"a":' * 1_000_000, 400), (b"[" * 40 + b"]" * 40, 400), (b'{"a": ' + b"9" * 5_000_000 + b"}", 400),
    (b"{" + b'"a":1,' * 1_000_000 + b'"a":1}', 413), (b'{"a": 1e999}', 400), (b'{"a": NaN}', 400),
    ('{"a": "é"}'.encode("utf-16"), 400), (b'{"a": "' + b"\\u0041" * 2_000_000 + b'"}', 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), ODD)
def test_other_bodies_that_are_made_to_be_slow(app: App, body: bytes, status: int) -> None:
    for path in ("/api/quote", "/api/sessions"):
        answer = app.http.post(path, content=body, headers={"content-type": MEANS})
        assert answer.status_code == status, answer.text
        assert set(answer.json()["error"]) >= {"code", "message", "fields"}


def test_callbacks_and_chunked_bodies_have_the_same_limits(app: App) -> None:
    for content in (b" " * 1_100_000, (b" " * 100_000 for _ in range(400))):
        answer = app.http.post("/callbacks/kling", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_hundreds_of_half_sent_uploads_stop_nobody_and_leave_nothing(app: App) -> None:
    kind, part = "multipart/form-data; boundary=x", b'Content-Disposition: form-data; name="file"'
    first = b"--x\r\n" + part + b'; filename="a"\r\n\r\n' + b"a" * 150_000
    before = descriptors(app)
    with ExitStack() as lines:
        slow: list[socket.socket] = []

        def taken_in() -> bool:
            # Whoever says nothing for long is sent away, and a busy machine takes long.
            for line in slow:
                line.sendall(b"a")
            return spooled(app, app.folder) >= len(slow)

        for _ in range(SLOW // 20):
            slow += [
                lines.enter_context(closing(begin(app, "/api/uploads", kind, 200_000, first)))
                for _ in range(20)
            ]
            taken_in()
        wait_for(taken_in, "all of them to be taken in")
        assert_others_are_served(app)
        taken_in()
        assert all(is_waiting(line) for line in slow)
        assert spooled(app, app.folder.parent / "system") == 0
    wait_for(lambda: spooled(app, app.folder) == 0, "what they sent to be given up")
    wait_for(lambda: descriptors(app) < before + 40, "what they held to be given back")


def received(app: App) -> set[Path]:
    return {one for one in (app.folder / "gradio").rglob("*") if one.is_file()}


def form(name: str, end: bytes = b"--x--\r\n", text: bytes = b"") -> bytes:
    kind = b"Content-Disposition: form-data; "
    head = b"--x\r\n" + kind + name.encode() + b"\r\n\r\n"
    return text + head + b"a" * 50_000 + b"\r\n" + end


WORD = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nword\r\n'
UNKEPT = {
    "no end": form('name="files"; filename="a"', b""),
    "another field": form('name="other"; filename="a"'),
    "a name that is a folder": form('name="files"; filename=".."'),
    "a word beside it": form('name="files"; filename="a"', text=WORD),
    "a second part with no name": form('name="files"; filename="a"', form('filename="b"')),
}


def test_what_gradio_does_not_keep_of_an_upload_goes_at_once(app: App) -> None:
    """It would count as an upload until the hourly sweep, and refuse everybody else's."""
    kind, before = "multipart/form-data; boundary=x", received(app)
    part = form('name="files"; filename="a"', b"")
    for path in ("/gradio_api/upload", "/gradio_api/upload?upload_id=one"):
        with closing(begin(app, path, kind, 600_000, part)):
            wait_for(lambda: received(app) > before, "the part to be taken in")
        wait_for(lambda: received(app) == before, "the part to go")
    for why, body in UNKEPT.items():
        app.http.post("/gradio_api/upload", content=body, headers={"content-type": kind})
        assert received(app) == before, why
    [kept] = app.http.post("/gradio_api/upload", files={"files": ("a.txt", b"kept")}).json()
    assert received(app) == {*before, Path(kept)}


WORDS = (
    "Traceback",
    "site-packages",
    "pydantic",
    "validation error",
    ".py",
    "Errno",
    "/etc/",
    "var",
)
GRADIO = ["run/predict", "api/predict", "run/x", "call/x", "call/v2/x", "queue/join", "component_server",
          "upload", "stream/x", "cancel", "reset", "process_recording", "mcp/", "vibe-edit"]  # fmt: skip
PATHS = ["info", "startup-events", "file=/etc/passwd", "file=http://127.0.0.1:1/", "file=app.py", "file=%00",
         "proxy=http://127.0.0.1:1/", "custom_component/1/client/component/x", "stream/a/1/2/playlist.m3u8",
         "stream/a/1/2/x.mp4", "upload_progress", "queue/data", "heartbeat"]  # fmt: skip


def events(app: App) -> list[dict[str, Any]]:
    """What the queue and the direct route are sent that nobody's page sends, at events of several kinds."""
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    data: list[Any] = [
        [],
        [None],
        ["x"] * 3,
        [file],
        [{"path": "none"}],
        [{"a": 1}] * 40,
        "x",
        None,
    ]
    count = len(app.http.get("/config").json()["dependencies"])
    return [
        {"fn_index": number, "data": one, "session_hash": "walk"}
        for number in [*range(0, count, max(1, count // 12)), -1, 10**9, "x"]
        for one in data
    ]


def test_a_session_that_nobody_has_is_a_line_in_the_log(app: App) -> None:
    """Whoever asks for it in a loop must not fill the log with ways through libraries."""
    before = len(app.output())
    for path in ("queue/data?session_hash=abc123", "call/nothing/abc123"):
        answer = app.http.get(f"/gradio_api/{path}")
        assert answer.status_code in (200, 404)
    log = app.output()[before:]
    assert "Traceback" not in log
    assert "without completing" not in log


def test_no_route_of_gradio_tells_of_this_machine(app: App) -> None:
    """Each is sent what it does not expect; the answers, the stream and the log are looked at."""
    told = []
    for path in GRADIO:
        for body in (b"", b"{", b"null", b"[]", b"{}", b'{"data": null}', b'{"event_id": 7}'):
            for kind in (MEANS, "multipart/form-data; boundary=x", "text/plain"):
                told.append(
                    app.http.post(
                        f"/gradio_api/{path}", content=body, headers={"content-type": kind}
                    )
                )
    told += [app.http.get(f"/gradio_api/{path}") for path in PATHS]
    for event in events(app):
        told += [
            app.http.post(f"/gradio_api/{to}", json=event) for to in ("run/predict", "queue/join")
        ]
    assert {one.status_code for one in told} >= {400, 404, 422, 500}
    for one in told:
        known = one.url.path.endswith("/info") and one.status_code == 200  # its own description
        assert known or not [word for word in WORDS if word in one.text], (one.url, one.text[:300])
        assert "content-security-policy" in one.headers
    failed = [line for line in stream(app) if '"success":false' in line]
    assert failed
    for line in failed:
        assert not [word for word in WORDS if word in line], line
    log = app.output()
    assert log.count("Traceback") <= log.count(" at ") // 3, "the way is shown once for a kind"


def stream(app: App) -> Iterator[str]:
    with app.http.stream("GET", "/gradio_api/queue/data?session_hash=walk") as answer:
        for line in answer.iter_lines():
            yield line
            if '"close_stream"' in line or "unexpected_error" in line:
                return


def leases(app: App) -> int:
    with closing(sqlite3.connect(app.folder / "studio.db")) as db:
        return int(db.execute("SELECT count(*) FROM lease").fetchone()[0])


def test_the_end_comes_while_a_download_is_paused_and_a_stream_is_open(app: App) -> None:
    """The last of this file: the studio is gone after it."""
    asset = app.upload(noise(1700, 1600))  # 8 MB: more than the buffers between two sockets
    with ExitStack() as lines:
        paused = lines.enter_context(closing(socket.socket()))
        paused.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        paused.connect(("127.0.0.1", app.port))
        paused.sendall(f"GET /media/{asset['id']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert paused.recv(15) == b"HTTP/1.1 200 OK"
        half = lines.enter_context(closing(begin(app, "/api/quote", MEANS, 9, b"{")))
        other = httpx.Client(base_url=app.url, trust_env=False)
        lines.enter_context(other)
        lines.enter_context(other.stream("GET", "/gradio_api/heartbeat/one"))
        assert_others_are_served(app)
        assert leases(app) == 1
        app.popen.terminate()
        wait_for(lambda: leases(app) == 0, "the lease to be given back")
        assert app.popen.poll() is None, "given back before the answers end"
        wait_for(lambda: app.popen.poll() is not None, "the end")
        assert half.fileno() > 0
    assert "Traceback (most recent call last)" not in app.output().rpartition("Cancel")[2]


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    app = App(tmp_path / "var").ready()
    try:
        with closing(begin(app, "/api/quote", MEANS, 9, b"{")):
            assert app.http.get("/healthz").status_code == 200
            app.popen.terminate()
            wait_for(lambda: not can_connect(app), "the door to close")
            app.popen.terminate()
            assert app.popen.wait(timeout=20) == 128 + 15
    finally:
        app.stop()


def can_connect(app: App) -> bool:
    try:
        socket.create_connection(("127.0.0.1", app.port), 1).close()
    except OSError:
        return False
    return True
