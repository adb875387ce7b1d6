"""An engine without sockets: a clock that stands still until it is moved, and a Kling that does as it is told."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kling_pipeline.catalog.catalog import load_catalog
from kling_pipeline.catalog.declaration import Route
from kling_pipeline.errors import KlingError
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.kling.dialects import Output, Page, Task
from kling_pipeline.pipeline import Pipeline
from kling_pipeline.settings import Settings
from kling_pipeline.storage.audit import audit
from kling_pipeline.storage.store import Store
from tests.unit.samples import clip

# For tens of thousands of commits: whether each reaches the disk is another test's question.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

FACES = {
    "identify-face": {
        "session_id": "1",
        "faces": [{"face_id": "1", "start_time": 0, "end_time": 9000}],
    }
}


vendor_catalog = functools.cache(lambda: load_catalog("vendor"))  # checking it takes 60 ms


def refusal(verdict: str, message: str = "told to", **more: Any) -> KlingError:
    return KlingError(message, verdict, **more)  # type: ignore[arg-type]


@dataclass
class FakeKling:
    """Keeps tasks and counts creates; `script` says what the next ones do:
    an error to raise, "lost" (made, but the answer never came), or "late" (on its way; taken in
    by `arrive`, which looks at its token then). With `tolerates` a repeated id makes a second task.
    """

    clock: Callable[[], float]
    script: list[Any] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    creates: list[tuple[str, int | None]] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    pages: list[tuple[int, int]] = field(default_factory=list)
    unreachable: bool = False
    unfenced: bool = False
    skew: float = 0.0
    proxy: str = ""
    ordered: bool = True
    tolerates: bool = False
    on_its_way: list[tuple[str, str, int | None]] = field(default_factory=list)

    @property
    def drift(self) -> float:
        return self.skew

    def create(
        self, route: Route, body: dict[str, Any], *, expires: int | None, timeout: float
    ) -> Task:
        external = body["external_task_id"]
        self.creates.append((external, expires))
        assert timeout > 0
        step = self.script.pop(0) if self.script else None
        if isinstance(step, KlingError):
            raise step
        if step == "late":
            self.on_its_way.append((external, route.path, expires))
            raise refusal("uncertain")
        if not self.tolerates and self._knows(external):
            raise refusal("exists")
        task_id = self.add(external, route.path)
        if step == "lost":
            raise refusal("uncertain")
        return self._task(task_id)

    def arrive(self) -> None:
        """What was on its way is taken in, unless its token has died or its id is refused."""
        for external, path, expires in self.on_its_way:
            alive = expires is None or self.clock() < expires
            if alive and (self.tolerates or not self._knows(external)):
                self.add(external, path)
        self.on_its_way.clear()

    def _knows(self, external: str) -> bool:
        return any(task["external"] == external for task in self.tasks.values())

    def add(self, external: str | None, path: str = "", created: int | None = None) -> str:
        task_id = str(800000000000000000 + len(self.tasks))
        self.tasks[task_id] = {
            "external": external,
            "status": "running",
            "created": created if created is not None else int(self.clock() * 1000),
            "message": "",
            "path": path,
        }
        return task_id

    def finish(self, status: str = "succeeded", message: str = "") -> None:
        for task in self.tasks.values():
            if task["status"] == "running":
                task["status"], task["message"] = status, message

    def _task(self, task_id: str) -> Task:
        row = self.tasks[task_id]
        outputs = (Output("video", "https://example.com/a.mp4", "v1", 0, 5.0, None),)
        return Task(
            id=task_id,
            external_id=row["external"],
            status=row["status"],
            message=row["message"],
            outputs=outputs if row["status"] == "succeeded" else (),
            units=Decimal("1.5") if row["status"] == "succeeded" else None,
            created_ms=row["created"],
        )

    def _reach(self) -> None:
        if self.unreachable:
            raise refusal("uncertain", sent=False)

    def look(self, route: Route, task_id: str) -> Task:
        self._reach()
        self.looks.append(task_id)
        if task_id not in self.tasks:
            raise refusal("absent")
        return self._task(task_id)

    def find(self, route: Route, external_id: str) -> Task:
        self._reach()
        self.looks.append(external_id)
        for task_id, task in self.tasks.items():
            if task["external"] == external_id:
                return self._task(task_id)
        raise refusal("absent")

    def look_many(self, route: Route, page: int, size: int = 500) -> Page:
        self._reach()
        self.pages.append((page, size))
        newest = sorted(
            self.tasks, key=lambda one: self.tasks[one]["created"], reverse=self.ordered
        )
        return Page(self._task(one) for one in newest[(page - 1) * size : page * size])

    def download(self, url: str, target: Path, *, cap: int, on_bytes: Any = None) -> int:
        self._reach()
        data = clip()
        target.write_bytes(data)
        if on_bytes:
            on_bytes(len(data), len(data))
        return len(data)


class Harness:
    """A pipeline, its Kling and its clock."""

    owner = "local"

    def __init__(self, folder: Path) -> None:
        self.time = 1_800_000_000.0
        self.kling = FakeKling(lambda: self.time)
        self.folder = folder
        self.store = Store(folder / "studio.db")
        self.configure()

    def configure(self, **settings: Any) -> None:
        """The same store under other settings."""
        self.settings = Settings(
            _env_file=None, studio_data_dir=self.folder, kling_access_key="ak",
            kling_secret_key="sk", **settings,
        )  # fmt: skip
        self.engine = self.make_engine()
        self.pipeline = Pipeline(self.engine)

    def make_engine(self) -> Engine:
        return Engine(
            self.settings,
            vendor_catalog(),
            self.store,
            self.kling,  # type: ignore[arg-type]
            clock=lambda: self.time,
        )

    def submit(self, count: int = 1, **params: Any) -> list[str]:
        given = {"prompt": "a paper boat", **params}
        jobs = self.pipeline.submit(self.owner, "text_to_video", given, variant_count=count).jobs
        return [job.id for job in jobs]

    def add_session(self, capability: str, step_results: Mapping[str, Any], **params: Any) -> str:
        """A session as its opening call leaves it."""
        now = self.engine.now()
        row = ["s", self.owner, capability, json.dumps(params), "{}", json.dumps(step_results)]
        self.store.write(
            lambda db: db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)", [*row, now, now + 10**8]
            )
        )
        return "s"

    def job(self, job_id: str) -> dict[str, Any]:
        return self.pipeline.job(self.owner, job_id)

    def row(self, job_id: str) -> dict[str, Any]:
        with self.store.read() as db:
            return dict(db.execute("SELECT * FROM job WHERE id = ?", [job_id]).fetchone())

    def tick(self, seconds: float = 1.0) -> None:
        """Time passes, then one tick and the advances it asks for."""
        self.time += seconds
        for job_id in self.pipeline.tick():
            self.pipeline.advance(job_id)

    def ticks(self, count: int, seconds: float = 1.0) -> None:
        for _ in range(count):
            self.tick(seconds)

    def credits(self) -> tuple[int, int, int]:
        found = self.pipeline.credits(self.owner)
        return found["available"], found["held"], found["spent"]

    def audit(self) -> list[str]:
        with self.store.read() as db:
            return audit(db)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path)
    yield made
    problems = made.audit()
    made.store.close()
    assert problems == []
