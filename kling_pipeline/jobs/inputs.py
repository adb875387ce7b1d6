"""The files of a request: found, measured, checked, kept by reference, and put into the body that goes out."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kling_pipeline.catalog.declaration import Capability, Finding, Media
from kling_pipeline.catalog.request import ParsedRequest
from kling_pipeline.errors import InputError, NotFound
from kling_pipeline.jobs.endpoints import route_of
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import find_job
from kling_pipeline.jobs.lookup import look_at
from kling_pipeline.jobs.uploads import ASSET, find_asset, find_assets, keep_upload
from kling_pipeline.kling.urls import check_link
from kling_pipeline.media.base64_files import decode_base64
from kling_pipeline.media.files import Facts, check_rule, inspect_upload

# In a frozen request {"$file": asset id} stands for the bytes, {"$link": …} for Kling's own fresh link to a result,
# {"$lend": …} for an address at which the simulator finds a local file.
_FILE, _LINK, _EXPOSE = "$file", "$link", "$lend"
_KEPT_DAYS = 29  # Kling keeps results 30 days; the last one is too near (Kling docs, Sept 2026)


@dataclass(frozen=True)
class Files:
    """A request's files by field: asset ids or addresses, the measures of single ones (None: not read), what is wrong.

    `rows` are their asset rows by id, but for a file that the request itself brought.
    """

    values: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Facts | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def refusal(self) -> InputError | None:
        """Return every file that will not do in one error."""
        text = "; ".join(f"{name}: {sentence}" for name, sentence in self.errors.items())
        return InputError(text, fields=self.errors) if self.errors else None

    @property
    def lengths(self) -> dict[str, float | None]:
        """Return seconds by field, None where a file has no length."""
        return {name: facts.duration for name, facts in self.facts.items() if facts}


@dataclass(frozen=True)
class MeasuredRequest:
    """A parsed request with its files: `given` and `sent` name them by asset id, `stored` is what is kept to be sent.

    `refusal` says what is wrong first, the parsed request's own included.
    """

    given: dict[str, Any]
    sent: dict[str, Any]
    files: Files
    stored: str = ""  # as the column `request` holds it, equal for equal requests
    findings: Sequence[Finding] = ()
    refusal: InputError | None = None

    def change(self, engine: Engine, request: ParsedRequest) -> MeasuredRequest:
        """Return another request with the same files, which are not looked at again."""
        return _apply_files(engine, request, self.files)


def measure(engine: Engine, owner: str, request: ParsedRequest) -> MeasuredRequest:
    """Look at the files of a request, each once; of a refused one they stay in use, and none is looked at."""
    rows = find_assets(engine, owner, request.given)
    files = Files(rows=rows)
    if request.refusal is None:
        files = _read_files(engine, owner, request.listing.capability, request.given, rows)
    return _apply_files(engine, request, files)


def _apply_files(engine: Engine, request: ParsedRequest, files: Files) -> MeasuredRequest:
    """Apply a capability's file rules to a request whose files were looked at already."""
    given = {**request.given, **files.values}
    sent = {name: files.values.get(name, value) for name, value in request.sent.items()}
    refusal = request.refusal or files.refusal
    if refusal is not None:
        return MeasuredRequest(given, sent, files, refusal=refusal)
    try:
        findings = request.apply_rules(request.listing.capability.file_rules, files.facts)
        frozen = freeze(engine, request.listing.capability, sent, files.rows)
    except InputError as error:
        return MeasuredRequest(given, sent, files, refusal=error)
    stored = json.dumps({"fields": frozen}, ensure_ascii=False)
    return MeasuredRequest(given, sent, files, stored, findings)


def resolve_files(
    engine: Engine, owner: str, capability: Capability, params: Mapping[str, Any]
) -> tuple[dict[str, Any], Files]:
    """Replace raw Base64 in params by asset ids; return them with their files. InputError names wrong ones."""
    files = _read_files(engine, owner, capability, params, find_assets(engine, owner, params))
    if files.refusal is not None:
        raise files.refusal
    return {**params, **files.values}, files


def _read_files(
    engine: Engine, owner: str, capability: Capability, params: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
) -> Files:  # fmt: skip
    """Look at the files of params; one at an address is not read, so not measured."""
    files = Files(rows=rows)
    for name, media in capability.media().items():
        value = params.get(name)
        take = functools.partial(_take, engine, owner, name, media, rows)
        try:
            if media.most > 1 and isinstance(value, list):
                if len(value) > media.most:
                    raise InputError.at(name, f"There are {len(value)}; at most {media.most}.")
                files.values[name] = [take(one)[0] for one in value]
            elif isinstance(value, str):
                files.values[name], files.facts[name] = take(value)
        except InputError as error:
            files.errors[name] = error.message
    return files


