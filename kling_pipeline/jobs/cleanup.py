"""Cleanup of unneeded files: parts of processes that are gone, content without a row, what Gradio has received.

Nothing here relies on who is quick: content is deleted inside a writing transaction that finds no row for it, and a
row is only written while its file is there.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote

from kling_pipeline.jobs.engine import Engine, is_gone
from kling_pipeline.jobs.uploads import expire_uploads
from kling_pipeline.storage.store import Connection

_HOUR, _DAY = 3600.0, 86_400.0
_ENDED = 30 * _DAY  # a click that was made in a session may come again for a while
_EXPOSED = 31 * _DAY  # the simulator's links to a lent file end after 30
_HOME = re.compile(r"[0-9a-f]{2}")


def clean_up(engine: Engine) -> None:
    """Delete what nobody needs; looks through all content at the start of a process and every hour."""
    clean_incoming(engine)
    clean_cache(engine)
    gone = expire_uploads(engine)
    now = engine.now()
    if engine.cleaned_at is None or now - engine.cleaned_at >= engine.wait(_HOUR):
        engine.cleaned_at = now
        data = engine.settings.studio_data_dir
        _delete_old(data.glob(".port-*"), engine, _DAY)
        _delete_old(data.glob("tmp????????"), engine, _DAY)  # uploads of older releases
        _delete_old(data.glob("simulator.db.files/.input-*"), engine, _DAY)
        _delete_old(data.glob("simulator.db.files/input-*"), engine, _EXPOSED)
        gone += _find_unreferenced(engine)
        ended = now - engine.wait(_ENDED)
        engine.store.write(
            lambda db: db.execute("DELETE FROM session WHERE expires_at < ?", [ended])
        )
    if gone:
        engine.store.write(lambda db: _delete_unreferenced(db, engine.assets, gone))


def clean_cache(engine: Engine) -> None:
    """Delete what Gradio's fields received an hour ago; newer files may be of another process that lives."""
    _delete_old(engine.cache.rglob("*"), engine, _HOUR)


def clean_incoming(engine: Engine) -> None:
    """Delete the part files of processes that are gone, and of jobs that nobody is saving."""
    top = engine.assets / "incoming"
    if not top.exists():
        return
    # Listed before the rows are read: a folder is made after its job was claimed.
    entries = list(top.iterdir())
    with engine.store.read() as db:
        rows = db.execute("SELECT id FROM job WHERE state = 'saving' AND lease_owner IS NOT NULL")
        saving = {row["id"] for row in rows}
    for entry in entries:
        holder = unquote(entry.name)
        if holder.count("|") == 3:
            # The end of a process on another host is not seen: what it holds is judged by its age.
            if holder != engine.process_id and is_gone(holder):
                shutil.rmtree(entry, ignore_errors=True)
            else:
                # Into its own folder a process may be about to write.
                folder = [] if holder == engine.process_id else [entry]
                _delete_old([*entry.rglob("*"), *folder], engine, _DAY)
        elif entry.is_dir() and entry.name.partition(".")[0] not in saving:  # of an older release
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.is_file():
            _delete_old([entry], engine, _HOUR)


def _delete_old(files: Iterator[Path] | Collection[Path], engine: Engine, seconds: float) -> None:
    """Delete files last written so long ago, and the folders that this leaves empty."""
    latest = time.time() - engine.settings.scaled(seconds)
    for file in sorted(files, reverse=True):  # what is in a folder before the folder
        with contextlib.suppress(OSError):
            if file.lstat().st_mtime < latest:
                file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()


def _find_unreferenced(engine: Engine) -> list[str]:
    """Stored files and posters without a row, of a crash between the file and its row, that are a day old."""
    latest = time.time() - engine.settings.scaled(_DAY)
    with engine.store.read() as db:
        referenced = _referenced(db)
    found = []
    for home in engine.assets.iterdir() if engine.assets.exists() else ():
        if not _HOME.fullmatch(home.name):
            continue
        for file in home.iterdir():
            path = f"{home.name}/{file.name}"
            with contextlib.suppress(OSError):
                if path not in referenced and file.stat().st_mtime < latest:
                    found.append(path)
    return found


def _delete_unreferenced(db: Connection, assets: Path, paths: list[str]) -> None:
    """Delete files that no row names. No other process writes meanwhile, so none of them gets a row."""
    referenced = _referenced(db)
    for path in paths:
        if path not in referenced:
            with contextlib.suppress(OSError):
                (assets / path).unlink()


def _referenced(db: Connection) -> set[str]:
    return {path for row in db.execute("SELECT path, poster FROM asset") for path in row if path}
