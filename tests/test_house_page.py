"""The house, its page: which way scripts import, how large they may be, and where Gradio's own names may stand.

test_house.py holds the same for Python; scripts/check formats, lints and types both.
"""

from __future__ import annotations

import functools
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "ui" / "static"

# Which folders a folder may import besides itself, from the ground up.
ALLOWED: dict[str, set[str]] = {
    "shared": set(),
    "jobs": {"shared"},
    "form": {"shared", "jobs"},
    "prepare": {"shared", "jobs", "form"},
    "viewer": {"shared", "jobs", "form"},
    "board": {"shared", "jobs", "form"},
    "credits": {"shared", "jobs", "form"},
    "page": {"shared", "jobs", "form", "viewer", "board"},
}
FILE_LIMIT, TYPES_LIMIT = 250, 400
FUNCTION_LIMIT, LAYOUT_LIMIT = 40, 80
GRADIO_STYLES, GRADIO_SCRIPT = STATIC / "shared" / "gradio.css", STATIC / "shared" / "gradio.js"
OLD_NAMES = {  # as words of names: `openStage`, `ks-stage` and stage.js all hold one
    "stage": "viewer",
    "slate": "details",
    "takes": "jobs, or variants of one click",
    "acts": "actions",
    "says": "status",
    "saying": "labels",
    "ways": "video picker",
    "chip": "reference",
    "chips": "references",
    "typed": "unsent input",
    "makings": "manifest",
    "stands": "field states",
    "useas": "use as",
    "marker": "point editor",
}

SCRIPTS = sorted(STATIC.rglob("*.js"))
SHEETS = sorted(STATIC.rglob("*.css"))
TYPES = sorted(STATIC.rglob("*.d.ts"))
IMPORT = re.compile(r"^(?:import|export)\s(?:[^'\";(=]*?\sfrom\s+)?'([^']+)'", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.DOTALL)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_script = pytest.mark.parametrize("path", SCRIPTS, ids=_name)
each_sheet = pytest.mark.parametrize("path", SHEETS, ids=_name)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _folder(path: Path) -> str:
    return path.relative_to(STATIC).parts[0]


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    return tuple((path.parent / target).resolve() for target in IMPORT.findall(_text(path)))


@each_script
def test_imports_go_one_way(path: Path) -> None:
    folder = _folder(path)
    assert folder in ALLOWED, f"{_name(path)}: a folder without a row in ALLOWED"
    assert all(target in SCRIPTS for target in _imports(path)), f"{_name(path)}: {_imports(path)}"
    wrong = [_name(one) for one in _imports(path) if _folder(one) not in ALLOWED[folder] | {folder}]
    assert not wrong, f"{_name(path)} may import {sorted(ALLOWED[folder])}, but imports {wrong}"


def test_no_import_cycles() -> None:
    try:
        graphlib.TopologicalSorter({path: _imports(path) for path in SCRIPTS}).prepare()
    except graphlib.CycleError as error:
        pytest.fail("a cycle of imports: " + " → ".join(map(_name, error.args[1])))


def _linked() -> set[Path]:
    """The scripts and style sheets that the page's head names."""
    head = _text(ROOT / "ui" / "page_head.py") + _text(ROOT / "ui" / "islands.py")
    found = re.findall(r"[\"/](\w+/[\w-]+\.(?:css|js))", head)
    return {STATIC / name for name in found}


def test_every_script_and_sheet_is_used() -> None:
    reached, ahead = set[Path](), _linked()
    while ahead:
        reached |= ahead
        ahead = {target for path in ahead if path.suffix == ".js" for target in _imports(path)}
        ahead -= reached
    assert {_name(path) for path in [*SCRIPTS, *SHEETS]} == {_name(path) for path in reached}


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS, *TYPES], ids=_name)
def test_a_file_stays_small(path: Path) -> None:
    lines, limit = len(_text(path).splitlines()), TYPES_LIMIT if path in TYPES else FILE_LIMIT
    assert lines <= limit, f"{_name(path)} has {lines} lines; {limit} is the end"


