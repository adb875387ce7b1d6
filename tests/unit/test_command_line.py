"""What the command line hands on to the process that takes its place, and how it reads a file of wishes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kling_pipeline.__main__ import app
from kling_pipeline.cli_input import read_lines
from kling_pipeline.errors import InputError


@pytest.mark.parametrize("given", [[], ["--access-key", "mine"]])
def test_no_key_that_was_not_given_stands_in_the_process_list(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda path, command: told.append(command))
    assert CliRunner().invoke(app, ["simulator", *given]).exit_code == 0
    keys = [one for one in told[0] if "key=" in one]
    assert keys == [f"--access-key={value}" for value in given[1:]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_of_wishes_is_read_as_its_console_wrote_it(encoding: str, tmp_path: Path) -> None:
    """PowerShell's `>` writes UTF-16."""
    file, line = tmp_path / "shots.jsonl", '{"params": {"prompt": "\u96e8"}}'
    file.write_bytes(f"{line}\n\n{line}".encode(encoding))
    assert list(read_lines(file)) == [(1, line), (3, line)]


def test_a_file_of_wishes_that_is_no_text_is_told_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "shots.jsonl"
    file.write_bytes('{"prompt": "\xe9"}'.encode("latin-1"))
    with pytest.raises(InputError, match=r"Save it as UTF-8"):
        list(read_lines(file))
