"""Files on their way in: uploads are checked and stored; a request's files are found, checked and frozen."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kling_pipeline.capability import Capability, Media
from kling_pipeline.engine import Engine
from kling_pipeline.errors import InputError, NotFound
from kling_pipeline.media import Facts, check_rule, decode_base64, inspect_upload, store_file
from kling_pipeline.store import Connection

ASSET = "as_"  # not in the Base64 alphabet, so an asset id is never mistaken for a picture
FILE = "$file"  # in a frozen request: {"$file": asset id} stands for the bytes


def keep_upload(engine: Engine, owner: str, data: bytes | Path) -> dict[str, Any]:
    """Checks and stores an uploaded file; `{id, kind, width, height, duration, bytes}`; InputError if it is none."""
    facts = inspect_upload(data)
    part = engine.assets / "incoming" / secrets.token_hex(8)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        if isinstance(data, bytes):
            part.write_bytes(data)
        else:
            _copy(data, part)
        stored = store_file(part, engine.assets, facts.sha256, facts.suffix)
    finally:
        part.unlink(missing_ok=True)
    path = str(stored.relative_to(engine.assets))
    row = engine.store.write(lambda db: _insert(db, owner, facts, path, engine.now()))
    return {name: row[name] for name in ("id", "kind", "width", "height", "duration", "bytes")}


def find_asset(db: Connection, asset_id: str, owner: str) -> dict[str, Any]:
    """An asset row of this owner; NotFound also when it is somebody else's."""
    row = db.execute("SELECT * FROM asset WHERE id = ? AND owner = ?", [asset_id, owner]).fetchone()
    if row is None:
        raise NotFound("There is no such file.")
    return dict(row)


def take_files(
    engine: Engine, owner: str, capability: Capability, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The params with raw Base64 replaced by asset ids; InputError names each field whose file will not do."""
    taken, errors = dict(params), dict[str, str]()
    for name, media in capability.media().items():
        value = params.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            taken[name] = _take(engine, owner, name, value, media)
        except InputError as error:
            errors[name] = error.message
    if errors:
        raise InputError("; ".join(f"{k}: {v}" for k, v in errors.items()), fields=errors)
    return taken


def freeze(sent: Mapping[str, Any], capability: Capability) -> dict[str, Any]:
    """The fields that are sent, each file as a reference to its asset."""
    files = capability.media()
    return {
        name: {FILE: value} if name in files and str(value).startswith(ASSET) else value
        for name, value in sent.items()
    }


def thaw(engine: Engine, owner: str, body: Any) -> Any:
    """The body as it goes out: every file reference replaced by its raw Base64."""
    if isinstance(body, dict):
        if FILE in body:
            with engine.store.read() as db:
                row = find_asset(db, body[FILE], owner)
            return base64.b64encode((engine.assets / row["path"]).read_bytes()).decode("ascii")
        return {name: thaw(engine, owner, value) for name, value in body.items()}
    if isinstance(body, list):
        return [thaw(engine, owner, value) for value in body]
    return body


def _take(engine: Engine, owner: str, name: str, value: str, media: Media) -> str:
    if value.startswith(ASSET):
        with engine.store.read() as db:
            row = find_asset(db, value, owner)
        check_rule(_facts(row), media, name)
        return value
    if "://" in value[:12]:
        if not value.startswith("https://"):
            raise InputError.at(name, "An address must begin with https://.")
        return value
    data = decode_base64(value)
    if data is None:
        raise InputError.at(
            name, "This is neither a file of yours, an https address, nor raw Base64."
        )
    check_rule(inspect_upload(data), media, name)
    return str(keep_upload(engine, owner, data)["id"])


def _facts(row: Mapping[str, Any]) -> Facts:
    return Facts(
        kind=row["kind"], mime=row["mime"], suffix=Path(row["path"]).suffix,
        width=row["width"], height=row["height"], duration=row["duration"], fps=None,
        bytes=row["bytes"], sha256=row["sha256"],
    )  # fmt: skip


def _insert(db: Connection, owner: str, facts: Facts, path: str, now: int) -> dict[str, Any]:
    same = db.execute(
        "SELECT * FROM asset WHERE owner = ? AND sha256 = ? AND role = 'upload'",
        [owner, facts.sha256],
    ).fetchone()
    if same is not None:
        return dict(same)
    row = db.execute(
        """INSERT INTO asset (id, owner, role, kind, mime, sha256, path, bytes, width, height,
               duration, created_at)
           VALUES (?, ?, 'upload', ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *""",
        [
            ASSET + secrets.token_hex(16), owner, facts.kind, facts.mime, facts.sha256, path,
            facts.bytes, facts.width, facts.height, facts.duration, now,
        ],
    ).fetchone()  # fmt: skip
    return dict(row)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