@each_script
def test_a_function_stays_small(path: Path) -> None:
    # A formatted function of a file ends with a brace at the margin, and nothing within it does.
    starts = r"^(?:export )?(?:async )?(?:function|const) (\w+)[^\n]*\{\n"
    functions = re.finditer(starts + r"(.*?)^\}", _text(path), re.MULTILINE | re.DOTALL)
    sizes = {one[1]: one[2].count("\n") + 2 for one in functions}
    wrong = {
        name: lines
        for name, lines in sizes.items()
        if lines > (LAYOUT_LIMIT if name.startswith("build") else FUNCTION_LIMIT)
    }
    assert not wrong, (
        f"{_name(path)}: over {FUNCTION_LIMIT} lines (a layout {LAYOUT_LIMIT}): {wrong}"
    )


# ------------------------------------------------------------------------------------ names


def _names(path: Path) -> set[str]:
    """Every name in a script or sheet: identifiers, and classes and attributes of ours within strings."""
    text = _text(path)
    if path.suffix == ".css":
        code, strings = "", COMMENT.sub("", text)
    else:
        strings = " ".join(one for one in TOKEN.findall(text) if one[:1] in "'`")
        code = TOKEN.sub(" ", text)
    return {*re.findall(r"[A-Za-z_]\w*", code), *re.findall(r"(?:ks|data)-[\w-]+", strings)}


def _words(name: str) -> set[str]:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {part.lower() for part in parts}


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS, *TYPES], ids=_name)
def test_no_name_is_an_old_one(path: Path) -> None:
    names = {*_names(path), path.stem}
    wrong = {
        name: OLD_NAMES[word]
        for name in names
        for word in _words(name)
        if word in OLD_NAMES
    }  # fmt: skip
    assert not wrong, f"{_name(path)}: names that have become others: {wrong}"


# ------------------------------------------------------------------------------------ Gradio's own names


@functools.cache
def _gradio_classes() -> frozenset[str]:
    rules = COMMENT.sub("", _text(GRADIO_STYLES))
    selectors = re.sub(r"\{[^{}]*\}", " ", rules)
    return frozenset(one for one in CLASS.findall(selectors) if not one.startswith("ks-"))


def test_each_of_gradios_names_has_its_reason() -> None:
    reasons = " ".join(COMMENT.findall(_text(GRADIO_STYLES)))
    wanted = {*_gradio_classes(), *re.findall(r"data-testid=([\w-]+)", _text(GRADIO_STYLES))}
    wrong = [one for one in sorted(wanted) if not re.search(rf"[.=]{one}\b", reasons)]
    assert not wrong, f"gradio.css leans on {wrong} and does not say why"


@each_sheet
def test_a_sheet_names_no_class_of_gradios(path: Path) -> None:
    if path == GRADIO_STYLES:
        return
    selectors = re.findall(r"([^{};]+)\{", COMMENT.sub("", _text(path)))
    ours = re.compile(r"ks(-|$)|dark$|gradio-container$")
    named = {one for text in selectors for one in CLASS.findall(text) if not ours.match(one)}
    assert not named, f"{_name(path)}: {sorted(named)} belong into shared/gradio.css"
    assert "data-testid" not in _text(path), (
        f"{_name(path)}: test ids belong into shared/gradio.css"
    )


@each_script
def test_a_script_names_no_part_of_gradios_dom(path: Path) -> None:
    if path == GRADIO_SCRIPT:
        return
    strings = [one for one in TOKEN.findall(_text(path)) if one[:1] in "'`"]
    classes = "|".join(sorted({*_gradio_classes(), "uploading", "error"}))
    gradios = re.compile(rf"data-testid|(?<![\w/}}-])\.(?:{classes})(?![\w-])")
    wrong = [one for one in strings if gradios.search(one)]
    assert not wrong, f"{_name(path)}: {wrong} belong into shared/gradio.js"
