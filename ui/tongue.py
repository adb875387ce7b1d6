"""Labels in every language at once: each is a key of Gradio's own translation, so the browser chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from ui.words import LANGUAGES, read_words, say

_LOCALES = {"en": ("en",), "zh": ("zh-CN", "zh")}


class Tongue:
    """Says labels; whatever it said is in `i18n()`, which the page is mounted with."""

    def __init__(self) -> None:
        self._words = {lang: read_words(lang) for lang in LANGUAGES}
        self._said: dict[str, dict[str, str]] = {lang: {} for lang in LANGUAGES}
        self._i18n = gr.I18n()

    def field(self, capability: str, name: str) -> Any:
        """The label of a field."""
        own = f"field.{capability}.{name}"
        return self._say(own, {lang: self._field(lang, own, name) for lang in LANGUAGES})

    def numbered(self, capability: str, name: str, n: int) -> Any:
        """The label of one file of a list."""
        own = f"field.{capability}.{name}"
        texts = {lang: f"{self._field(lang, own, name)} {n}" for lang in LANGUAGES}
        return self._say(f"{own}.{n}", texts)

    def placeholder(self, capability: str, name: str) -> Any:
        """What an empty text field says; nothing when no words are there."""
        keys = (f"placeholder.{capability}.{name}", f"placeholder.{name}")
        texts = {lang: _first(self._words[lang], keys, "") for lang in LANGUAGES}
        return self._say(keys[0], texts) if any(texts.values()) else None

    def value(self, field: str, value: Any) -> Any:
        """The label of one value of a field."""
        name = str(value).lower() if isinstance(value, bool) else str(value) or "none"
        own = f"value.{field}.{name}"
        return self._say(own, {lang: self._value(lang, field, name) for lang in LANGUAGES})

    def longest(self, field: str, values: Iterable[Any]) -> int:
        """The letters of the longest label of a value in any language."""
        return max(
            (len(self._value(lang, field, str(one))) for one in values for lang in LANGUAGES),
            default=0,
        )

    def word(self, key: str, default: str = "") -> Any:
        """Any other words by their key."""
        return self._say(
            key, {lang: self._words[lang].get(key, default or key) for lang in LANGUAGES}
        )

    def advanced(self, capability: str, names: list[str]) -> Any:
        """The label of the folded part: it names what is inside."""
        texts = {}
        for lang, words in self._words.items():
            labels = [self._field(lang, f"field.{capability}.{name}", name) for name in names]
            inside = say(words, "form.comma").join(label.lower() for label in labels)
            texts[lang] = say(words, "form.advanced", inside=inside)
        return self._say(f"advanced.{capability}", texts)

    def i18n(self) -> gr.I18n:
        """Everything that was said, for Gradio."""
        return gr.I18n(
            **{
                locale: dict(self._said[lang])
                for lang, locales in _LOCALES.items()
                for locale in locales
            }
        )

    def _field(self, lang: str, own: str, name: str) -> str:
        return _first(self._words[lang], (own, f"field.{name}"), readable(name))

    def _value(self, lang: str, field: str, name: str) -> str:
        words = self._words[lang]
        if f"unit.{field}" in words and f"value.{field}.{name}" not in words:
            return say(words, f"unit.{field}", value=name)
        return _first(words, (f"value.{field}.{name}", f"value.any.{name}"), readable(name))

    def _say(self, key: str, texts: Mapping[str, str]) -> Any:
        # Gradio reads a dot as a path into nested tables; a flat key must not have one.
        flat = "ks:" + key.replace(".", ":")
        for lang, text in texts.items():
            self._said[lang][flat] = text
        return self._i18n(flat)


def readable(name: str) -> str:
    """A name that has no words yet, made readable."""
    words = name.replace("__", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _first(words: Mapping[str, str], keys: tuple[str, ...], default: str) -> str:
    return next((words[key] for key in keys if key in words), default)
