"""A data folder of any release goes on under the newest program, and a program never harms what it does not know.

`schemas/` holds what each released change made, with rows in it: the text of `.dump`, never edited.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from kling_pipeline.errors import StudioError
from kling_pipeline.jobs.states import MOVES
from kling_pipeline.storage import store as store_module
from kling_pipeline.storage.audit import audit
from kling_pipeline.storage.job_states import ENDED
from kling_pipeline.storage.migrations import migrations
from kling_pipeline.storage.store import Store
from tests.unit.conftest import Harness

SCHEMAS = Path(__file__).parent / "schemas"
RELEASED = sorted(SCHEMAS.glob("m*.sql"))
KEPT = ("job", "job_event", "asset", "account", "txn", "entry", "hold", "session", "click", "meta")


def restore(dump: Path, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(dump.read_text())
    return path


def rows(path: Path, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        return {one: db.execute(f"SELECT * FROM {one} ORDER BY 1, 2").fetchall() for one in tables}


RENAMED = {"known": "step_results", "unheard": "unanswered", "vain": "save_failures"}


def today(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with the keys that m005 gave the checkpoint; JSON as what it holds, whatever its order."""

    def read(value: Any) -> Any:
        if not (isinstance(value, str) and value.startswith("{")):
            return value
        return {RENAMED.get(name, name): one for name, one in json.loads(value).items()}

    return tuple(map(read, row))


def shape(path: Path) -> dict[str, str]:
    """Every table, index and trigger with its text, blanks aside."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: "".join(sql.split()).replace('"', "") for name, sql in found}


def names() -> list[str]:
    return [one.name for one in migrations.pending(Database(memory=True))]


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Migrations:
    """The changes of a later program: ours, and one more."""
    later = Migrations("studio")
    for one in migrations.pending(Database(memory=True)):
        later(name=one.name)(one.fn)

    @later()
    def m999_stars(db: Database) -> None:
        db.execute("ALTER TABLE job ADD COLUMN stars INTEGER NOT NULL DEFAULT 3")

    monkeypatch.setattr(store_module, "migrations", later)
    return later


def test_each_change_has_its_dump() -> None:
    assert [dump.stem for dump in RELEASED] == [name.partition("_")[0] for name in names()]


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_released_change_is_never_edited(dump: Path, tmp_path: Path) -> None:
    old = restore(dump, tmp_path / "old.db")
    made = tmp_path / "made.db"
    with closing(sqlite3.connect(made)) as db:
        following = [name for name in names() if name.partition("_")[0] > dump.stem]
        migrations.apply(Database(db), stop_before=following or None)
        db.commit()
    assert shape(made) == shape(old)


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_store_of_each_release_goes_on_and_loses_nothing(dump: Path, tmp_path: Path) -> None:
    path = restore(dump, tmp_path / "studio.db")
    before = rows(path, "job", "hold", "entry", "account", "asset")
    with closing(sqlite3.connect(path)) as db:
        states = {state for (state,) in db.execute("SELECT DISTINCT state FROM job")}
    assert states == {*MOVES, *ENDED}, "the dump has a job in every state"
    harness = Harness(tmp_path)
    assert harness.audit() == []
    for table, found in rows(path, *before).items():
        kept = [today(row[: len(before[table][0])]) for row in found]
        assert kept == [today(row) for row in before[table]]
    # What waited, waits no longer: the jobs of the old release end under the new one.
    harness.time = 1_900_000_000.0
    harness.pipeline.resume()
    waiting = [job for job in harness.pipeline.all_jobs("local") if job["state"] == "queued"]
    for _ in range(8):
        harness.kling.finish()
        harness.ticks(3, 20)
    assert len(waiting) == 2, "the queued one, and the claimed one that was never sent"
    assert {harness.job(one["id"])["state"] for one in waiting} == {"done"}
    assert harness.audit() == []
    harness.store.close()


def test_the_keys_of_a_checkpoint_get_todays_names(tmp_path: Path) -> None:
    path = restore(SCHEMAS / "m004.sql", tmp_path / "studio.db")
    old = {"known": {"tts": {"id": "1"}}, "unheard": {"times": 2}, "vain": {"times": 1}, "asked": 3}
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE job SET checkpoint = ? WHERE seq = 1", [json.dumps(old)])
        db.execute("UPDATE job SET checkpoint = '}' WHERE seq = 2")
        db.commit()
    Store(path).close()
    with closing(sqlite3.connect(path)) as db:
        found = [row[0] for row in db.execute("SELECT checkpoint FROM job ORDER BY seq LIMIT 2")]
    assert json.loads(found[0]) == {RENAMED.get(name, name): one for name, one in old.items()}
    assert found[1] == "}", "a damaged one stays as it is"


def test_a_later_change_reaches_rows_that_are_there(second: Migrations, tmp_path: Path) -> None:
    path = restore(RELEASED[-1], tmp_path / "studio.db")
    before = rows(path, *KEPT)
    Store(path).close()
    after = rows(path, *KEPT)
    assert {row[-1] for row in after["job"]} == {3}
    after["job"] = [row[:-1] for row in after["job"]]
    assert after == before
    Store(path).close()
    assert rows(path, "job")["job"] != before["job"], "and it is made once"


def test_a_change_that_breaks_off_leaves_the_old_store_whole(
    second: Migrations, tmp_path: Path
) -> None:
    path = restore(RELEASED[-1], tmp_path / "studio.db")
    old, before = shape(path), rows(path, *KEPT)

    @second()
    def m9999_breaks(db: Database) -> None:
        db.execute("ALTER TABLE job ADD COLUMN moons INTEGER")
        db.execute("DELETE FROM session")
        raise sqlite3.OperationalError("the machine went down")

    with pytest.raises(StudioError, match="the machine went down"):
        Store(path)
    after = rows(path, *KEPT)
    after["job"] = [row[:-1] for row in after["job"]]
    assert after == before, "the change before it stands, of this one there is nothing"
    assert "moons" not in shape(path)["job"]
    assert set(shape(path)) == set(old)


def test_an_older_program_touches_nothing_of_a_newer_store(
    second: Migrations, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = restore(RELEASED[-1], tmp_path / "studio.db")
    Store(path).close()
    newer, before = shape(path), rows(path, *KEPT)
    monkeypatch.setattr(store_module, "migrations", migrations)
    with pytest.raises(StudioError, match="newer Kling Studio") as caught:
        Store(path)
    assert "STUDIO_DATA_DIR" in str(caught.value)
    assert (shape(path), rows(path, *KEPT)) == (newer, before)


def test_two_programs_that_begin_together_make_the_tables_once(tmp_path: Path) -> None:
    first, other = Store(tmp_path / "studio.db"), Store(tmp_path / "studio.db")
    with first.read() as db:
        assert db.execute("SELECT count(*) FROM meta WHERE key = 'secret'").fetchone()[0] == 1
        assert audit(db) == []
    first.close()
    other.close()
