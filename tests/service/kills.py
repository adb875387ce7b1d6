"""A store, a simulator and workers that die on it; and what may never be, counted over all of them."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from kling_pipeline.doctor import examine
from kling_pipeline.runtime import Runtime
from kling_pipeline.settings import Settings
from tests.conftest import KEYS, ROOT, WAIT, Process, Simulator, clean_env, wait_for
from tests.unit.simulator_client import wav_base64

OWNER = "local"
ENDED = ("done", "failed", "canceled")
NEVER = ("stuck", "billed twice", "paid without asset", "charged twice", "refunded twice")
BOAT = ("text_to_video", {"prompt": "a boat"})
# The answer to a create breaks off after the task was made: the only way to these two lines.
NEEDS_LOSS = ("refused", "doubted")


def named_lines() -> set[str]:
    """Every failpoint in the source."""
    found: set[str] = set()
    for file in (ROOT / "kling_pipeline").rglob("*.py"):
        found |= set(re.findall(r'failpoint\("(\w+)"\)', file.read_text()))
    return found


class Killing:
    """The jobs are asked for and looked at in this process, and worked on in others."""

    def __init__(self, folder: Path, kling: Simulator) -> None:
        self.folder, self.kling, self.alive = folder, kling, list[Process]()
        env = {
            "STUDIO_DATA_DIR": str(folder / "var"), "KLING_BASE_URL": kling.url,
            "KLING_ACCESS_KEY": KEYS[0], "KLING_SECRET_KEY": KEYS[1],
            "STUDIO_TIME_SCALE": "20", "STUDIO_OPENING_CREDITS": "10000000",
        }  # fmt: skip
        self.env = clean_env(**env)
        named = {name.lower(): value for name, value in env.items()}
        self.runtime = Runtime(Settings(_env_file=None, **named))  # type: ignore[arg-type]
        self.pipeline = self.runtime.pipeline

    def worker(self, point: str = "") -> Process:
        env = {**self.env, "STUDIO_FAILPOINT": f"{point}:1"} if point else self.env
        command = [sys.executable, "-m", "kling_pipeline", "worker"]
        made = Process(command, self.folder / "worker.log", env)
        self.alive.append(made)
        return made

    def kill(self, one: Process) -> None:
        self.alive.remove(one)
        one.kill()

    def died_at(self, point: str) -> None:
        """A worker starts, and ends at the named line."""
        one = self.worker(point)
        wait_for(lambda: one.popen.poll() is not None, f"a worker to die at {point}")
        self.kill(one)
        assert one.popen.returncode == 137, one.output()[-2000:]

    def set_faults(self, faults: list[dict[str, Any]], duplicates: str = "refuse") -> None:
        given = {"faults": faults, "duplicates": duplicates}
        answer = httpx.post(f"{self.kling.url}/_simulator/faults", json=given, trust_env=False)
        assert answer.status_code == 200, answer.text

    def ask(self, count: int, capability: str, params: dict[str, Any]) -> list[str]:
        made = self.pipeline.submit(OWNER, capability, params, variant_count=count)
        return [job.id for job in made.jobs]

    def wait(self, seconds: float = WAIT) -> None:
        """Until every job has ended; what has not by then is counted as stuck."""

        def ended() -> bool:
            jobs = self.pipeline.all_jobs(OWNER)
            for job in jobs:
                # Surely not at Kling, three times in a row: its owner sends it once more.
                if (job["error"] or {}).get("code") == "send_refused" and job["state"] == "unknown":
                    self.pipeline.retry(OWNER, job["id"])
            return all(job["state"] in ENDED for job in jobs)

        wait_for(ended, "every job to end", seconds)

    def lip_sync(self) -> tuple[str, dict[str, Any]]:
        """A request of several steps, on a film of ours."""
        (film,) = self.ask(1, "text_to_video", {"prompt": "a portrait of a woman"})
        one = self.worker()
        self.wait()
        self.kill(one)
        voice = self.pipeline.upload(OWNER, base64.b64decode(wav_base64(4)))["id"]
        video = self.pipeline.job(OWNER, film)["assets"][0]["id"]
        return "lip_sync", {"video": video, "sound_file": voice}

    def figures(self) -> dict[str, int]:
        """How often each thing has happened that may never happen."""
        jobs = {job["external_task_id"]: job for job in self.pipeline.all_jobs(OWNER)}
        tasks = self.kling.tasks()
        bills = Counter(task["external_task_id"] for task in tasks if task["status"] == "succeed")
        rows = Counter((one["kind"], one["job_id"]) for one in self.pipeline.statement(OWNER))
        done = {name for name, job in jobs.items() if job["state"] == "done" and job["assets"]}
        return {
            "stuck": sum(job["state"] not in ENDED for job in jobs.values()),
            "billed twice": sum(count - 1 for count in bills.values()),
            "paid without asset": len(set(bills) - done),
            "charged twice": sum(n - 1 for (kind, _), n in rows.items() if kind == "settle")
            # A call of a session is charged where its answer is kept, and nowhere else.
            + max(0, len(self.prepaid()) - sum(self.sessions().values()))
            + sum(
                rows["settle", job["id"]] + rows["release", job["id"]] > 1 for job in jobs.values()
            ),
            "refunded twice": sum(n - 1 for (kind, _), n in rows.items() if kind == "release"),
        }

    def assert_well(self) -> None:
        assert self.figures() == dict.fromkeys(NEVER, 0)
        report = examine(self.pipeline.engine)
        assert (report["audit"], report["problems"]) == ("ok", [])
        jobs = self.pipeline.all_jobs(OWNER)
        spent = sum(job["price"] for job in jobs if job["state"] == "done")
        spent += sum(amount for _, amount in self.prepaid())
        credits = self.pipeline.credits(OWNER)
        assert (credits["held"], credits["spent"]) == (0, spent)

    def dies_asking(self, point: str, method: str, *args: Any) -> None:
        """A process that does one thing for a person ends at the named line."""
        code = (
            "import json, sys\n"
            "from kling_pipeline.settings import Settings\n"
            "from kling_pipeline.runtime import Runtime\n"
            "method, args = sys.argv[1], json.loads(sys.argv[2])\n"
            "getattr(Runtime(Settings(_env_file=None)).pipeline, method)(*args)\n"
        )
        env = {**self.env, "STUDIO_FAILPOINT": f"{point}:1"}
        command = [sys.executable, "-c", code, method, json.dumps(args)]
        one = Process(command, self.folder / "asking.log", env)
        self.alive.append(one)
        wait_for(lambda: one.popen.poll() is not None, f"a process to die at {point}")
        self.kill(one)
        assert one.popen.returncode == 137, one.output()[-2000:]

    def prepaid(self) -> list[tuple[str, int]]:
        """What was charged for calls of sessions, and for which: each once."""
        with self.runtime.store.read() as db:
            rows = db.execute("SELECT idem, amount FROM txn WHERE kind = 'prepare'").fetchall()
        return [(row["idem"], row["amount"]) for row in rows]

    def sessions(self) -> dict[str, int]:
        """How many calls each session keeps the answers of."""
        with self.runtime.store.read() as db:
            return {row["id"]: row["calls"] for row in db.execute("SELECT id, calls FROM session")}

    def lose_task(self) -> str:
        """A task at Kling whose owner gave it up before the studio had found it; its id there."""
        [job_id] = self.ask(1, *BOAT)
        self.died_at("posted")
        self.runtime.store.write(
            lambda db: db.execute(
                "UPDATE job SET state = 'unknown', next_at = NULL, lease_owner = NULL WHERE id = ?",
                [job_id],
            )
        )
        self.pipeline.cancel(OWNER, job_id)
        [task] = self.lost_tasks()
        return task

    def lost_tasks(self) -> list[str]:
        """What the doctor finds paid for at Kling without a job."""
        problems = examine(self.pipeline.engine)["problems"]
        return [str(one["figures"]["task"]) for one in problems if one["code"] == "orphan"]

    def close(self) -> None:
        for one in list(self.alive):
            self.kill(one)
        self.runtime.close()

    def last_line(self, point: str, capability: str, params: dict[str, Any]) -> None:
        """The process ends at the named line; the next one finishes what it left."""
        if point in NEEDS_LOSS:
            self.set_faults([{"kind": "lost_after", "on": "create", "times": 1}])
        self.ask(2, capability, params)
        self.died_at(point)
        next_one = self.worker()
        self.wait()
        self.kill(next_one)
        self.set_faults([])


@contextmanager
def killing(folder: Path) -> Iterator[Killing]:
    (folder / "var").mkdir()
    kling = Simulator(folder)
    made = Killing(folder, kling)
    try:
        yield made
    finally:
        made.close()
        kling.stop()