def brings_files(capability: Capability, params: Mapping[str, Any]) -> bool:
    """Return whether a request holds files itself, so that taking it means measuring them."""
    found = (params.get(name) for name in capability.media())
    values = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return any(isinstance(one, str) and one and not _is_named(one) for one in values)


def _is_named(value: str) -> bool:
    return value.startswith(ASSET) or "://" in value[:12]


def freeze(
    engine: Engine,
    capability: Capability,
    sent: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the fields that are sent, each file as a reference; InputError where Kling could not reach a video."""
    frozen = dict(sent)
    for name, media in capability.media().items():
        value = sent.get(name)
        if isinstance(value, list):
            frozen[name] = [_refer(one) for one in value]
        elif isinstance(value, str) and media.kind == "video":
            del frozen[name]
            key, reference = _address(engine, name, value, media, rows.get(value))
            frozen[key] = reference
        elif isinstance(value, str):
            frozen[name] = _refer(value)
    return frozen


def thaw(engine: Engine, owner: str, body: Any) -> Any:
    """Return the body as it goes out: raw Base64 in place of a file, an address in place of a video."""
    if isinstance(body, list):
        return [thaw(engine, owner, value) for value in body]
    if not isinstance(body, dict):
        return body
    if _FILE in body:
        with engine.store.read() as db:
            row = find_asset(db, body[_FILE], owner)
        return base64.b64encode((engine.assets / row["path"]).read_bytes()).decode("ascii")
    if _LINK in body:
        return _fresh_link(engine, owner, body[_LINK])
    if _EXPOSE in body:
        with engine.store.read() as db:
            row = find_asset(db, body[_EXPOSE], owner)
        return engine.expose_file(engine.assets / row["path"]) if engine.expose_file else None
    return {name: thaw(engine, owner, value) for name, value in body.items()}


def _refer(value: str) -> Any:
    return {_FILE: value} if value.startswith(ASSET) else value


def _address(
    engine: Engine, name: str, value: str, media: Media, row: Mapping[str, Any] | None
) -> tuple[str, Any]:
    """How Kling gets a video: the body's field and its value (Kling docs, inputs: URL or its own id, 30 days)."""
    url = media.as_url or name
    if not value.startswith(ASSET):
        return url, value
    fresh = row is not None and engine.now() - row["created_at"] < _KEPT_DAYS * 86_400_000
    if row is not None and row["provider_id"] and fresh:
        return (media.as_id, row["provider_id"]) if media.as_id else (url, {_LINK: value})
    if engine.expose_file is not None:
        return url, {_EXPOSE: value}
    raise InputError.at(
        name,
        "Kling takes video by address only, and this file is on this machine. "
        "Use a result made here in the last 30 days, or paste an https link to the file.",
        code="video_unreachable",
    )


def _fresh_link(engine: Engine, owner: str, asset_id: str) -> str:
    with engine.store.read() as db:
        row = find_asset(db, asset_id, owner)
        job = find_job(db, row["job_id"])
    task = look_at(engine, route_of(engine, job), job) if job else None
    outputs = task.outputs if task else ()
    named = [one for one in outputs if one.provider_id and one.provider_id == row["provider_id"]]
    # Kling may tell fewer results than it did, and in another order.
    found = named or [one for one in outputs if one.index == row["position"]]
    if not found:
        raise InputError(
            "Kling no longer tells where this video is. Choose another, or make it anew.",
            code="video_unreachable",
        )
    return found[0].url


def _take(
    engine: Engine, owner: str, name: str, media: Media, rows: Mapping[str, Mapping[str, Any]],
    value: str,
) -> tuple[str, Facts | None]:  # fmt: skip
    """Return a file as the request will name it, and its measures; InputError where it does not suit the field."""
    if value.startswith(ASSET):
        if value not in rows:
            raise NotFound("There is no such file.")
        facts = _facts(rows[value])
        check_rule(facts, media, name)
        return value, facts
    if "://" in value[:12]:
        try:
            check_link(value)
        except ValueError as error:
            raise InputError.at(name, str(error), code="bad_address") from None
        return value, None
    data = decode_base64(value)
    if data is None:
        raise InputError.at(
            name, "This is neither a file of yours, an https address, nor raw Base64."
        )
    facts = inspect_upload(data)
    check_rule(facts, media, name)
    return str(keep_upload(engine, owner, data, facts)["id"]), facts


def _facts(row: Mapping[str, Any]) -> Facts:
    return Facts(
        kind=row["kind"], mime=row["mime"], suffix=Path(row["path"]).suffix,
        width=row["width"], height=row["height"], duration=row["duration"], fps=row["fps"],
        bytes=row["bytes"], sha256=row["sha256"],
    )  # fmt: skip
