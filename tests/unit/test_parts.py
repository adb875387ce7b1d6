"""A whole file is taken under any word for it, a part of one is refused, and what hinders is named."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from kling_pipeline.errors import ResultError
from kling_pipeline.kling.downloads import Downloads
from tests.unit.kling_stub import client
from tests.unit.test_client import ROUTE, verdict_of
from tests.unit.test_downloads import BASE, LINK, Server, fetched

WHOLE = [(203, ""), (206, "bytes 0-3/4"), (206, "Bytes 0-3/4 ")]
PARTS = ["bytes 0-3/5", "bytes 1-3/4", "bytes 0-3/*", "bytes */4", "0-3/4", ""]


@pytest.mark.parametrize(("status", "told"), WHOLE)
def test_the_whole_file_counts_and_not_the_word_for_it(
    status: int, told: str, tmp_path: Path
) -> None:
    """A proxy that touched a header says 203, and some storages call every answer a part."""
    headers = {"content-range": told} if told else {}
    server = Server(httpx.Response(status, headers=headers, content=b"film"))
    assert server.downloads.fetch(LINK, tmp_path / "a", cap=100) == 4


@pytest.mark.parametrize("told", PARTS)
def test_a_part_that_is_not_the_whole_is_refused(told: str, tmp_path: Path) -> None:
    server = Server(httpx.Response(206, headers={"content-range": told}, content=b"film"))
    assert fetched(server, LINK, tmp_path / "a") == "result_refused"


HINDERED = [
    (httpx.ProxyError("407 Proxy Authentication Required"), "ProxyError: it answered HTTP 407"),
    (
        httpx.ConnectError(
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: at x.example"
        ),
        "ConnectError: its certificate is not trusted here",
    ),
    (httpx.ConnectError("to canary.example"), "(ConnectError)"),
]


@pytest.mark.parametrize(("error", "named"), HINDERED)
def test_a_proxy_that_refuses_and_a_certificate_that_is_foreign_are_named(
    error: Exception, named: str, tmp_path: Path
) -> None:
    """A proxy that wants a password, or one that opens TLS itself, is never over by waiting."""

    def fails(_: httpx.Request) -> httpx.Response:
        raise error

    assert named in verdict_of(lambda: client(fails).look(ROUTE, "829")).message
    with pytest.raises(ResultError) as caught:
        Server(fails).downloads.fetch(LINK, tmp_path / "a", cap=9)
    assert named in caught.value.message and caught.value.code == "result_unreachable"


@pytest.mark.parametrize("address", ["0.0.0.0", "10.1.2.3", "100.64.0.9", "::1"])
def test_a_name_that_is_said_to_be_inside_is_named_with_what_to_do(
    address: str, tmp_path: Path
) -> None:
    """A blocker answers 0.0.0.0, a cloud its inner network: the link is not to blame."""
    downloads = Downloads(BASE, resolver=lambda _: [address])
    with pytest.raises(ResultError) as caught:
        downloads.fetch(LINK, tmp_path / "a", cap=9)
    assert f"cdn.example.com stands for {address}" in caught.value.message
    assert caught.value.code == "result_address" and "DNS" in caught.value.next
