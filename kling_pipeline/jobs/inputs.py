"""Files on their way in: uploads are checked and stored; a request's files are found, checked and frozen."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kling_pipeline.catalog.declaration import Capability, Media
from kling_pipeline.errors import InputError, NotFound, StorageError
from kling_pipeline.jobs.endpoints import route_of
from kling_pipeline.jobs.engine import Engine
from kling_pipeline.jobs.job import find_job
from kling_pipeline.jobs.lookup import look_at
from kling_pipeline.jobs.uploads import check_quota, check_space
from kling_pipeline.kling.urls import check_link
from kling_pipeline.media.base64_files import decode_base64
from kling_pipeline.media.files import Facts, check_rule, inspect_upload, store_file
from kling_pipeline.storage.disk import storing
from kling_pipeline.storage.store import Connection

ASSET = "as_"  # not in the Base64 alphabet, so an asset id is never mistaken for a picture
# In a frozen request {"$file": asset id} stands for the bytes, {"$link": …} for Kling's own fresh link to a result,
# {"$lend": …} for an address at which the simulator finds a local file.
_FILE, _LINK, _EXPOSE = "$file", "$link", "$lend"
_TRIES = 5
_KEPT_DAYS = 29  # Kling keeps results 30 days; the last one is too near (Kling docs, Sept 2026)


def keep_upload(
    engine: Engine,
    owner: str,
    data: bytes | Path,
    facts: Facts | None = None,
    *,
    paid: bool = False,
) -> dict[str, Any]:
    """Check and store an uploaded file; `{id, kind, width, height, duration, bytes}`; InputError if it is none.

    `facts` are those of a file that was looked at already.
    StorageError, before a byte is written, where there is no room for it; what was paid for is kept while it can be.
    """
    facts = facts or inspect_upload(data)
    path = f"{facts.sha256[:2]}/{facts.sha256}{facts.suffix}"  # where store_file puts it
    row = engine.store.write(lambda db: _renew(db, engine, owner, facts))
    if row is None and not paid:
        check_space(engine, owner, facts.bytes, cached=False)
    with storing():
        # Swept between the file and its row, if nothing knew it and it was old: then once more.
        for _ in range(_TRIES):
            if row is not None:
                break
            _store(engine, data, facts)
            row = engine.store.write(lambda db: _insert(db, engine, owner, facts, path, paid))
    if row is None:
        raise StorageError("Nothing was kept: the file is gone as soon as it is stored.")
    return {name: row[name] for name in ("id", "kind", "width", "height", "duration", "bytes")}


def find_asset(db: Connection, asset_id: str, owner: str) -> dict[str, Any]:
    """Return an asset row of this owner; NotFound also when it is somebody else's."""
    row = db.execute("SELECT * FROM asset WHERE id = ? AND owner = ?", [asset_id, owner]).fetchone()
    if row is None:
        raise NotFound("There is no such file.")
    return dict(row)


def resolve_files(
    engine: Engine, owner: str, capability: Capability, params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Facts | None]]:
    """Return the params with raw Base64 replaced by asset ids, and the measures of each single file by field.

    InputError names each field whose file will not do; a file at an address is not read, so not measured.
    """
    taken, facts, errors = dict(params), dict[str, Facts | None](), dict[str, str]()
    for name, media in capability.media().items():
        value = params.get(name)
        try:
            if media.most > 1 and isinstance(value, list):
                if len(value) > media.most:
                    raise InputError.at(name, f"There are {len(value)}; at most {media.most}.")
                taken[name] = [_take(engine, owner, name, one, media)[0] for one in value]
            elif isinstance(value, str):
                taken[name], facts[name] = _take(engine, owner, name, value, media)
        except InputError as error:
            errors[name] = error.message
    if errors:
        raise InputError("; ".join(f"{k}: {v}" for k, v in errors.items()), fields=errors)
    return taken, facts


def brings_files(capability: Capability, params: Mapping[str, Any]) -> bool:
    """Return whether a request holds files itself, so that taking it means measuring them."""
    found = (params.get(name) for name in capability.media())
    values = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return any(isinstance(one, str) and one and not _is_named(one) for one in values)


def _is_named(value: str) -> bool:
    return value.startswith(ASSET) or "://" in value[:12]


def freeze(
    engine: Engine, owner: str, capability: Capability, sent: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields that are sent, each file as a reference; InputError where Kling could not reach a video."""
    frozen = dict(sent)
    for name, media in capability.media().items():
        value = sent.get(name)
        if isinstance(value, list):
            frozen[name] = [_refer(one) for one in value]
        elif isinstance(value, str) and media.kind == "video":
            del frozen[name]
            key, reference = _address(engine, owner, name, value, media)
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


def _address(engine: Engine, owner: str, name: str, value: str, media: Media) -> tuple[str, Any]:
    """Return the body's field for a video and its value: a URL or Kling's own id (Kling docs, inputs; kept 30 days)."""
    url = media.as_url or name
    if not value.startswith(ASSET):
        return url, value
    with engine.store.read() as db:
        row = find_asset(db, value, owner)
    fresh = engine.now() - row["created_at"] < _KEPT_DAYS * 86_400_000
    if row["provider_id"] and fresh:
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
    engine: Engine, owner: str, name: str, value: str, media: Media
) -> tuple[str, Facts | None]:
    if value.startswith(ASSET):
        with engine.store.read() as db:
            row = find_asset(db, value, owner)
        facts = _facts(row)
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


def _renew(db: Connection, engine: Engine, owner: str, facts: Facts) -> dict[str, Any] | None:
    """Return the upload of the same content that this owner has already, in use again, if its file is there."""
    row = db.execute(
        "SELECT * FROM asset WHERE owner = ? AND sha256 = ? AND role = 'upload'",
        [owner, facts.sha256],
    ).fetchone()
    if row is None or not (engine.assets / row["path"]).exists():
        return None
    db.execute("UPDATE asset SET used_at = ? WHERE id = ?", [engine.now(), row["id"]])
    return dict(row)


def _insert(
    db: Connection, engine: Engine, owner: str, facts: Facts, path: str, paid: bool
) -> dict[str, Any] | None:
    """Return the row of a stored file; None when the file is gone, so that no row is ever without one."""
    if not (engine.assets / path).exists():
        return None
    if (same := _renew(db, engine, owner, facts)) is not None:
        return same
    if not paid:
        _check_quota(db, engine, owner, facts, path)
    row = db.execute(
        """INSERT INTO asset (id, owner, role, kind, mime, sha256, path, bytes, width, height,
               duration, fps, created_at, used_at)
           VALUES (?, ?, 'upload', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *""",
        [
            ASSET + secrets.token_hex(16), owner, facts.kind, facts.mime, facts.sha256, path,
            facts.bytes, facts.width, facts.height, facts.duration, facts.fps, engine.now(),
            engine.now(),
        ],
    ).fetchone()  # fmt: skip
    return dict(row)


def _check_quota(db: Connection, engine: Engine, owner: str, facts: Facts, path: str) -> None:
    """Once more, where one comes after the other: many at once were each told that there is room."""
    try:
        check_quota(db, engine, owner, facts.bytes)
    except StorageError:
        if db.execute("SELECT 1 FROM asset WHERE path = ?", [path]).fetchone() is None:
            (engine.assets / path).unlink(missing_ok=True)
        raise


def _store(engine: Engine, data: bytes | Path, facts: Facts) -> None:
    part = engine.incoming / secrets.token_hex(8)
    try:
        if isinstance(data, bytes):
            part.write_bytes(data)
        else:
            _copy(data, part)
        store_file(part, engine.assets, facts.sha256, facts.suffix)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
