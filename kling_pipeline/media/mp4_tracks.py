"""Where the samples of a track lie in an MP4 or MOV file, by its tables (ISO/IEC 14496-12, 8.7)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_end"]

_FAR = 2**62  # beyond every file, and adding to it stays in 64 bits
_Numbers = NDArray[np.int64]


def find_end(tables: Mapping[bytes, bytes]) -> int:
    """Where the last byte of a track's samples ends; 0 when its tables name none."""
    wide = b"co64" in tables
    offsets = (
        _read(tables[b"co64"], 8, ">u8") if wide else _read(tables.get(b"stco", b""), 8, ">u4")
    )
    if not len(offsets):
        return 0
    return int((offsets + _measure_chunks(tables, len(offsets))).max())


def _measure_chunks(tables: Mapping[bytes, bytes], chunks: int) -> _Numbers:
    """Return how many bytes each chunk holds; 0 where the tables leave it open."""
    runs = _read(tables.get(b"stsc", b""), 8, ">u4")
    runs = runs[: len(runs) // 3 * 3].reshape(-1, 3)
    sizes = tables.get(b"stsz", b"")
    if not len(runs) or len(sizes) < 12:
        return np.zeros(chunks, np.int64)
    run = np.searchsorted(runs[:, 0], np.arange(1, chunks + 1), side="right") - 1
    samples = np.where(run < 0, 0, runs[np.maximum(run, 0), 1])
    last = np.cumsum(samples)
    same, count = (int.from_bytes(sizes[place : place + 4], "big") for place in (4, 8))
    # A track may tell more samples a chunk than it has.
    first, last = np.minimum(last - samples, count), np.minimum(last, count)
    if same:
        return np.asarray((last - first) * same, np.int64)
    ends = np.concatenate(([0], np.cumsum(_read(sizes, 12, ">u4"))))
    top = len(ends) - 1
    return np.asarray(ends[np.minimum(last, top)] - ends[np.minimum(first, top)], np.int64)


def _read(table: bytes, place: int, type: str) -> _Numbers:
    width = int(type[-1])
    content = table[place:]
    found = np.frombuffer(content[: len(content) // width * width], type)
    return np.asarray(np.minimum(found.astype(np.uint64), np.uint64(_FAR)), np.int64)
