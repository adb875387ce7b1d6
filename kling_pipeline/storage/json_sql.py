"""JSON inside a query: the one thing of it that every database writes in its own way."""

from __future__ import annotations


def json_field(column: str, name: str) -> str:
    """Return the SQL of a top-level field of a JSON column; NULL where the column holds no JSON."""
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END"
