"""Orders as they are written on a command line or in a file of JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kling_pipeline.errors import InputError
from kling_pipeline.pipeline import Pipeline

_ASSET = re.compile(r"as_[0-9a-f]{32}")


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers; InputError when it cannot be read."""
    try:
        data = file.read_bytes()
        text = data.decode(json.detect_encoding(data))  # PowerShell writes UTF-16
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not text in UTF-8. Save it as UTF-8 in your editor.") from None
    # Not splitlines: a prompt may hold what Unicode calls the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def parse_line(pipeline: Pipeline, owner: str, line: str, where: str) -> tuple[str, dict[str, Any]]:
    """Return the capability and the params of a line; InputError says where it is none."""
    try:
        row = json.loads(line)
        name, params = row["capability"], dict(row.get("params") or {})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{where}: not {{capability, params}}: {error}") from None
    if not isinstance(name, str):
        raise InputError(f"{where}: capability is not a name: {name!r}.")
    if unknown := sorted(row.keys() - {"capability", "params"}):
        raise InputError(f"{where}: there is no {unknown[0]!r} beside capability and params.")
    return name, _with_files(pipeline, owner, name, params)


def read_params(
    pipeline: Pipeline, owner: str, capability: str, pairs: Sequence[str]
) -> dict[str, Any]:
    """Return params from `key=value`: JSON where the field is not text, a repeated key is a list."""
    fields = pipeline.catalog.capability(capability).request.model_fields
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"{pair!r} is not key=value.")
        value = text if name in fields and _is_text(fields[name].annotation) else _parsed(text)
        if name in values:
            earlier = values[name]
            values[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            values[name] = value
    return _with_files(pipeline, owner, capability, values)


def check_line(
    pipeline: Pipeline, owner: str, file: Path, number: int, line: str, variants: int
) -> dict[str, Any]:
    """Return `{line, capability, price, findings, errors}` of one line; the price is None where it is wrong."""
    checked: dict[str, Any] = {"line": number, "capability": None, "price": None}
    try:
        name, params = parse_line(pipeline, owner, line, f"{file}, line {number}")
        checked["capability"] = name
        quote = pipeline.quote(owner, name, params, variants)
    except InputError as error:
        findings = [finding.as_dict() for finding in error.findings]
        return {**checked, "findings": findings, "errors": error.fields or {"": error.message}}
    findings = [finding.as_dict() for finding in quote.findings]
    return {**checked, "price": quote.price, "findings": findings, "errors": {}}


def format_check(checked: Mapping[str, Any]) -> Iterator[str]:
    """A checked line in words: its price, then one line for each thing to say."""
    price = "not for sale" if checked["price"] is None else f"{checked['price']} credits"
    yield f"line {checked['line']}  {checked['capability'] or '?'}  {price}"
    for field, sentence in checked["errors"].items():
        yield f"  error    {f'{field}: ' if field else ''}{sentence}"
    for one in checked["findings"]:
        if one["severity"] != "error":
            yield f"  {one['severity']:<8} {one['field']}: {one['message']}"


def _with_files(
    pipeline: Pipeline, owner: str, capability: str, params: dict[str, Any]
) -> dict[str, Any]:
    """Return a path in a file field becomes an upload."""
    for name in pipeline.catalog.capability(capability).media():
        value = params.get(name)
        if isinstance(value, list):
            params[name] = [_upload(pipeline, owner, name, one) for one in value]
        elif value is not None:
            params[name] = _upload(pipeline, owner, name, value)
    return params


def _upload(pipeline: Pipeline, owner: str, name: str, value: Any) -> Any:
    if not isinstance(value, str) or "://" in value or _ASSET.fullmatch(value) or len(value) > 4095:
        return value
    path = Path(value)
    try:
        path = path.expanduser()
        found = path.is_file()
    except (OSError, RuntimeError, ValueError):
        return value  # too long for a name, or with a sign that no name has: it is no path
    if found:
        return pipeline.upload(owner, path)["id"]
    if path.suffix or "/" in value:
        raise InputError.at(name, f"There is no file {value}.")
    return value


def _is_text(annotation: Any) -> bool:
    return annotation is str or str(annotation).startswith(
        ("str", "typing.Optional[str]", "typing.Literal")
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
