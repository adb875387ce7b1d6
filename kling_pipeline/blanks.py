"""Texts of which nothing can be seen, which a person takes for empty."""

from __future__ import annotations

import unicodedata

# Letters and signs by their category, of which nothing is seen: fillers, empty Braille, null notes, blanks.
_EMPTY_GLYPHS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159\U00013441\U00013442")


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: spaces, controls, formats and marks that have nothing to mark."""
    return all(
        one in _EMPTY_GLYPHS or unicodedata.category(one)[0] in "ZM" or _is_unseen(one)
        for one in text
    )


def _is_unseen(one: str) -> bool:
    # Format characters are "Cf"; those that Unicode has set aside for more of them are not assigned yet.
    category, code = unicodedata.category(one), ord(one)
    set_aside = code == 0x2065 or 0xFFF0 <= code <= 0xFFF8 or 0xE0000 <= code <= 0xE0FFF
    return category in ("Cc", "Cf") or (category == "Cn" and set_aside)
