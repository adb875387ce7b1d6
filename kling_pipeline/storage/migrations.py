"""The tables of `studio.db`, one function a change; a released change is never edited again."""

from __future__ import annotations

import secrets
import time

from kling_pipeline.storage.sqlite import Database, Migrations

migrations = Migrations("studio")

_FIRST = [
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # --- jobs: the row is the truth -------------------------------------------------------------
    """CREATE TABLE click (
        owner TEXT NOT NULL, number INTEGER NOT NULL, click_id TEXT, at INTEGER NOT NULL,
        PRIMARY KEY (owner, number), UNIQUE (owner, click_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE job (
        id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        click INTEGER NOT NULL,
        variant INTEGER NOT NULL,
        capability TEXT NOT NULL,
        model TEXT NOT NULL,
        route TEXT NOT NULL,
        pool TEXT NOT NULL,
        slots INTEGER NOT NULL DEFAULT 1,
        shape TEXT NOT NULL,
        template TEXT,
        credit_key TEXT NOT NULL,
        params TEXT NOT NULL,
        request TEXT NOT NULL,
        price INTEGER NOT NULL CHECK (price > 0),
        state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'checking', 'running', 'saving',
            'done', 'failed', 'canceled', 'unknown')),
        progress INTEGER NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
        says TEXT NOT NULL DEFAULT '{}',
        error TEXT,
        cancel_asked INTEGER NOT NULL DEFAULT 0,
        step INTEGER NOT NULL DEFAULT 0,
        checkpoint TEXT NOT NULL DEFAULT '{}',
        external_task_id TEXT NOT NULL UNIQUE,
        provider_task_id TEXT UNIQUE,
        outputs TEXT,
        units TEXT,
        version INTEGER NOT NULL DEFAULT 0,
        rev INTEGER NOT NULL,
        next_at INTEGER,
        tries INTEGER NOT NULL DEFAULT 0,
        sends INTEGER NOT NULL DEFAULT 0,
        fence_until REAL,
        absences INTEGER NOT NULL DEFAULT 0,
        doubt_since INTEGER,
        lease_owner TEXT,
        lease_until INTEGER,
        crashes INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        took INTEGER,
        CHECK ((progress = 100) = (state = 'done')),
        UNIQUE (owner, click, variant)) STRICT""",
    "CREATE INDEX job_rev ON job (owner, rev)",
    "CREATE INDEX job_seq ON job (owner, seq)",
    """CREATE INDEX job_open ON job (state, next_at)
        WHERE state IN ('queued', 'sending', 'checking', 'running', 'saving', 'unknown')""",
    "CREATE INDEX job_leased ON job (lease_owner) WHERE lease_owner IS NOT NULL",
    "CREATE INDEX job_shape ON job (shape, ended_at) WHERE state = 'done'",
    """CREATE TABLE job_event (
        job_id TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL) STRICT""",
    "CREATE INDEX job_event_job ON job_event (job_id)",
    """CREATE TABLE asset (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('upload', 'result')),
        job_id TEXT, position INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL, mime TEXT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL,
        bytes INTEGER NOT NULL, width INTEGER, height INTEGER, duration REAL, fps REAL,
        poster TEXT, provider_id TEXT, created_at INTEGER NOT NULL,
        CHECK ((role = 'result') = (job_id IS NOT NULL)),
        UNIQUE (job_id, position)) STRICT""",
    "CREATE INDEX asset_same ON asset (owner, sha256)",
    "CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL) STRICT",
    "CREATE TABLE pool (name TEXT PRIMARY KEY, cap INTEGER NOT NULL, at INTEGER NOT NULL) STRICT",
    """CREATE TABLE session (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, capability TEXT NOT NULL,
        params TEXT NOT NULL, frozen TEXT NOT NULL, known TEXT NOT NULL DEFAULT '{}',
        calls INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT""",
    # --- money: integers, double entry ----------------------------------------------------------
    """CREATE TABLE account (
        id INTEGER PRIMARY KEY, owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('user', 'held', 'spent', 'grants')),
        balance INTEGER NOT NULL DEFAULT 0,
        CHECK (balance >= 0 OR kind = 'grants'),
        UNIQUE (owner, kind)) STRICT""",
    """CREATE TABLE txn (
        id INTEGER PRIMARY KEY, idem TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN
            ('grant', 'reserve', 'settle', 'release', 'adjust', 'prepare')),
        job_id TEXT, credit_key TEXT, amount INTEGER NOT NULL CHECK (amount > 0),
        at INTEGER NOT NULL) STRICT""",
    "CREATE INDEX txn_owner ON txn (owner, id)",
    "CREATE INDEX txn_job ON txn (job_id)",
    """CREATE TABLE entry (
        txn_id INTEGER NOT NULL REFERENCES txn (id), seq INTEGER NOT NULL,
        account_id INTEGER NOT NULL REFERENCES account (id),
        amount INTEGER NOT NULL CHECK (amount <> 0), balance_after INTEGER NOT NULL,
        PRIMARY KEY (txn_id, seq)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX entry_account ON entry (account_id, txn_id)",
    """CREATE TABLE hold (
        job_id TEXT PRIMARY KEY, owner TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
        state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'settled', 'released'))) STRICT""",
    """CREATE TRIGGER hold_leaves_once BEFORE UPDATE ON hold
        WHEN old.state <> 'held' OR new.amount <> old.amount
        BEGIN SELECT RAISE(ABORT, 'a hold leaves held once, whole'); END""",
    """CREATE TRIGGER hold_stays BEFORE DELETE ON hold
        BEGIN SELECT RAISE(ABORT, 'holds are never deleted'); END""",
    *(
        f"""CREATE TRIGGER {table}_{verb.lower()}_never BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"""
        for table in ("txn", "entry")
        for verb in ("UPDATE", "DELETE")
    ),
]


@migrations()
def m001_studio(db: Database) -> None:
    """Jobs, events, assets, leases and the ledger."""
    for statement in _FIRST:
        db.execute(statement)
    # Revisions begin at the time of making, so that a page which still knows the revisions of an
    # older file can be told that they are not ours.
    start = int(time.time() * 1000)
    db.execute("INSERT INTO meta VALUES ('rev', ?), ('first_rev', ?)", [start, start])
    db.execute("INSERT INTO meta VALUES ('secret', ?)", [secrets.token_hex(32)])


@migrations()
def m002_state_index(db: Database) -> None:
    """An index that the engine's questions really use.

    SQLite does not see that `state = 'running'` lies within the partial index's `state IN (…)`, so that each tick and
    each page read every job there ever was.
    """
    db.execute("DROP INDEX job_open")
    db.execute("CREATE INDEX job_state ON job (state, owner, seq)")


@migrations()
def m003_endpoint(db: Database) -> None:
    """Where a job is asked for, as it stood when it was bought: the catalog may forget it while Kling works."""
    db.execute("ALTER TABLE job ADD COLUMN endpoint TEXT")


@migrations()
def m004_use(db: Database) -> None:
    """What a click asked for, so that it cannot ask for something else; when a file was last used."""
    db.execute("ALTER TABLE click ADD COLUMN written TEXT")
    db.execute("ALTER TABLE click ADD COLUMN read TEXT")
    db.execute("ALTER TABLE asset ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0")
    # A form in a browser may still hold a file of an older release: its time begins now.
    db.execute("UPDATE asset SET used_at = ?", [int(time.time() * 1000)])
    db.execute("CREATE INDEX asset_used ON asset (role, used_at)")


@migrations()
def m005_names(db: Database) -> None:
    """The field's words for columns and for the keys of a checkpoint."""
    for statement in (
        "ALTER TABLE job RENAME COLUMN says TO status",
        "ALTER TABLE job RENAME COLUMN shape TO duration_key",
        "ALTER TABLE session RENAME COLUMN known TO step_results",
        "ALTER TABLE click RENAME COLUMN read TO normalized",
        "DROP INDEX job_shape",
        "CREATE INDEX job_duration ON job (duration_key, ended_at) WHERE state = 'done'",
    ):
        db.execute(statement)
    keys = {"known": "step_results", "unheard": "unanswered", "vain": "save_failures"}
    for old, new in keys.items():
        db.execute(
            """UPDATE job SET checkpoint = json_remove(json_set(
                   checkpoint, '$.' || :new, json_extract(checkpoint, '$.' || :old)), '$.' || :old)
               WHERE CASE WHEN json_valid(checkpoint) THEN json_type(checkpoint, '$.' || :old) END IS NOT NULL""",
            {"old": old, "new": new},
        )
