"""Texts of which nothing can be seen, which a person takes for empty."""

from __future__ import annotations

import unicodedata

# Letters and signs by their category, of which nothing is seen: fillers, empty Braille, null notes, blanks, and the
# place of a picture that a program could not copy.
_EMPTY_GLYPHS = frozenset("\ufffc\u115f\u1160\u2800\u3164\uffa0\U0001d159\U00013441\U00013442")
_PIECE = 4096


def is_blank(text: str) -> bool:
    """Return whether nothing of a text can be seen: spaces, controls, formats and marks that have nothing to mark."""
    seen: set[str] = set()
    # Each character is looked up once, however often it stands there; a piece at a time, since most end in the first.
    for place in range(0, len(text), _PIECE):
        new = set(text[place : place + _PIECE]) - seen
        if not all(map(_is_unseen, new)):
            return False
        seen |= new
    return True


def _is_unseen(one: str) -> bool:
    category, code = unicodedata.category(one), ord(one)
    if one in _EMPTY_GLYPHS or category[0] in "ZM":
        return True
    # Format characters are "Cf"; those that Unicode has set aside for more of them are not assigned yet.
    set_aside = code == 0x2065 or 0xFFF0 <= code <= 0xFFF8 or 0xE0000 <= code <= 0xE0FFF
    return category in ("Cc", "Cf") or (category == "Cn" and set_aside)
