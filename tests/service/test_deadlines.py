"""A server that never ends what it begins: every call of the client comes back, with or without a proxy."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError, ResultError
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.kling.downloads import Downloads
from kling_pipeline.kling.proxies import Proxies
from tests.conftest import KEYS

pytestmark = pytest.mark.service
ROUTE = Route("text2video", "/v1/videos/text2video", "videos", "video")
PAUSE, TIMEOUT = 0.02, 2.0  # seconds from one byte to the next, and those of a call
HEAD = b"HTTP/1.1 200 OK\r\n"
BEGINNINGS = {
    "status": b"",
    "header": HEAD + b"x-slow: ",
    "body": HEAD + b"content-length: 1000000\r\n\r\n",
    "chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nfffff\r\n",
    "trailer": HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-slow: ",
    "redirect": b"HTTP/1.1 302 Found\r\nlocation: /next\r\nx-slow: ",
    "silence": HEAD,
}


@pytest.fixture
def trickle() -> Iterator[Callable[[bytes], int]]:
    """Starts servers on loopback that write a beginning and then a byte at a time; their ports."""
    ended, threads, listeners = threading.Event(), [], []

    def hold(line: socket.socket, beginning: bytes) -> None:
        with line, contextlib.suppress(OSError):
            line.sendall(beginning)
            for byte in itertools.cycle(b"a"):
                if ended.wait(PAUSE):
                    return
                if beginning != HEAD:
                    line.sendall(bytes([byte]))

    def accept(listener: socket.socket, beginning: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                threads.append(threading.Thread(target=hold, args=(line, beginning)))
                threads[-1].start()

    def start(beginning: bytes) -> int:
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        threads.append(threading.Thread(target=accept, args=(listeners[-1], beginning)))
        threads[-1].start()
        return int(listeners[-1].getsockname()[1])

    yield start
    ended.set()
    for one in listeners:
        one.shutdown(socket.SHUT_RDWR)
        one.close()
    for thread in threads:
        thread.join()


def client(base_url: str, proxy: str | None = None) -> KlingAIClient:
    return KlingAIClient(base_url, Keys(*KEYS), timeout=TIMEOUT, proxies=Proxies(proxy))


def failures(calls: Mapping[str, Callable[[], object]]) -> dict[str, BaseException | None]:
    """What each call raised; they wait at the same time."""
    with ThreadPoolExecutor(len(calls)) as threads:
        begun = {name: threads.submit(call) for name, call in calls.items()}
        return {name: one.exception() for name, one in begun.items()}


def test_a_call_comes_back(trickle: Callable[[bytes], int]) -> None:
    calls: dict[str, Callable[[], object]] = {}
    with contextlib.ExitStack() as stack:
        for name, beginning in BEGINNINGS.items():
            made = stack.enter_context(client(f"http://127.0.0.1:{trickle(beginning)}"))
            calls[f"look, {name}"] = partial(made.look, ROUTE, "829")
            calls[f"create, {name}"] = partial(
                made.create, ROUTE, {"prompt": "a"}, expires=2_000_000_000, timeout=TIMEOUT
            )
        told = failures(calls)
    for name, error in told.items():
        assert isinstance(error, KlingError), name
        assert (error.verdict, error.sent) == ("uncertain", True), name


def test_a_download_comes_back(trickle: Callable[[bytes], int], tmp_path: Path) -> None:
    calls: dict[str, Callable[[], object]] = {}
    with contextlib.ExitStack() as stack:
        for name, beginning in BEGINNINGS.items():
            url = f"http://127.0.0.1:{trickle(beginning)}"
            downloads = Downloads(url, timeout=TIMEOUT, longest=TIMEOUT)
            stack.enter_context(contextlib.closing(downloads))
            calls[name] = partial(downloads.fetch, f"{url}/a.mp4", tmp_path / name, cap=10**6)
        told = failures(calls)
    for name, error in told.items():
        assert isinstance(error, ResultError), name
        assert error.code in ("result_unreachable", "result_cut"), name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (b"220 mail.example.com ESMTP\r\n\r\n", True),
        (HEAD + b"x-long: " + b"a" * 200_000 + b"\r\n\r\n", True),
        (b"HTTP/1.1 banana\r\n\r\n", True),
        (b"", False),
        (HEAD, False),
        (HEAD + b"content-length: 9\r\n\r\nshort", False),
    ],
)
def test_what_is_no_http_was_an_answer_and_a_closed_line_was_none(
    answer: bytes, answered: bool, tmp_path: Path
) -> None:
    """Or else a job whose looks bring such words waits for Kling for ever."""

    def serve() -> None:
        for _ in range(2):
            line, _ = listener.accept()
            with line, contextlib.suppress(OSError):
                line.recv(65536)
                line.sendall(answer)
                line.shutdown(socket.SHUT_WR)
                line.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with client(url) as made, pytest.raises(KlingError) as look:
            made.look(ROUTE, "829")
        with contextlib.closing(Downloads(url)) as downloads, pytest.raises(ResultError) as fetched:
            downloads.fetch(f"{url}/a.mp4", tmp_path / "a", cap=10**6)
    assert (look.value.verdict, look.value.sent, look.value.answered) == (
        "uncertain", True, answered,
    )  # fmt: skip
    assert ("no HTTP" in look.value.message) is answered
    assert (fetched.value.code == "result_refused") is answered


def test_a_large_request_that_nobody_reads_comes_back() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        client(f"http://127.0.0.1:{deaf.getsockname()[1]}") as made,
        pytest.raises(KlingError, match="broke off"),
    ):
        made.create(ROUTE, {"image": "a" * 30_000_000}, expires=2_000_000_000, timeout=TIMEOUT)


def test_a_proxy_that_never_ends_is_left(trickle: Callable[[bytes], int]) -> None:
    beginnings = {"byte": b"", "mute": HEAD, "slow": HEAD + b"x-slow: "}
    calls: dict[str, Callable[[], object]] = {}
    with contextlib.ExitStack() as stack:
        for scheme in ("http", "https", "socks5"):
            for name, beginning in beginnings.items():
                proxy = f"{scheme}://127.0.0.1:{trickle(beginning)}"
                made = stack.enter_context(client("https://kling.example.com", proxy))
                calls[f"{scheme}, {name}"] = partial(made.look, ROUTE, "829")
        told = failures(calls)
    for name, error in told.items():
        assert isinstance(error, KlingError), name
        assert "over the proxy" in error.message, name
