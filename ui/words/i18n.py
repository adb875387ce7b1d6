"""Labels in every language at once: each is a key of Gradio's own translation, so the browser chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from ui.words import LANGUAGES, format_message, read_words

_LOCALES = {"en": ("en",), "zh": ("zh-CN", "zh")}


class Labels:
    """Makes translated labels and registers each one; `i18n()` returns the registered ones.

    Methods that return Any return Gradio's translation object, or None where a label may be missing.
    """

    def __init__(self) -> None:
        self._words = {lang: read_words(lang) for lang in LANGUAGES}
        self._registered: dict[str, dict[str, str]] = {lang: {} for lang in LANGUAGES}
        self._i18n = gr.I18n()

    def field(self, capability: str, name: str) -> Any:
        """Label a field; `field.CAPABILITY.NAME` goes before `field.NAME`."""
        own = f"field.{capability}.{name}"
        return self._register(own, {lang: self._field(lang, own, name) for lang in LANGUAGES})

    def numbered(self, capability: str, name: str, n: int) -> Any:
        """Label the n-th file of a list, counted from 1."""
        own = f"field.{capability}.{name}"
        texts = {lang: f"{self._field(lang, own, name)} {n}" for lang in LANGUAGES}
        return self._register(f"{own}.{n}", texts)

    def placeholder(self, capability: str, name: str) -> Any:
        """Return the placeholder of a text field, or None when no language has one."""
        keys = (f"placeholder.{capability}.{name}", f"placeholder.{name}")
        texts = {lang: _first(self._words[lang], keys, "") for lang in LANGUAGES}
        return self._register(keys[0], texts) if any(texts.values()) else None

    def value(self, field: str, value: Any) -> Any:
        """Label one value of a field; the empty value has the key `none`."""
        name = str(value).lower() if isinstance(value, bool) else str(value) or "none"
        own = f"value.{field}.{name}"
        return self._register(own, {lang: self._value(lang, field, name) for lang in LANGUAGES})

    def longest(self, field: str, values: Iterable[Any]) -> int:
        """Count the letters of the longest label of a value in any language."""
        return max(
            (len(self._value(lang, field, str(one))) for one in values for lang in LANGUAGES),
            default=0,
        )

    def text(self, key: str, default: str = "") -> Any:
        """Translate any other key; a missing one shows the default, or itself."""
        return self._register(
            key, {lang: self._words[lang].get(key, default or key) for lang in LANGUAGES}
        )

    def advanced(self, capability: str, names: list[str]) -> Any:
        """Label the accordion of a form with the names of the fields inside."""
        texts = {}
        for lang, words in self._words.items():
            labels = [self._field(lang, f"field.{capability}.{name}", name) for name in names]
            inside = format_message(words, "form.comma").join(label.lower() for label in labels)
            texts[lang] = format_message(words, "form.advanced", inside=inside)
        return self._register(f"advanced.{capability}", texts)

    def i18n(self) -> gr.I18n:
        """Return all registered labels, for `gr.mount_gradio_app`."""
        return gr.I18n(
            **{
                locale: dict(self._registered[lang])
                for lang, locales in _LOCALES.items()
                for locale in locales
            }
        )

    def _field(self, lang: str, own: str, name: str) -> str:
        return _first(self._words[lang], (own, f"field.{name}"), humanize(name))

    def _value(self, lang: str, field: str, name: str) -> str:
        words = self._words[lang]
        if f"unit.{field}" in words and f"value.{field}.{name}" not in words:
            return format_message(words, f"unit.{field}", value=name)
        return _first(words, (f"value.{field}.{name}", f"value.any.{name}"), humanize(name))

    def _register(self, key: str, texts: Mapping[str, str]) -> Any:
        # Gradio reads a dot as a path into nested tables; a flat key must not have one.
        flat = "ks:" + key.replace(".", ":")
        for lang, text in texts.items():
            self._registered[lang][flat] = text
        return self._i18n(flat)


def humanize(name: str) -> str:
    """Turn an identifier without a translation into words: `camera__type` becomes `Camera type`."""
    words = name.replace("__", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _first(words: Mapping[str, str], keys: tuple[str, ...], default: str) -> str:
    return next((words[key] for key in keys if key in words), default)
