"""docs/troubles.md names only tests that exist."""

from __future__ import annotations

import re

from tests.conftest import ROOT

NAMED = re.compile(r"`((?:unit|service|browser)/\w+\.py)(?:::(\w+))?`")


def test_every_trouble_names_a_test_that_exists() -> None:
    told = (ROOT / "docs" / "troubles.md").read_text(encoding="utf-8")
    rows = [line for line in told.splitlines() if re.match(r"\| \d", line)]
    assert rows
    for row in rows:
        found = NAMED.findall(row)
        assert found, row
        for file, test in found:
            source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert (f"def {test}(" if test else "def test_") in source, row
