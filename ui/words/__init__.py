"""Every visible string, by language: TOML files flattened to dotted keys."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")


@functools.cache
def read_words(lang: str) -> dict[str, str]:
    """Read one language: `[board] empty = …` in any of its files becomes `board.empty`.

    ValueError for a key that two files have.
    """
    words: dict[str, str] = {}
    for path in sorted(HERE.glob(f"{lang}.*.toml")):
        for key, text in _flatten(tomllib.loads(path.read_text(encoding="utf-8")), ""):
            if key in words:
                raise ValueError(f"{path.name}: another file has {key} already.")
            words[key] = text
    return words


def format_message(words: Mapping[str, str], key: str, **values: object) -> str:
    """Return the text of a key with its placeholders filled in; a missing key returns itself.

    `{n|one|many}` chooses by the value of n; everything else is `{name}`.
    """
    return _fill(words.get(key, key), values)


def _flatten(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, dict):
            yield from _flatten(value, f"{key}.")
        else:
            yield key, str(value)


def _fill(text: str, values: Mapping[str, object]) -> str:
    out, rest = "", text
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inside, _, rest = rest.partition("}")
        name, *forms = inside.split("|")
        value = values.get(name, "")
        out += before + (forms[0 if value == 1 else 1] if len(forms) == 2 else _format(value))
    return out + rest


def _format(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
