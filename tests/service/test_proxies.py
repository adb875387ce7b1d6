"""A proxy of the environment is asked by name, with what it wants to know, and its refusal sent nothing to Kling."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError, ResultError
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.kling.proxies import Proxies
from tests.conftest import KEYS, clean_env, run_cli

pytestmark = pytest.mark.service
ROUTE = Route("text2video", "/v1/videos/text2video", "videos", "video")
REFUSES = [b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"]
# Name and password wanted, right, and then: not allowed by the rules.
SOCKS_REFUSES = [b"\x05\x02", b"\x01\x00", b"\x05\x02\x00\x01\0\0\0\0\0\0"]


class Proxy:
    """Answers each message of a caller with the next of its answers, and keeps what it heard."""

    def __init__(self, answers: list[bytes]) -> None:
        self.heard: list[bytes] = []
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"user:canary@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                for answer in self._answers:
                    self.heard.append(line.recv(65536))
                    line.sendall(answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture(params=["http", "socks5", "socks5h"])
def proxied(request: pytest.FixtureRequest) -> Iterator[tuple[Proxy, str]]:
    made = Proxy(REFUSES if request.param == "http" else SOCKS_REFUSES)
    yield made, f"{request.param}://{made.place}"
    made.close()


def test_kling_and_results_are_asked_for_by_name(
    proxied: tuple[Proxy, str], tmp_path: Path
) -> None:
    proxy, address = proxied

    def nobody(host: str) -> list[str]:
        raise OSError("the name is known to the proxy only")

    with KlingAIClient(
        "https://kling.example.com", Keys(*KEYS), proxies=Proxies(address), resolver=nobody
    ) as made:
        with pytest.raises(
            KlingError, match=r"not reached over the proxy .*user:\*\*\*@"
        ) as refused:
            made.create(ROUTE, {"prompt": "a"}, expires=2_000_000_000, timeout=20)
        assert not refused.value.sent
        with pytest.raises(ResultError) as caught:
            made.download("https://cdn.example.com/a.mp4?Signature=abcdef", tmp_path / "a", cap=9)
    assert caught.value.code == "result_unreachable"
    said = b"".join(proxy.heard)
    assert b"kling.example.com" in said and b"cdn.example.com" in said
    assert base64.b64encode(b"user:canary") in said or b"canary" in said
    assert b"Signature" not in said and b"Bearer" not in said
    assert "canary" not in f"{refused.value}{caught.value}"


def test_the_doctor_says_which_proxy_it_used(tmp_path: Path) -> None:
    proxy = Proxy(REFUSES)
    env = clean_env(
        STUDIO_DATA_DIR=str(tmp_path / "var"),
        KLING_BASE_URL="https://kling.example.com",
        KLING_API_KEY="an-api-key",
        https_proxy=f" {proxy.place}\r",
    )
    told = run_cli("doctor", env=env)
    proxy.close()
    assert "Kling is reached over the proxy http://user:***@127.0.0.1:" in told.stdout
    assert "canary" not in told.stdout + told.stderr
    assert b"CONNECT kling.example.com:443" in b"".join(proxy.heard)
