"""Count the values of a JSON text while it is received, before a parser builds anything from it."""

from __future__ import annotations

import re

from kling_pipeline.errors import InputError

MAX_VALUES, MAX_DEPTH, MAX_NUMBER_BYTES = 10_000, 32, 1_000
# Possessive, so that a string of escapes is skipped without a backtracking point for each.
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TOKEN = re.compile(rb'[\s,]*+(["\[{\]}:]|[^\s",:\[\]{}]++)')


class JsonCounter:
    """Counts the values and the depth of one JSON text, chunk by chunk; InputError as soon as a limit is passed.

    A value is an object, a list, a string that is no name, a number or a literal. Invalid JSON may be counted wrongly,
    but a parser never builds more values from it than were counted.
    """

    def __init__(self) -> None:
        self.values = self.depth = 0
        self._in_string = self._escaped = False
        self._literal = 0  # bytes so far of a number or literal that a chunk may end within

    def feed(self, chunk: bytes) -> None:
        """Count the next bytes, in linear time."""
        # In UTF-16 and UTF-32, which parsers guess, a character may hold the byte of a quotation mark.
        if b"\0" in chunk:
            raise InputError("The body is not JSON.", code="malformed_json")
        at, end = 0, len(chunk)
        if self._escaped and chunk:
            at, self._escaped = 1, False
        while at < end:
            if self._in_string:
                at = self._skip_string(chunk, at)
                continue
            token = _TOKEN.match(chunk, at)
            if token is None:
                self._literal = 0
                return
            at = token.end()
            self._add(token[1], cut=token.start(1) == 0)
            if at < end:
                self._literal = 0

    def _skip_string(self, chunk: bytes, at: int) -> int:
        found = _IN_STRING.match(chunk, at)
        at = found.end() if found else at
        if chunk[at : at + 1] == b'"':
            self._in_string = False
        elif at < len(chunk):  # a backslash whose escaped character is in the next chunk
            self._escaped = True
        return at + 1

    def _add(self, token: bytes, *, cut: bool) -> None:
        if token == b'"':
            self._in_string = True
            self._count()
        elif token in b"[{":
            self.depth += 1
            self._count()
        elif token in b"]}":
            self.depth -= 1
        elif token == b":":
            self.values -= 1  # the string before it was a name
        else:
            if not (cut and self._literal):
                self._count()
            self._literal += len(token)
        if self.depth > MAX_DEPTH:
            raise InputError(
                f"The body is nested more than {MAX_DEPTH} deep.", code="malformed_json"
            )
        if self.depth < 0 or self._literal > MAX_NUMBER_BYTES or self.values < 0:
            raise InputError("The body is not JSON.", code="malformed_json")

    def _count(self) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise InputError(
                f"The body holds more than {MAX_VALUES} values.", code="body_too_large"
            )
