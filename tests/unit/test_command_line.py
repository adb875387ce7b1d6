"""What the command line hands on to the process that takes its place."""

from __future__ import annotations

import os
from typing import Any

import pytest
from typer.testing import CliRunner

from kling_pipeline.__main__ import app


@pytest.mark.parametrize("given", [[], ["--access-key", "mine"]])
def test_no_key_that_was_not_given_stands_in_the_process_list(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda path, command: told.append(command))
    assert CliRunner().invoke(app, ["simulator", *given]).exit_code == 0
    keys = [one for one in told[0] if "key=" in one]
    assert keys == [f"--access-key={value}" for value in given[1:]]
