"""The command line: `python -m kling_pipeline …`; results on standard output, everything else on standard error."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from kling_pipeline.cli_input import check_line, format_check, parse_line, read_lines, read_params
from kling_pipeline.console import drop_unwritten, prepare_console, write_json, write_line
from kling_pipeline.doctor import examine, to_sentences
from kling_pipeline.errors import InputError, StudioError
from kling_pipeline.pipeline import JobRequest
from kling_pipeline.redaction import install_redaction
from kling_pipeline.runtime import Runtime
from kling_pipeline.settings import Settings, read_settings
from kling_pipeline.storage.job_states import ENDED

__all__ = ["app", "main"]

OWNER = "local"
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def worker() -> None:
    """Work on jobs until stopped."""
    with _open_when_possible() as runtime:
        if runtime.settings.studio_workers:
            runtime.start_worker()
        _to_stderr("working; Ctrl+C stops")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()


@app.command()
def run(
    capability: Annotated[str | None, typer.Argument(help="e.g. image_to_video")] = None,
    params: Annotated[list[str] | None, typer.Argument(help="key=value …")] = None,
    file: Annotated[Path | None, typer.Option(help="JSON lines {capability, params}.")] = None,
    variants: Annotated[int | None, typer.Option(help="How many of each.")] = None,
    template: Annotated[str | None, typer.Option(help="A template's id.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Work until all are done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit jobs; with --wait, see them through."""
    with _open() as runtime:
        pipeline = runtime.pipeline
        count = variants if variants is not None else (3 if template else 1)
        if file is not None and capability:
            raise InputError("Name a capability or a --file, not both.")
        if file is not None:
            requests = [
                JobRequest(
                    *parse_line(pipeline, OWNER, line, f"{file}, line {number}"), count, template
                )
                for number, line in read_lines(file)
            ]
        elif capability:
            values = read_params(pipeline, OWNER, capability, params or [])
            requests = [JobRequest(capability, values, count, template)]
        else:
            raise InputError("Name a capability, or a --file.")
        submission = pipeline.submit_all(OWNER, requests)
        for finding in submission.warnings:
            _to_stderr(f"{finding.field}: {finding.message}")
        jobs = pipeline.show(submission)
        if wait:
            jobs = _wait_for_end(runtime, [job["id"] for job in jobs])
        _print({"jobs": jobs}, as_json, [_line(job) for job in jobs])
    if wait and any(job["state"] != "done" for job in jobs):
        raise typer.Exit(1)


