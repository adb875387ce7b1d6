"""The engine's only entrance for others: submit, advance, tick, resume, cancel, and the page's questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kling_pipeline.catalog.catalog import Catalog
from kling_pipeline.doctor import examine
from kling_pipeline.jobs.accounts import read_balance
from kling_pipeline.jobs.actions import cancel_job, retry_job
from kling_pipeline.jobs.callbacks import poll_soon, verify_signature
from kling_pipeline.jobs.cleanup import clean_up
from kling_pipeline.jobs.coalescing import ChangeFeed
from kling_pipeline.jobs.concurrency import due_jobs, raise_caps
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.idempotency import JobRequest
from kling_pipeline.jobs.inputs import brings_files
from kling_pipeline.jobs.inputs import resolve_files as _resolve_files
from kling_pipeline.jobs.job import Job, find_job, own_job
from kling_pipeline.jobs.orphans import adopt_orphan
from kling_pipeline.jobs.pause import notice_text
from kling_pipeline.jobs.poll import poll, update_progress
from kling_pipeline.jobs.queries import every_job, full_statement, older_jobs
from kling_pipeline.jobs.quote import FormQuote, Quote, quote_form, quote_request
from kling_pipeline.jobs.reconcile import check, recheck
from kling_pipeline.jobs.recover import (
    record_step_failure,
    recover_leases,
    repair_times,
)
from kling_pipeline.jobs.save import save
from kling_pipeline.jobs.send import send
from kling_pipeline.jobs.serialize import show_jobs
from kling_pipeline.jobs.sessions import call_session, open_session, price_calls, show_session
from kling_pipeline.jobs.submit import Submission, admit
from kling_pipeline.jobs.uploads import check_space, find_asset, keep_upload
from kling_pipeline.settings import Settings
from kling_pipeline.storage import ledger


class Pipeline:
    """What everything outside the engine talks to; every method names the owner it speaks for."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.change_feed = ChangeFeed(engine)

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.engine.settings

    @property
    def catalog(self) -> Catalog:
        """What can be asked for."""
        return self.engine.catalog

    # --- spending -------------------------------------------------------------------------------

    def quote(
        self, owner: str, capability: str, params: Mapping[str, Any], variant_count: int = 1
    ) -> Quote:
        """Return what a click would cost; InputError names each wrong field."""
        return quote_request(self.engine, owner, JobRequest(capability, params, variant_count))

    def quote_form(
        self, owner: str, capability: str, params: Mapping[str, Any], variant_count: int = 1
    ) -> FormQuote:
        """Return what a form costs that may be half filled, and what each offer would add."""
        return quote_form(self.engine, owner, JobRequest(capability, params, variant_count))

    def submit(
        self,
        owner: str,
        capability: str,
        params: Mapping[str, Any],
        *,
        variant_count: int | None = None,
        template: str | None = None,
        click_id: str | None = None,
    ) -> Submission:
        """Admit one click and notify the worker; after InputError or CreditError nothing is held."""
        count = variant_count if variant_count is not None else (3 if template else 1)
        return self.submit_all(owner, [JobRequest(capability, params, count, template, click_id)])

    def submit_all(self, owner: str, requests: Sequence[JobRequest]) -> Submission:
        """Admit every request or none."""
        submission = admit(self.engine, owner, requests)
        if submission.created:
            for job in submission.jobs:
                self.engine.notify(job.id)
        return submission

    def cancel(self, owner: str, job_id: str) -> dict[str, Any]:
        """Cancel a job that waits and give its credits back; later it is only a wish, noted on the job."""
        cancel_job(self.engine, owner, job_id)
        return self.job(owner, job_id)

    def retry(self, owner: str, job_id: str) -> dict[str, Any]:
        """Resume a job that was set aside, ask Kling again, or send it again; the job as it then is."""
        retry_job(self.engine, owner, job_id)
        return self.job(owner, job_id)

    def adopt_orphan(self, owner: str, task_id: str) -> dict[str, Any]:
        """Take up a task of this studio at Kling that no job waits for; the new job."""
        return self.job(owner, adopt_orphan(self.engine, owner, task_id))

    # --- preparing ------------------------------------------------------------------------------

    def open_session(
        self, owner: str, capability: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make the capability's opening call and keeps its answer; charged at once if it costs."""
        self.engine.check_floor()
        return open_session(self.engine, owner, capability, params)

    def call_session(
        self, owner: str, session_id: str, call: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make one more call of a session."""
        self.engine.check_floor()
        return call_session(self.engine, owner, session_id, call, params)

    def session(self, owner: str, session_id: str) -> dict[str, Any]:
        """Return a session and what its calls answered; NotFound also when it is somebody else's."""
        return show_session(self.engine, owner, session_id)

    def call_prices(self, capability: str) -> dict[str, int]:
        """Return what each call of a capability costs, by its id."""
        return price_calls(self.engine, capability)

    # --- asking ---------------------------------------------------------------------------------

    def jobs_since(self, owner: str, rev: int) -> dict[str, Any]:
        """Return jobs changed after a revision; the newest 200 for 0, or with `reset` when it is not ours."""
        return dict(json.loads(self.change_feed.ask(owner, rev).result()))

    def jobs_before(self, owner: str, job_id: str) -> list[dict[str, Any]]:
        """Return the next older jobs, newest first."""
        with self.engine.store.read() as db:
            return older_jobs(db, self.engine, owner, job_id)

    def all_jobs(self, owner: str) -> list[dict[str, Any]]:
        """Return every job, oldest first."""
        with self.engine.store.read() as db:
            return every_job(db, self.engine, owner)

    def job(self, owner: str, job_id: str) -> dict[str, Any]:
        """One job; NotFound also when it is somebody else's."""
        with self.engine.store.read() as db:
            return show_jobs(db, self.engine, [own_job(db, owner, job_id)])[0]

    def show(self, submission: Submission) -> list[dict[str, Any]]:
        """Return the jobs of a submission as the API shows them, as they stand now."""
        with self.engine.store.read() as db:
            jobs = [find_job(db, job.id) or job for job in submission.jobs]
            return show_jobs(db, self.engine, jobs)

    def credits(self, owner: str) -> dict[str, Any]:
        """Return `{"user", "available", "held", "spent"}`; opens the account when it is new."""
        return read_balance(self.engine, owner)

    def statement(self, owner: str) -> list[dict[str, Any]]:
        """Return every ledger transaction, oldest first, with the take it belongs to."""
        self.credits(owner)
        with self.engine.store.read() as db:
            return full_statement(db, self.engine, owner)

    def notice(self) -> str:
        """Why every submit waits and what to do about it; empty while none has to."""
        with self.engine.store.read() as db:
            return notice_text(db)

    def examine(self) -> dict[str, Any]:
        """Return whether all is well: jobs, audit, problems and warnings with how to mend them, learned places."""
        return examine(self.engine)

    def check(self) -> None:
        """StorageError or BusyError while a submit could not be kept."""
        self.engine.store.check()
        self.engine.check_floor()

    def grant(self, owner: str, amount: int, key: str) -> None:
        """Grant credits, once per key."""
        self.credits(owner)
        self.engine.store.write(lambda db: ledger.grant(db, owner, amount, key))

    # --- files ----------------------------------------------------------------------------------

    def check_space(self, owner: str, coming: int, *, arrived: int = 0) -> None:
        """StorageError where an upload would not be kept of which so many bytes are still to come.

        `arrived` are the bytes, of this upload and others, that have come and stand in no row yet.
        """
        check_space(self.engine, owner, coming, arrived=arrived)

    def upload(self, owner: str, data: bytes | Path) -> dict[str, Any]:
        """Check and store a file; `{id, kind, width, height, duration, bytes}`."""
        return keep_upload(self.engine, owner, data)

    def brings_files(self, capability: str, params: Mapping[str, Any]) -> bool:
        """Return whether a request holds files in itself, which take time to measure."""
        return brings_files(self.catalog.capability(capability), params)

    def asset(self, owner: str, asset_id: str) -> dict[str, Any]:
        """Return an asset row with `file` and `poster_file` as paths; NotFound also when it is somebody else's."""
        with self.engine.store.read() as db:
            row = find_asset(db, asset_id, owner)
        folder = self.engine.assets
        poster = folder / row["poster"] if row["poster"] else None
        return {**row, "file": folder / row["path"], "poster_file": poster}

    def check_media(self, owner: str, capability: str, field: str, asset_id: str) -> None:
        """InputError at the field when this file breaks its rule."""
        _resolve_files(self.engine, owner, self.catalog.capability(capability), {field: asset_id})

    # --- hints ----------------------------------------------------------------------------------

    def verify_callback(self, body: bytes, headers: Mapping[str, str]) -> None:
        """InputError when a webhook secret is set and the signature is missing, wrong or older than 5 minutes."""
        secret = self.settings.kling_webhook_secret
        if secret is not None:
            verify_signature(secret.get_secret_value(), body, headers)

    def poll_soon(self, task_id: str) -> None:
        """Somebody says this task has news: it is asked for at the next tick, and no more than that."""
        poll_soon(self.engine, task_id)

    def advance(self, job_id: str) -> None:
        """Do the next step of one job, whatever it is; calling it once too often does nothing.

        The exception of a step is counted on its job and never raised.
        """
        with self.engine.store.read() as db:
            job = find_job(db, job_id)
        if job is None or (job.next_at or 0) > self.engine.now():
            return
        try:
            self._step(job)
        except Exception as error:  # whatever it is, it must neither be lost nor come back at once
            record_step_failure(self.engine, job_id, error)

    def _step(self, job: Job) -> None:
        if job.state == "queued":
            send(self.engine, job)
        elif job.state == "checking":
            check(self.engine, job)
        elif job.state == "unknown":
            recheck(self.engine, job)
        elif job.state == "saving":
            save(self.engine, job)

    def tick(self) -> list[str]:
        """One look for everybody: polls what is due; ids of the jobs that should be advanced now."""
        recover_leases(self.engine)
        poll(self.engine)
        self.engine.store.write(lambda db: update_progress(db, self.engine))
        with self.engine.store.read() as db:
            return due_jobs(db, self.engine)

    def resume(self) -> None:
        """At start and every minute: takes over what dead processes held, tidies, tries larger pools."""
        recover_leases(self.engine)
        self.engine.store.write(lambda db: repair_times(db, self.engine))
        clean_up(self.engine)
        self.engine.store.write(lambda db: raise_caps(db, self.engine))


__all__ = [
    "Engine",
    "FormQuote",
    "JobRequest",
    "Pipeline",
    "Quote",
    "Submission",
]
