"""Results are fetched whole, from Kling's origin and public addresses, and from nowhere else."""

from __future__ import annotations

import gzip
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kling_pipeline.errors import ResultError
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.kling.downloads import Downloads
from kling_pipeline.kling.proxies import Proxies
from kling_pipeline.kling.urls import public_addresses, resolve

BASE = "http://127.0.0.1:8123"
PUBLIC, OTHER = "93.184.215.14", "1.1.1.1"
SIX = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
LINK = "https://cdn.example.com/a/video.mp4?Signature=abcdef123456"
NAMES = {
    "cdn.example.com": [PUBLIC],
    "two.example.com": [PUBLIC, OTHER],
    "six.example.com": [SIX],
    "mixed.example.com": [PUBLIC, "10.0.0.1"],
    "inside.example.com": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "localhost": ["127.0.0.1"],
    "nobody.example.com": [],
}


def names(host: str) -> list[str]:
    """The system's resolver for numbers, which asks nobody; a table for names."""
    return NAMES[host] if host in NAMES else resolve(host)


class Server:
    """A server that is a function, and what reached it."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | httpx.Response) -> None:
        self.seen: list[httpx.Request] = []
        self._answer = answer
        self.downloads = Downloads(BASE, transport=httpx.MockTransport(self), resolver=names)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self._answer if isinstance(self._answer, httpx.Response) else self._answer(request)


def fetched(server: Server, url: str, target: Path, cap: int = 10**6) -> str:
    """The code of the refusal."""
    with pytest.raises(ResultError) as caught:
        server.downloads.fetch(url, target, cap=cap)
    assert not target.exists()
    assert "Signature" not in str(caught.value) and "abcdef" not in str(caught.value)
    return caught.value.code


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "result.part"


FORBIDDEN = [
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f.1/a",
    "https://0x7f000001/a",
    "https://0177.0.0.1/a",
    "https://[::1]/a",
    "https://[::]/a",
    "https://[::ffff:169.254.169.254]/a",
    "https://[::127.0.0.1]/a",
    "https://[64:ff9b::7f00:1]/a",
    "https://[64:ff9b:1::7f00:1]/a",
    "https://[2002:7f00:1::]/a",
    "https://[2001:0:7f00:1::]/a",
    "https://[fe80::1]/a",
    "https://[fc00::1]/a",
    "https://[fec0::1]/a",
    "https://[ff0e::1]/a",
    "https://100.64.0.1/a",
    "https://0.0.0.0/a",
    "https://10.0.0.1/a",
    "https://172.16.0.1/a",
    "https://192.168.1.1/a",
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1/a",
    "https://240.0.0.1/a",
    "https://255.255.255.255/a",
    "https://localhost/a",
    "https://localhost./a",
    "https://LOCALHOST/a",
    "https://inside.example.com/a",
    "https://mixed.example.com/a",
    "https://user@cdn.example.com/a",
    "https://user:word@cdn.example.com/a",
    "https://cdn.example.com:8443/a",
    "https://cdn.example.com:80/a",
    "http://cdn.example.com/a",
    "http://127.0.0.1/a",
    "http://127.0.0.1:8124/a",
    "https://127.0.0.1:8123/a",
    "http://user@127.0.0.1:8123/a",
    "http://127.0.0.1:8123@cdn.example.com/a",
    "file:///etc/passwd",
    "gopher://cdn.example.com/a",
    "ftp://cdn.example.com/a",
    "data:video/mp4;base64,AAAA",
    "//cdn.example.com/a",
    "/etc/passwd",
    "https://",
    "https:///a",
    "",
    "not a link",
    "https://a..b/",
    "https://[::1/",
    "https://cdn.example.com:port/",
    "https://" + "a" * 70_000,
]


@pytest.mark.parametrize("url", FORBIDDEN, ids=lambda url: url[:50])
def test_a_forbidden_link_makes_no_connection(url: str, part: Path) -> None:
    server = Server(httpx.Response(200, content=b"secret"))
    assert fetched(server, url, part) == "result_address"
    assert server.seen == []


WITH_A_HOST = [url for url in FORBIDDEN if re.match(r"\w+://[^/]", url)]


@pytest.mark.parametrize("location", WITH_A_HOST, ids=lambda url: url[:50])
def test_a_redirect_is_checked_like_a_link(location: str, part: Path) -> None:
    server = Server(httpx.Response(302, headers={"location": location}))
    assert fetched(server, LINK, part) == "result_address"
    assert len(server.seen) == 1


def test_kling_s_own_origin_may_not_lead_inside(part: Path) -> None:
    server = Server(httpx.Response(302, headers={"location": "http://127.0.0.1:22/"}))
    assert fetched(server, f"{BASE}/a", part) == "result_address"
    assert len(server.seen) == 1


def test_the_checked_address_is_the_one_that_is_called(part: Path) -> None:
    asked = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    server = Server(httpx.Response(200, content=b"film"))
    server.downloads = Downloads(BASE, transport=httpx.MockTransport(server), resolver=rebinding)
    assert server.downloads.fetch(LINK, part, cap=100) == 4
    (request,) = server.seen
    assert asked == ["cdn.example.com"]
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "cdn.example.com"
    assert request.extensions["sni_hostname"] == "cdn.example.com"
    assert request.url.raw_path == b"/a/video.mp4?Signature=abcdef123456"
    assert fetched(server, LINK, part.with_suffix(".2")) == "result_address"
    assert len(server.seen) == 1


def test_an_address_of_the_sixth_version_is_called_in_brackets(part: Path) -> None:
    server = Server(httpx.Response(200, content=b"film"))
    server.downloads.fetch("https://six.example.com/a", part, cap=100)
    assert server.seen[0].url.raw_host == SIX.encode()
    assert f"[{SIX}]" in str(server.seen[0].url)


def test_the_next_address_is_tried_when_one_does_not_answer(part: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == PUBLIC:
            raise httpx.ConnectError("no")
        return httpx.Response(200, content=b"film")

    server = Server(answer)
    assert server.downloads.fetch("https://two.example.com/a", part, cap=100) == 4
    assert fetched(server, LINK, part.with_suffix(".2")) == "result_unreachable"


def test_a_result_is_written_whole(part: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/a":
            return httpx.Response(307, headers={"location": "/b"})
        return httpx.Response(200, content=b"x" * 200_000)

    server, steps = Server(answer), []
    done = server.downloads.fetch(
        f"{BASE}/a", part, cap=200_000, on_bytes=lambda *step: steps.append(step)
    )
    assert done == part.stat().st_size == 200_000
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert steps[-1] == (200_000, 200_000) and len(steps) > 1
    for request in server.seen:
        assert not {"authorization", "cookie", "referer"} & set(request.headers)


def test_a_part_file_that_was_left_is_written_anew(part: Path) -> None:
    part.write_bytes(b"left over" * 100)
    Server(httpx.Response(200, content=b"film")).downloads.fetch(LINK, part, cap=100)
    assert part.read_bytes() == b"film"


def test_a_link_in_the_file_system_is_not_followed(part: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    part.symlink_to(victim)
    with pytest.raises(OSError):
        Server(httpx.Response(200, content=b"film")).downloads.fetch(LINK, part, cap=100)
    assert victim.read_bytes() == b"mine"


def test_redirects_end(part: Path) -> None:
    server = Server(httpx.Response(302, headers={"location": LINK}))
    assert fetched(server, LINK, part) == "result_refused"
    assert len(server.seen) == 4


class Breaks(httpx.SyncByteStream):
    """A body that ends with an error."""

    def __init__(self, error: Exception | None, size: int = 10) -> None:
        self._error, self._size = error, size

    def __iter__(self) -> Iterator[bytes]:
        yield b"x" * self._size
        if self._error:
            raise self._error


def streamed(size: int = 10, error: Exception | None = None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status_code": 200, "headers": named, "stream": Breaks(error, size)}


def packed(data: bytes, end: int | None = None, word: str = "gzip") -> dict[str, Any]:
    """An answer whose length is that of the packed bytes."""
    body = gzip.compress(data)[:end]
    headers = {"content-encoding": word, "content-length": str(len(body))}
    return {"status_code": 200, "headers": headers, "stream": httpx.ByteStream(body)}


ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"status_code": 404}, "result_expired"),
    "forbidden": ({"status_code": 403}, "result_expired"),
    "broken": ({"status_code": 500}, "result_unreachable"),
    "a part": ({"status_code": 206, "content": b"x"}, "result_refused"),
    "nowhere": ({"status_code": 302}, "result_refused"),
    "refused": ({"status_code": 451}, "result_refused"),
    "later": ({"status_code": 429}, "result_unreachable"),
    "empty": ({"status_code": 200}, "result_cut"),
    "packed": (streamed(content_encoding="br"), "result_packed"),
    "packed large": (packed(b"x" * 1001), "result_too_large"),
    "packed and cut": (packed(b"x" * 99, end=-4), "result_packed"),
    "said to be large": (streamed(content_length="1001"), "result_too_large"),
    "large": ({"status_code": 200, "content": b"x" * 1001}, "result_too_large"),
    "large without a word": (streamed(1001), "result_too_large"),
    "short": (streamed(content_length="11"), "result_cut"),
    "long": (streamed(content_length="9"), "result_cut"),
    "broken off": (streamed(error=httpx.RemoteProtocolError("no")), "result_cut"),
    "stuck": (streamed(error=httpx.ReadTimeout("no")), "result_cut"),
}


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_is_not_the_whole_file_is_refused(answer: Any, code: str, part: Path) -> None:
    assert fetched(Server(httpx.Response(**answer)), LINK, part, cap=1000) == code


@pytest.mark.parametrize(
    "word",
    ["aws-chunked", "AWS-Chunked", "identity, aws-chunked", "", "binary", "utf-8", "none", "gzip",
     "deflate", "aws-chunked,gzip"],
)  # fmt: skip
def test_a_word_about_the_encoding_does_not_cost_a_whole_file(word: str, part: Path) -> None:
    film = b"\0\0\0\x20ftypisom" + b"x" * 90
    answer = {"headers": {"content-encoding": word}, "stream": httpx.ByteStream(film)}
    assert Server(httpx.Response(200, **answer)).downloads.fetch(LINK, part, cap=1000) == 102
    assert part.read_bytes() == film


@pytest.mark.parametrize("word", ["gzip", "GZIP", "x-gzip", "identity, gzip", "aws-chunked,gzip"])
def test_a_packed_file_is_unpacked(word: str, part: Path) -> None:
    server, steps = Server(httpx.Response(**packed(b"film" * 99, word=word))), []
    server.downloads.fetch(LINK, part, cap=1000, on_bytes=lambda *step: steps.append(step))
    assert part.read_bytes() == b"film" * 99
    assert steps[-1][0] == steps[-1][1] < 396, "progress is that of the packed bytes"


def test_a_length_beside_chunks_does_not_count(part: Path) -> None:
    answer = streamed(content_length="99", transfer_encoding="chunked")
    assert Server(httpx.Response(**answer)).downloads.fetch(LINK, part, cap=1000) == 10


FAKES = ["198.18.0.5", "198.19.255.1", "fc00::5", "64:ff9b::c612:5", "::ffff:198.18.0.5"]


@pytest.mark.parametrize("fake", FAKES)
def test_an_address_that_a_proxy_made_up_is_named_and_let_through_by_a_setting(
    fake: str, part: Path
) -> None:
    server = Server(httpx.Response(200, content=b"film"))
    table = {"cdn.example.com": [fake], "mixed.example.com": [fake, "10.0.0.1"]}
    common: Any = {
        "transport": httpx.MockTransport(server),
        "resolver": lambda host: table.get(host) or resolve(host),
    }
    server.downloads = Downloads(BASE, **common)
    with pytest.raises(ResultError, match=r"made up") as caught:
        server.downloads.fetch(LINK, part, cap=100)
    assert caught.value.code == "result_fake_ip" and "STUDIO_FAKE_IP" in caught.value.next
    number = f"https://[{fake}]/a" if ":" in fake else f"https://{fake}/a"
    server.downloads = Downloads(BASE, fake_ip=True, **common)
    for url in (number, "https://mixed.example.com/a", "https://10.0.0.1/a"):
        assert fetched(server, url, part) == "result_address"
    assert server.seen == []
    assert server.downloads.fetch(LINK, part, cap=100) == 4
    assert server.seen[0].extensions["sni_hostname"] == "cdn.example.com"


def test_a_proxy_is_asked_by_name_for_what_is_not_known_to_be_inside(part: Path) -> None:
    server = Server(httpx.Response(200, content=b"film"))
    server.downloads = Downloads(
        BASE,
        transport=httpx.MockTransport(server),
        resolver=names,
        proxies=Proxies("http://proxy.example:3128", ("six.example.com",)),
    )
    for name in ("cdn.example.com", "nobody.example.com"):
        assert server.downloads.fetch(f"https://{name}/a", part, cap=100) == 4
        assert server.seen.pop().url.host == name
    server.downloads.fetch("https://six.example.com/a", part, cap=100)
    assert server.seen.pop().url.host == SIX
    NAMES.update({"intranet": [], "nas.local": []})
    part.unlink()
    inside = ("inside.example.com", "mixed.example.com", "intranet", "nas.local", "127.0.0.1")
    for name in inside:
        assert fetched(server, f"https://{name}/a", part) == "result_address"
    assert server.seen == []


@pytest.mark.parametrize("error", [httpx.ReadTimeout("no"), httpx.ReadError("no"), OSError("no")])
def test_a_server_that_does_not_answer(error: Exception, part: Path) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    assert fetched(Server(answer), LINK, part) == "result_unreachable"
    assert fetched(Server(answer), f"{BASE}/a", part) == "result_unreachable"


def test_a_name_that_nobody_knows(part: Path) -> None:
    server = Server(httpx.Response(200))
    assert fetched(server, "https://nobody.example.com/a", part) == "result_unreachable"
    assert server.seen == []


def test_a_file_that_trickles_is_left(part: Path) -> None:
    server = Server(httpx.Response(200, stream=Breaks(None)))
    server.downloads = Downloads(
        BASE, transport=httpx.MockTransport(server), resolver=names, longest=-1
    )
    assert fetched(server, LINK, part) == "result_unreachable"


def test_a_full_disk_is_not_the_server_s_fault(part: Path) -> None:
    def full(done: int, expected: int | None) -> None:
        raise OSError(28, "No space left on device")

    server = Server(httpx.Response(200, content=b"film"))
    with pytest.raises(OSError, match="No space"):
        server.downloads.fetch(LINK, part, cap=100, on_bytes=full)
    assert not part.exists()


def test_no_download_carries_a_key(part: Path) -> None:
    server = Server(httpx.Response(200, content=b"film"))
    made = KlingAIClient(
        BASE, Keys(api="API-canary"), transport=httpx.MockTransport(server), resolver=names
    )
    made.download(f"{BASE}/a", part, cap=100)
    made.download(LINK, part, cap=100)
    for request in server.seen:
        assert "canary" not in repr(request.headers.raw)


def test_public_addresses_are_all_checked() -> None:
    assert public_addresses("two.example.com", names) == [PUBLIC, OTHER]
    with pytest.raises(ValueError, match="not public"):
        public_addresses("mixed.example.com", names)
    with pytest.raises(OSError):
        public_addresses("nobody.example.com", names)