@app.command()
def lint(
    file: Annotated[Path, typer.Option(help="JSON lines {capability, params}.")],
    variants: Annotated[int, typer.Option(help="How many of each.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Say what each line of a file would cost and what is wrong with it; submit nothing."""
    with _open() as runtime:
        checks = [
            check_line(runtime.pipeline, OWNER, file, *line, variants) for line in read_lines(file)
        ]
    price = sum(one["price"] or 0 for one in checks)
    wrong = sum(bool(one["errors"]) for one in checks)
    lines = [line for one in checks for line in format_check(one)]
    total = f"{len(checks)} lines, {wrong} wrong, {price} credits"
    _print({"lines": checks, "price": price, "wrong": wrong}, as_json, [*lines, total])
    if wrong:
        raise typer.Exit(1)


@app.command()
def jobs(as_json: AsJson = False) -> None:
    """List every job, oldest first."""
    with _open() as runtime:
        found = runtime.pipeline.all_jobs(OWNER)
    _print({"jobs": found}, as_json, [_line(job) for job in found])


@app.command()
def credits(
    action: Annotated[str | None, typer.Argument(help="grant")] = None,
    user: Annotated[str, typer.Argument(help="Whom to grant.")] = OWNER,
    amount: Annotated[int, typer.Argument(help="How many credits.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the balance and every ledger transaction, or grant credits."""
    with _open() as runtime:
        if action == "grant":
            runtime.pipeline.grant(user, amount, uuid.uuid4().hex)
        elif action is not None:
            raise InputError(f"credits knows only 'grant', not {action!r}.")
        balance = runtime.pipeline.credits(user)
        entries = [
            {name: entry[name] for name in ("job_id", "kind", "amount", "at")}
            for entry in runtime.pipeline.statement(user)
        ]
    text = f"{balance['available']} available, {balance['held']} held, {balance['spent']} spent"
    _print({**balance, "entries": entries}, as_json, [text])


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check the ledger, the files, the keys and the clock."""
    with _open() as runtime:
        if runtime.demo is not None:
            runtime.reach_kling()
        report = to_sentences(examine(runtime.pipeline.engine))
    lines = [f"problem: {one}" for one in report["problems"]]
    lines += [f"warning: {one}" for one in report["warnings"]]
    _print(report, as_json, lines or ["all is well"])
    if report["problems"]:
        raise typer.Exit(1)


@app.command()
def simulator(
    port: Annotated[int, typer.Option(help="0: chosen by the system.", min=0, max=65535)] = 0,
    speed: Annotated[float, typer.Option(help="At 1 a video takes 60 s.")] = 1.0,
    seed: int = 0,
    contract: str = "vendor",
    media: str = "drawn",
    state: Path | None = None,
    faults: Path | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    api_key: str | None = None,
) -> None:
    """Run a local Kling."""
    if contract not in ("vendor", "brief") or media not in ("drawn", "plain"):
        raise InputError("--contract is vendor or brief; --media is drawn or plain.")
    if not 0 < speed < float("inf"):
        raise InputError("--speed is a number above 0.")
    given: dict[str, Any] = {
        "port": port, "speed": speed, "seed": seed, "contract": contract, "media": media,
        "state": state, "faults": faults, "access-key": access_key, "secret-key": secret_key,
        "api-key": api_key,
    }  # fmt: skip
    options = [f"--{name}={value}" for name, value in given.items() if value is not None]
    # In its place, so that no command pays for a web server that it does not start.
    os.execv(sys.executable, [sys.executable, "-m", "kling_pipeline.simulator", *options])


def main() -> None:
    """The entry: every error of ours becomes one sentence and exit code 2."""
    prepare_console()
    try:
        app(standalone_mode=True)
    except OSError as error:
        # Help is written by a library, which does not know that a disk may be full.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename:
            raise
        drop_unwritten(sys.stdout)
        _to_stderr(f"Not all of it could be written to standard output: {error.strerror}.")
        sys.exit(1)
    except StudioError as error:
        _to_stderr(error.message)
        for field, sentence in getattr(error, "fields", {}).items():
            if sentence not in error.message:
                _to_stderr(f"  {field}: {sentence}")
        if error.next:
            _to_stderr(error.next)
        sys.exit(2)


def _open() -> Runtime:
    settings: Settings = read_settings()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    install_redaction(settings)
    return Runtime(settings)


def _open_when_possible() -> Runtime:
    """Open the runtime; on a full disk, wait until there is space again."""
    last = ""
    while True:
        try:
            return _open()
        except StudioError as error:
            if error.code != "store_unwritable":
                raise
            if error.message != last:
                last = error.message
                _to_stderr(last)
        time.sleep(5)


def _wait_for_end(runtime: Runtime, ids: list[str]) -> list[dict[str, Any]]:
    runtime.start_worker()
    last = ""
    while True:
        if (waits := runtime.pipeline.notice()) != last:
            last = waits
            _to_stderr(waits or "Kling takes jobs again.")
        found = [runtime.pipeline.job(OWNER, one) for one in ids]
        if all(job["state"] in ENDED or _waits_for_owner(job) for job in found):
            return found
        time.sleep(max(0.02, runtime.settings.scaled(0.3)))


def _waits_for_owner(job: dict[str, Any]) -> bool:
    return job["state"] == "unknown" or bool(job["error"])


def _line(job: dict[str, Any]) -> str:
    reason = f"  {job['error']['message']}" if job["error"] else ""
    return f"{job['take']:>5}  {job['state']:<9} {job['price']:>6}  {job['capability']}  {job['id']}{reason}"


def _to_stderr(text: str) -> None:
    write_line(text, sys.stderr)


def _print(document: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    failures = [write_json(document)] if as_json else map(write_line, lines)
    if reason := next(filter(None, failures), None):
        _to_stderr(f"Not all of it could be written to standard output: {reason}.")
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
