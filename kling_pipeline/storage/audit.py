"""What must always hold of the ledger and the jobs, as queries that find what breaks it."""

from __future__ import annotations

from kling_pipeline.storage.job_states import OPEN, REFUNDED, sql_states
from kling_pipeline.storage.store import Connection

INVARIANTS: dict[str, str] = {
    "a transaction does not sum to zero": """SELECT txn.id FROM txn LEFT JOIN entry ON txn_id = txn.id
        GROUP BY txn.id HAVING count(entry.seq) < 2 OR sum(entry.amount) <> 0""",
    "a balance is not the sum of its entries": """SELECT account.id FROM account
        LEFT JOIN entry ON account_id = account.id
        GROUP BY account.id HAVING balance <> coalesce(sum(amount), 0)""",
    "a balance is below zero": "SELECT id FROM account WHERE balance < 0 AND kind <> 'grants'",
    "held credits differ from the open holds": """SELECT account.owner FROM account
        WHERE kind = 'held' AND balance <> (SELECT coalesce(sum(amount), 0) FROM hold
            WHERE hold.owner = account.owner AND state = 'held')""",
    "a hold has no job": "SELECT job_id FROM hold WHERE job_id NOT IN (SELECT id FROM job)",
    "an open job has no hold": f"""SELECT job.id FROM job LEFT JOIN hold ON job_id = job.id
        WHERE job.state IN {sql_states(OPEN)} AND hold.state IS NOT 'held'""",
    "a hold is not the price of its job": """SELECT job.id FROM job JOIN hold ON job_id = job.id
        WHERE amount <> price""",
    "a done job is not settled, or has no file": """SELECT job.id FROM job
        LEFT JOIN hold ON hold.job_id = job.id WHERE job.state = 'done' AND (hold.state IS NOT 'settled'
            OR NOT EXISTS (SELECT 1 FROM txn WHERE idem = 'settle:' || job.id)
            OR NOT EXISTS (SELECT 1 FROM asset WHERE asset.job_id = job.id))""",
    "a failed or canceled job is not released": f"""SELECT job.id FROM job
        LEFT JOIN hold ON hold.job_id = job.id WHERE job.state IN {sql_states(REFUNDED)}
        AND (hold.state IS NOT 'released'
            OR NOT EXISTS (SELECT 1 FROM txn WHERE idem = 'release:' || job.id))""",
    "a job was both settled and released": """SELECT job_id FROM txn WHERE kind IN ('settle', 'release')
        GROUP BY job_id HAVING count(*) > 1""",
    "the entries of an account do not follow each other": """SELECT account_id FROM (
        SELECT account_id, balance_after, sum(amount) OVER
            (PARTITION BY account_id ORDER BY txn_id, seq) AS running FROM entry)
        WHERE running <> balance_after""",
    "granted credits are not those spent, held and available": """SELECT 1 FROM (
        SELECT sum(balance) AS total FROM account) WHERE total <> 0""",
}


def audit(db: Connection) -> list[str]:
    """One sentence for each invariant that does not hold, with the first rows that break it; empty is good."""
    problems = []
    for sentence, query in INVARIANTS.items():
        rows = db.execute(f"{query} LIMIT 3").fetchall()
        if rows:
            problems.append(f"{sentence}: {', '.join(str(row[0]) for row in rows)}")
    return problems


def check_file(db: Connection) -> list[str]:
    """Return what the database itself finds wrong with its file, the first five; empty is good."""
    rows = [str(row[0]) for row in db.execute("PRAGMA quick_check(5)")]
    return [] if rows == ["ok"] else rows


def find_dangling(db: Connection) -> list[str]:
    """Return the tables of the first five rows that refer to a row which is not there."""
    return [str(row[0]) for row in db.execute("PRAGMA foreign_key_check").fetchall()[:5]]
