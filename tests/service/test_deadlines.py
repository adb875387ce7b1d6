"""A server that never ends what it begins: every call of the client comes back, with or without a proxy."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kling_pipeline.capability import Route
from kling_pipeline.client import Keys, KlingAIClient
from kling_pipeline.downloads import Downloads
from kling_pipeline.errors import KlingError, ResultError
from kling_pipeline.proxies import Proxies
from tests.conftest import KEYS

pytestmark = pytest.mark.service
ROUTE = Route("text2video", "/v1/videos/text2video", "videos", "video")
PAUSE, TIMEOUT = 0.02, 0.3  # seconds from one byte to the next, and those of a call
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
    # What comes after two hundredths is no time-out of a step; only the whole takes too long.
    return KlingAIClient(base_url, Keys(*KEYS), timeout=TIMEOUT, proxies=Proxies(proxy))


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_a_call_comes_back(trickle: Callable[[bytes], int], beginning: bytes) -> None:
    with client(f"http://127.0.0.1:{trickle(beginning)}") as made:
        with pytest.raises(KlingError) as looked:
            made.look(ROUTE, "829")
        with pytest.raises(KlingError) as created:
            made.create(ROUTE, {"prompt": "a"}, expires=2_000_000_000, timeout=TIMEOUT)
    for error in (looked.value, created.value):
        assert (error.verdict, error.sent) == ("uncertain", True)


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_a_download_comes_back(
    trickle: Callable[[bytes], int], beginning: bytes, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{trickle(beginning)}"
    downloads = Downloads(url, timeout=TIMEOUT, longest=2 * TIMEOUT)
    with contextlib.closing(downloads), pytest.raises(ResultError) as caught:
        downloads.fetch(f"{url}/a.mp4", tmp_path / "part", cap=10**6)
    assert caught.value.code in ("result_unreachable", "result_cut")
    assert not (tmp_path / "part").exists()


def test_a_large_request_that_nobody_reads_comes_back() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        client(f"http://127.0.0.1:{deaf.getsockname()[1]}") as made,
        pytest.raises(KlingError, match="broke off"),
    ):
        made.create(ROUTE, {"image": "a" * 30_000_000}, expires=2_000_000_000, timeout=TIMEOUT)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
@pytest.mark.parametrize("beginning", [b"", HEAD, HEAD + b"x-slow: "], ids=["byte", "mute", "slow"])
def test_a_proxy_that_never_ends_is_left(
    trickle: Callable[[bytes], int], scheme: str, beginning: bytes
) -> None:
    proxy = f"{scheme}://127.0.0.1:{trickle(beginning)}"
    with (
        client("https://kling.example.com", proxy) as made,
        pytest.raises(KlingError, match="over the proxy"),
    ):
        made.look(ROUTE, "829")
