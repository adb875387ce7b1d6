"""A whole file is taken under any word for it, and a part of one is refused."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.unit.test_downloads import LINK, Server, fetched

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
