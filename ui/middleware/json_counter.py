"""Counts what a JSON text holds while it comes in, before anything is built of it."""

from __future__ import annotations

import re

from kling_pipeline.errors import InputError

MOST_VALUES, MOST_DEPTH, LONGEST_NUMBER = 10_000, 32, 1_000
# Possessive, so that a text of escapes alone is skipped without remembering each of them.
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TOKEN = re.compile(rb'[\s,]*+(["\[{\]}:]|[^\s",:\[\]{}]++)')


class JsonCount:
    """Values and depth of one JSON text, fed piece by piece; InputError as soon as there are too many.

    A value is an object, a list, a text that is no name, a number or a word. What is not JSON may be counted wrongly,
    but never so that a parser would build more than was counted before it stops.
    """

    def __init__(self) -> None:
        self.values = self.depth = 0
        self._in_string = self._escaped = False
        self._word = 0  # bytes so far of a number or word that the last piece may have cut

    def feed(self, piece: bytes) -> None:
        """Counts the next bytes, in time that grows with their number only."""
        # In UTF-16 and UTF-32, which parsers guess, a character may hold the byte of a quotation mark.
        if b"\0" in piece:
            raise InputError("The body is not JSON.", code="malformed_json")
        at, end = 0, len(piece)
        if self._escaped and piece:
            at, self._escaped = 1, False
        while at < end:
            if self._in_string:
                at = self._skip_string(piece, at)
                continue
            token = _TOKEN.match(piece, at)
            if token is None:
                self._word = 0
                return
            at = token.end()
            self._take(token[1], cut=token.start(1) == 0)
            if at < end:
                self._word = 0

    def _skip_string(self, piece: bytes, at: int) -> int:
        found = _IN_STRING.match(piece, at)
        at = found.end() if found else at
        if piece[at : at + 1] == b'"':
            self._in_string = False
        elif at < len(piece):  # a backslash, and what it escapes comes with the next piece
            self._escaped = True
        return at + 1

    def _take(self, token: bytes, *, cut: bool) -> None:
        if token == b'"':
            self._in_string = True
            self._count()
        elif token in b"[{":
            self.depth += 1
            self._count()
        elif token in b"]}":
            self.depth -= 1
        elif token == b":":
            self.values -= 1  # the text before it was a name
        else:
            if not (cut and self._word):
                self._count()
            self._word += len(token)
        if self.depth > MOST_DEPTH:
            raise InputError(
                f"The body is nested more than {MOST_DEPTH} deep.", code="malformed_json"
            )
        if self.depth < 0 or self._word > LONGEST_NUMBER or self.values < 0:
            raise InputError("The body is not JSON.", code="malformed_json")

    def _count(self) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            raise InputError(
                f"The body holds more than {MOST_VALUES} values.", code="body_too_large"
            )
