"""Words: both languages have every key, and the page uses no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ui.words import LANGUAGES, format_message, read_words

UI = Path(__file__).resolve().parent.parent.parent / "ui"
PLACEHOLDER = re.compile(r"{(\w+)")


def test_every_key_is_in_both_languages() -> None:
    english, chinese = (set(read_words(lang)) for lang in LANGUAGES)
    assert english - chinese == set(), "missing in zh"
    assert chinese - english == set(), "missing in en"


@pytest.mark.parametrize("key", sorted(read_words("en")))
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    english, chinese = (set(PLACEHOLDER.findall(read_words(lang)[key])) for lang in LANGUAGES)
    assert english == chinese


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_is_empty_or_has_an_exclamation_mark(lang: str) -> None:
    wrong = {k: v for k, v in read_words(lang).items() if not v.strip() or re.search("[!！]", v)}
    assert wrong == {}


def _used_keys() -> list[tuple[str, str]]:
    """Keys that scripts and skeletons use by their full name, with the file that uses them."""
    found = []
    for path in sorted([*UI.glob("static/**/*.js"), *UI.glob("**/*.py")]):
        text = path.read_text(encoding="utf-8")
        keys = re.findall(r"""\bt\(\s*['"]([a-z]+\.\w+)['"]""", text)
        keys += re.findall(r'data-t(?:-\w+)?="([a-z]+\.\w+)"', text)
        found += [(path.name, key) for key in dict.fromkeys(keys)]
    return found


@pytest.mark.parametrize(("file", "key"), _used_keys() or [("", "header.name")])
def test_every_key_that_the_page_uses_exists(file: str, key: str) -> None:
    assert key in read_words("en"), f"{file} uses {key}"


def test_values_and_plurals_are_filled_in() -> None:
    words = {"a": "{n} new {n|take|takes} for {credits}"}
    assert format_message(words, "a", n=1, credits=1260) == "1 new take for 1,260"
    assert format_message(words, "a", n=3, credits="x") == "3 new takes for x"
    assert format_message(words, "no.such.key") == "no.such.key"
