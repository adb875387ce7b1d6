"""Disks: a real one, and one that a test can fill to the brim and clear again."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT, App


@contextlib.contextmanager
def real_disk() -> Iterator[Path]:
    """A folder beside the source: those of tests may lie in memory."""
    with tempfile.TemporaryDirectory(prefix=".disk-", dir=ROOT / "tests") as name:
        yield Path(name)


class Disk:
    """A file system of its own with room for little."""

    codes = frozenset({"disk_full"})

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, app: App) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def clear(self, app: App) -> None:
        (self.folder / "ballast").unlink()


class Limit(Disk):
    """Where nothing may be mounted: no file of the studio may grow."""

    # SQLite tells this refusal like a fault of the disk.
    codes = frozenset({"disk_full", "disk_unwritable"})

    def fill(self, app: App) -> None:
        _, hard = resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE)
        self.before = resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE, (0, hard))

    def clear(self, app: App) -> None:
        resource.prlimit(app.popen.pid, resource.RLIMIT_FSIZE, self.before)


@contextlib.contextmanager
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """One of 24 MB, or where nothing may be mounted a limit that has the same effect."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=24m studio-test {folder} 2>/dev/null") != 0:
        yield Limit(folder)
        return
    try:
        yield Disk(folder)
    finally:
        os.system(f"umount -l {folder}")
