"""The values of a JSON body are counted before it is parsed, however it is cut, and never too late."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kling_pipeline.errors import InputError
from ui.api.json_body import parse_json
from ui.middleware.json_counter import MAX_DEPTH, MAX_VALUES, JsonCounter


def counted(raw: bytes, size: int = 1 << 16) -> JsonCounter:
    counter = JsonCounter()
    for at in range(0, len(raw), size):
        counter.feed(raw[at : at + size])
    return counter


def number_of_values(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(number_of_values, below))


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(6 if depth < 6 else 4)
    if kind == 4:
        return [random_value(chance, depth + 1) for _ in range(chance.randrange(5))]
    if kind == 5:
        return {
            random_text(chance): random_value(chance, depth + 1) for _ in range(chance.randrange(5))
        }
    return [chance.choice([True, None, -1.5e9]), chance.randrange(999), random_text(chance), ""][
        kind
    ]


def random_text(chance: random.Random) -> str:
    return "".join(chance.choice('ab"\\[]{},:\n é字\x00') for _ in range(chance.randrange(9)))


def test_every_value_is_counted_wherever_the_text_is_cut() -> None:
    chance = random.Random(7)
    for _ in range(300):
        value = random_value(chance)
        text = json.dumps(
            value, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1])
        )
        for size in (1, 2, 3, 7, 1 << 16):
            count = counted(text.encode(), size)
            assert (count.values, count.depth) == (number_of_values(value), 0), text


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": [' + b"[]," * 20_000,
        b"[" + b"{}," * 20_000,
        b'{"a": [' + b"1," * 20_000,
        b'["' + b'","' * 20_000,
        b'{"a":1' + b',"a":1' * 20_000,
        b"[" + b'"\\"\\\\",' * 20_000,
        b"[" + b":" * 9 + b"[]," * 20_000,
    ],
)
def test_too_many_values_are_refused_before_the_last_of_them(raw: bytes) -> None:
    for size in (1, 1000, len(raw)):
        with pytest.raises(InputError) as caught:
            counted(raw, size)
        assert caught.value.code in ("body_too_large", "malformed_json")


def test_the_limits_are_exact() -> None:
    assert counted(json.dumps([[]] * (MAX_VALUES - 1)).encode()).values == MAX_VALUES
    assert counted(json.dumps(dict.fromkeys(map(str, range(MAX_VALUES - 1)), 1)).encode())
    assert counted(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).depth == 0
    for deep in (b"[" * (MAX_DEPTH + 1), b'{"a":' * (MAX_DEPTH + 1)):
        with pytest.raises(InputError, match="deep"):
            counted(deep)


@pytest.mark.parametrize(
    "raw",
    [
        b'"' + b"\\u0041" * 200_000 + b'"', b'"' + b'\\"' * 200_000 + b'"',
        b'"' + b"\\" * 400_000 + b'"', b" " * 1_000_000 + b"1", b'"' + b"[{" * 200_000 + b'"',
    ],
)  # fmt: skip
def test_a_long_string_is_one_value(raw: bytes) -> None:
    assert counted(raw).values == 1
    assert counted(raw, 999).values == 1


@pytest.mark.parametrize(
    "raw", [b"1" * 10_000_000, b"1." + b"1" * 5_000, b"]", b"[[]]]", b"::", b"x" * 2_000]
)
def test_what_cannot_be_json_is_not_read_to_its_end(raw: bytes) -> None:
    with pytest.raises(InputError) as caught:
        counted(raw, 100)
    assert caught.value.code == "malformed_json"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"NaN", b"-Infinity", b"1e999", b'"\xff"', b'"\xed\xa0\x80"', b"9" * 4_500,
        '{"a": 1}'.encode("utf-16"), b"[" * 100_000, b"\x1f\x8b\x08\x00",
    ],
)  # fmt: skip
def test_what_is_not_json_in_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(raw)
    assert caught.value.code == "malformed_json"
