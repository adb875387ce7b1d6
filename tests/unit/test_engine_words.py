"""Whatever the engine can say, the page can say in both languages: every id and code in the source has words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kling_pipeline.errors import Verdict
from tests.unit.test_lint import CASES, Case
from ui.words import LANGUAGES, read_words

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = [
    path for path in sorted(ROOT.glob("kling_pipeline/**/*.py")) if "simulator" not in path.parts
]
SPOKEN = {"InputError", "InputError.at", "NotFound", "ResultError", "KlingError", "Unreadable"}
COMMAND_LINE = {"__main__.py", "cli_input.py"}  # speaks English on standard error only
FIGURE = re.compile(r"{(\w+)(?:\|[^}]*)?}")
PAGE = {"label", "field_lower", "other_label", "other_object", "value_label"}  # given by the page
# Kling docs, error codes, Sept 2026.
CODES = [
    *range(1000, 1005),
    *range(1100, 1104),
    *range(1200, 1204),
    1300,
    1301,
    *range(1302, 1305),
    *range(5000, 5003),
]
WORDS = {lang: read_words(lang) for lang in LANGUAGES}
VERDICTS = Verdict.__args__  # type: ignore[attr-defined]  # what Literal holds


def calls() -> Iterator[tuple[Path, str, ast.Call]]:
    for path in ENGINE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, ast.unparse(node.func), node


def argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    named = next((one.value for one in call.keywords if one.arg == name), None)
    return named or (call.args[position] if len(call.args) > position >= 0 else None)


def finding_ids() -> set[str]:
    found = {"not_sent_never", "not_sent_needs", "not_sent_with", "not_sent_without"}
    for path, name, call in calls():
        if name == "Finding":
            id = argument(call, "id", 0)
            if isinstance(id, ast.Constant):
                found.add(str(id.value))
            else:
                assert path.name == "request.py", f"{path.name}: an id that no test can read"
    return found


def error_codes() -> set[str]:
    found = {f"kling_{code}" for code in CODES} | {f"kling_{verdict}" for verdict in VERDICTS}
    for _, name, call in calls():
        code = argument(call, "code", 0 if name == "Unreadable" else -1) if name in SPOKEN else None
        if isinstance(code, ast.Constant):
            found.add(str(code.value))
    for path in ENGINE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and path.name == "errors.py":
                found |= {
                    str(ast.literal_eval(one.value))
                    for one in node.body
                    if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "code"
                }
            if isinstance(node, ast.Dict) and "message" in _keys(node):
                code = dict(zip(_keys(node), node.values, strict=True)).get("code")
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
    return found


def _keys(node: ast.Dict) -> list[str]:
    return [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id", sorted(finding_ids()))
def test_a_finding_has_words(id: str, lang: str) -> None:
    assert {f"finding.{id}.head", f"finding.{id}.why"} <= WORDS[lang].keys()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", sorted(error_codes()))
def test_an_error_says_what_happened_and_what_to_do(code: str, lang: str) -> None:
    assert {f"error.{code}", f"next.{code}"} <= WORDS[lang].keys()


def test_the_codes_that_matter_are_among_them() -> None:
    assert {"kling_1301", "kling_5002", "kling_task_failed", "outcome_unknown"} <= error_codes()
    assert {"set_aside", "file_cut", "no_face", "invalid_input", "credits_short"} <= error_codes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_findings_words_use_its_own_figures(case: Case) -> None:
    for finding in case.findings():
        for part in ("head", "why", "fix"):
            used = set(FIGURE.findall(WORDS["en"].get(f"finding.{finding.id}.{part}", "")))
            assert used <= finding.figures.keys() | PAGE


def sentences() -> list[tuple[str, str]]:
    """Sentences that stand in the source, a figure wherever one is filled in."""
    found = {}
    for path, name, call in calls():
        if name in ("InputError", "InputError.at", "NotFound") and path.name not in COMMAND_LINE:
            said = argument(call, "message", 1 if name == "InputError.at" else 0)
            if isinstance(said, ast.Constant):
                found[str(said.value)] = path.name
            elif isinstance(said, ast.JoinedStr):
                parts = [
                    str(one.value) if isinstance(one, ast.Constant) else "7" for one in said.values
                ]
                found["".join(parts)] = path.name
    return sorted((path, said) for said, path in found.items())


SHAPES = [
    re.compile(FIGURE.sub("(.+?)", re.sub(r"([.*+?^$()\[\]\\|])", r"\\\1", shape)))
    for key, shape in WORDS["en"].items()
    if key.startswith("rule.")
]
NO_FORM_ASKS = {  # only a caller of the API or a server meets these, and reads them in English
    "7 has no model 7.", "There is no route 7.", "7 has no call 7.", "7 needs no session.",
    "There is no such job.", "Send application/json.", "This callback is not signed by Kling.",
    "A grant is a whole number from 1 to 7, not 7.",
    "There is no such template.", "Each order needs a click_id of its own.",
    # The doctor's button says these by their code.
    "Kling does not say yet what this task took. Try again when it is done.",
    "Kling tells of no such task of this studio.", "No such task waits to be taken up.",
}  # fmt: skip
PUT_TOGETHER = {  # from parts, each of which has a shape of its own
    "7.", "This file is 7; a picture, a video or a sound is needed.",
    "This is 7; 7. Save it as one of these.", "7: 7 Nothing was charged.",
}  # fmt: skip


@pytest.mark.parametrize(("path", "said"), sentences())
def test_a_sentence_of_the_engine_is_recognised(path: str, said: str) -> None:
    known = said in NO_FORM_ASKS | PUT_TOGETHER or any(shape.fullmatch(said) for shape in SHAPES)
    assert known, f"{path} says what the page cannot say in Chinese: {said}"
