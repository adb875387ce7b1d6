"""SQL outside storage/ is plain: another database reads it, too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.test_house import OWNERS, SOURCES, _name, _tree

# What other databases write in another way, or not at all; docs/decisions/0011 draws the line.
SQLITE_ONLY = re.compile(
    r"\b(PRAGMA|OR IGNORE|OR REPLACE|INSTR|GLOB|STRFTIME|JSON_(?!FIELD\b)\w+|ROWID|VACUUM|SQLITE_\w+|WITHOUT ROWID)\b"
    r"|\b(SELECT|UPDATE)\b.*\b(MAX|MIN)\([^()]*,"
    r"|\w (?<!IS )NOT NULL\b"
)
A_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE|ALTER|WITH)\b")


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_what_only_sqlite_knows_stands_in_storage(path: Path) -> None:
    if _name(path).startswith(OWNERS["sqlite3"]):
        return
    wrong = [
        f"line {node.lineno}: {found[0]}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for text in [" ".join(ast.unparse(node).strip("f\"'").upper().split())]
        if A_STATEMENT.match(text) and (found := SQLITE_ONLY.search(text))
    ]
    assert not wrong, f"{_name(path)}: SQL that other databases do not know: {wrong}"


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA quick_check(5)",
        "INSERT OR IGNORE INTO account (owner) VALUES (?)",
        "UPDATE job SET lease_until = max(lease_until, ?)",
        "SELECT id FROM job WHERE lease_owner NOT NULL",
        "DELETE FROM meta WHERE json_extract(value, '$.until') > ?",
    ],
)
def test_such_a_statement_is_seen(statement: str) -> None:
    assert SQLITE_ONLY.search(statement.upper())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT coalesce(max(seq), 0) + 1 FROM job",
        "SELECT id FROM job WHERE lease_owner IS NOT NULL",
        "INSERT INTO lease VALUES (?) ON CONFLICT (name) DO UPDATE SET owner = excluded.owner",
    ],
)
def test_a_plain_statement_is_not(statement: str) -> None:
    assert not SQLITE_ONLY.search(statement.upper())
