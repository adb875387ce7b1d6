"""Room on the disk: what the system and SQLite say when there is none, as errors that tell what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kling_pipeline.errors import BusyError, StorageError, StudioError

MB = 1024 * 1024
_ROOM = "Free some space on the studio's disk; it goes on by itself."
_WRITABLE = (
    "Make the data folder writable, or look whether its disk is well; the studio goes on by itself."
)
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_STORE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR_SHMSIZE: "the disk is full",  # a file that grows
    sqlite3.SQLITE_READONLY: "the data folder is read-only",
    sqlite3.SQLITE_IOERR: "the disk does not take it",
    sqlite3.SQLITE_CANTOPEN: "the data folder cannot be written",
}
_SYSTEM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk's quota for this user is used up",
    errno.EFBIG: "the disk does not take a file of this size",
    errno.EROFS: "the data folder is read-only",
    errno.EACCES: "the data folder cannot be written",
    errno.EIO: "the disk does not take it",
}
_FULL = {_SYSTEM[number] for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


def storage_error(error: BaseException) -> StudioError | None:
    """`disk_full` or `disk_unwritable` for a refusal of the disk, `busy` for a lock that did not open in time.

    None for anything else.
    """
    if isinstance(error, sqlite3.Error):
        # The low byte is the kind, what stands above it a detail.
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF in _LOCKED:
            return BusyError("Another program has locked the store. Nothing was kept; try again.")
        reason = _STORE.get(code) or _STORE.get(code & 0xFF)
    else:
        reason = _SYSTEM.get(error.errno or 0) if isinstance(error, OSError) else None
    if reason is None:
        return None
    if reason in _FULL:
        return StorageError(f"Nothing was kept: {reason}.", next=_ROOM)
    return StorageError(f"Nothing was kept: {reason}.", code="disk_unwritable", next=_WRITABLE)


@contextmanager
def storing() -> Iterator[None]:
    """Turn a refusal of the disk in its block into StorageError; what else goes wrong is left alone."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        wrapped = storage_error(error)
        if wrapped is None:
            raise
        raise wrapped from error


def check_floor(folder: Path, floor: int | None, coming: int = 0) -> None:
    """StorageError `disk_full` where so many more bytes would leave less than the floor free.

    Without a figure the floor is 512 MB or a twentieth of the disk, whichever is less.
    """
    disk = shutil.disk_usage(folder)
    least = min(512 * MB, disk.total // 20) if floor is None else floor
    if disk.free - coming < least:
        needed = f"; this needs {coming / MB:.1f} MB" if coming else ""
        raise StorageError(
            f"{disk.free / MB:.0f} MB are free where the studio keeps its files, and {least / MB:.0f} MB stay free "
            f"for results{needed}. Nothing was kept and nothing was charged.",
            next=_ROOM,
        )
