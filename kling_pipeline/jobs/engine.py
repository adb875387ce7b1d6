"""The engine: what the steps of a job share in one process (settings, store, client, clock, notify)."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from kling_pipeline.catalog.catalog import Catalog
from kling_pipeline.kling.client import KlingAIClient
from kling_pipeline.settings import Settings
from kling_pipeline.storage.disk import check_floor
from kling_pipeline.storage.store import Store

LEASE_SECONDS = 15.0


def _no_worker(job_id: str) -> None:
    """Without a worker in this process the row waits for the tick of another."""


def _started(pid: int) -> str:
    """Return the start time of a process in clock ticks, "" when there is none, "?" where /proc is missing."""
    try:
        # A name may be any bytes, and a process may end while it is read.
        stat = Path(f"/proc/{pid}/stat").read_bytes().decode("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return ""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            pass
        return "?"
    # The name in brackets may hold spaces; the start time is the 20th field after it.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _name_process() -> str:
    """host|pid|start time|random: enough to tell whether the holder of a lease still lives."""
    return f"{socket.gethostname()}|{os.getpid()}|{_started(os.getpid())}|{uuid.uuid4().hex[:8]}"


@dataclass
class Engine:
    """The parts of one process; `notify` asks for a look at a job and may be lost without harm.

    `expose_file` gives an address at which Kling finds a local file; only the simulator of demo mode can.
    """

    settings: Settings
    catalog: Catalog
    store: Store
    client: KlingAIClient
    clock: Callable[[], float] = time.time
    notify: Callable[[str], None] = _no_worker
    expose_file: Callable[[Path], str] | None = None
    process_id: str = field(default_factory=_name_process)
    active_jobs: set[str] = field(
        default_factory=set
    )  # jobs that a thread of this process works on
    stopping: threading.Event = field(default_factory=threading.Event)  # no more looks are begun
    cleaned_at: int | None = None  # when all content was last looked through

    @property
    def assets(self) -> Path:
        """The folder of stored files."""
        return self.settings.studio_data_dir / "assets"

    @property
    def incoming(self) -> Path:
        """The folder of files on their way in: one for each process, so that it is known whose a part file is."""
        folder = self.assets / "incoming" / quote(self.process_id, safe="")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def cache(self) -> Path:
        """The folder in which Gradio keeps what its own fields receive."""
        return self.settings.studio_data_dir / "gradio"

    def check_floor(self, coming: int = 0) -> None:
        """StorageError where so many more bytes would leave too little of the disk free."""
        check_floor(self.settings.studio_data_dir, self.settings.disk_floor, coming)

    def now(self) -> int:
        """Unix milliseconds."""
        return int(self.clock() * 1000)

    def wait(self, seconds: float) -> int:
        """Return a waiting time in milliseconds, scaled for tests, at least 1."""
        return max(1, int(self.settings.scaled(seconds) * 1000))


def is_gone(owner: str) -> bool:
    """True when the named process ran on this host and has ended; False when that cannot be told."""
    host, pid, started, _ = owner.split("|")
    if host != socket.gethostname():
        return False
    return _started(int(pid)) != started
