"""The data folder: made when it is not there, and read by nobody but its owner."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from kling_pipeline.errors import StudioError

__all__ = ["own_paths", "prepare_folder", "refuse_folder"]

_FOLDERS = ("assets", "gradio", "simulator.db.files")
_DATABASES = ("studio.db", "queue.db", "simulator.db")
_FILES = (
    *(f"{name}{side}" for name in _DATABASES for side in ("", "-wal", "-shm")),
    *("studio.lock", "simulator.keys", "simulator.lock", "simulator.port"),
)


def prepare_folder(path: Path) -> None:
    """Make the folder, and keep it and what is ours in it to this user; StudioError when it cannot be had.

    A folder that holds anything else keeps its own mode: it is somebody's home or share.
    """
    try:
        made = not path.exists()
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = set(os.listdir(path))
    except (FileExistsError, NotADirectoryError):
        raise StudioError(
            f"STUDIO_DATA_DIR is {path}, and that is a file or lies behind one. Point it at a folder.",
            code="no_folder",
        ) from None
    except OSError as error:
        raise StudioError(
            f"The data folder {path} cannot be made or read: {error.strerror}. "
            "Point STUDIO_DATA_DIR at a folder that may be written.",
            code="no_folder",
        ) from None
    # What any library makes from here on; SQLite's own side files are among it.
    os.umask(0o077)
    ours = {one.name for one in own_paths(path)}
    if made or names <= ours:
        _close(path, 0o700)
    for name in names & ours:
        for one, mode in _modes(path / name):
            _close(one, mode)


def own_paths(path: Path) -> list[Path]:
    """Return every file and folder that the studio itself keeps in its data folder, there or not."""
    return [path / name for name in (*_FILES, *_FOLDERS)]


def refuse_folder(path: Path, error: OSError) -> StudioError:
    """One sentence for a file of the data folder that cannot be written."""
    where = error.filename or path
    return StudioError(
        f"{where} cannot be written: {error.strerror}. Nothing was changed. "
        "Look whether the disk is full or read-only, or point STUDIO_DATA_DIR at another folder.",
        code="store_unwritable",
    )


def _modes(path: Path) -> Iterator[tuple[Path, int]]:
    if path.is_symlink():  # who laid it decides about the other end
        return
    if not path.is_dir():
        yield path, 0o600
        return
    for folder, _, _ in os.walk(path):
        yield Path(folder), 0o700


def _close(path: Path, mode: int) -> None:
    # Somebody else's, gone meanwhile, or on a disk that is read-only: whoever writes there next says so.
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o777 & ~mode:
            path.chmod(mode)
