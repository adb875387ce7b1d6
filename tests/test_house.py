"""The house: which way imports go, how large a room may be, and what has no place in it.

CONTRIBUTING.md says why. The tables below are the rules; a new package needs a row in ALLOWED.
test_house_page.py holds the same for the page's scripts.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib.metadata
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.old_names import OLD_NAMES, STILL_NAMED

ROOT = Path(__file__).resolve().parent.parent
OURS = ("app", "ui", "kling_pipeline", "tests")

# Which packages a package may import besides itself. A row's order is the floors from the ground up.
BASE = "kling_pipeline.base"  # errors, settings and redaction: the root's ground floor
ALLOWED: dict[str, set[str]] = {
    BASE: set(),
    "kling_pipeline.catalog": {BASE},
    "kling_pipeline.media": {BASE, "kling_pipeline.catalog"},
    "kling_pipeline.lint": {BASE, "kling_pipeline.catalog"},
    "kling_pipeline.kling": {BASE, "kling_pipeline.catalog", "kling_pipeline.media"},
    "kling_pipeline.storage": {BASE},
    "kling_pipeline.jobs": {
        BASE,
        *(f"kling_pipeline.{one}" for one in ("catalog", "media", "lint", "kling", "storage")),
    },
    # Pipeline is the engine's door; worker, doctor, runtime and the command line use all of it.
    "kling_pipeline": {
        BASE,
        *(
            f"kling_pipeline.{one}"
            for one in ("catalog", "media", "lint", "kling", "storage", "jobs")
        ),
    },
    # The simulator's rules are written a second time from the vendor's documents; sharing a line
    # with the engine would let one wrong reading stand on both sides unnoticed.
    "kling_pipeline.simulator": {"kling_pipeline.drawing"},
    "kling_pipeline.drawing": set(),
    "ui.words": set(),
    "ui.http": {BASE, "kling_pipeline", "kling_pipeline.storage"},
    "ui.middleware": {BASE, "kling_pipeline", "ui.http"},
    "ui.api": {BASE, "kling_pipeline", "kling_pipeline.catalog", "ui.http"},
    "ui.form": {BASE, "kling_pipeline", "kling_pipeline.catalog", "ui.http", "ui.words"},
    # The page and its server; they use all of ui.
    "ui": {
        *(BASE, "kling_pipeline", "kling_pipeline.catalog"),
        *(f"ui.{one}" for one in ("words", "http", "middleware", "api", "form")),
    },
    "app": {
        BASE,
        "ui",
        "ui.api",
        "ui.middleware",
        "kling_pipeline",
        "kling_pipeline.media",
        "kling_pipeline.jobs",
    },
}
GROUND = {"errors", "settings", "env_file", "redaction"}
DOOR = {"kling_pipeline.pipeline"}  # all of the root's upper floor that the page may know

OWNERS = {  # the only places that know a library, so that it can be replaced in one of them
    "huey": ("kling_pipeline/worker.py",),
    "httpx": ("kling_pipeline/kling/", "kling_pipeline/simulator/"),
    "httpcore": ("kling_pipeline/kling/transport.py",),
    "socksio": ("kling_pipeline/kling/transport.py",),
    "jwt": ("kling_pipeline/kling/auth.py", "kling_pipeline/simulator/"),
    "sqlite3": ("kling_pipeline/storage/", "kling_pipeline/simulator/"),
    "sqlite_utils": ("kling_pipeline/storage/",),
    "PIL": ("kling_pipeline/media/", "kling_pipeline/drawing/", "kling_pipeline/simulator/"),
    "av": ("kling_pipeline/media/", "kling_pipeline/drawing/", "kling_pipeline/simulator/"),
    "gradio": ("ui/", "app.py"),
}

FILE_BUDGET, FILE_LIMIT = 250, 400
FUNCTION_LIMIT, LAYOUT_LIMIT = 40, 80
PUBLIC_NAMES = 7
# Many small words are what they are for.
A_VOCABULARY = {"kling_pipeline/catalog/declaration.py", "kling_pipeline/errors.py"}
NO_ROOM = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}

# Written so that none of them finds itself.
WORKPLACE = re.compile(
    r"(?<![\w.])/(?:work|root|home)/\w|py[p]i\.org|python[h]osted|npm[j]s\.(?:org|com)"
)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = sorted(
    [*ROOT.glob("app.py"), *ROOT.glob("kling_pipeline/**/*.py"), *ROOT.glob("ui/**/*.py")]
)
TESTS = sorted(ROOT.glob("tests/**/*.py"))
each_source = pytest.mark.parametrize("path", SOURCES, ids=_name)
each_file = pytest.mark.parametrize("path", SOURCES + TESTS, ids=_name)


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in SOURCES}


def _package(module: str) -> str:
    """The row of ALLOWED that a module belongs to."""
    parts = module.split(".")
    if parts[0] == "kling_pipeline" and len(parts) == 2 and parts[1] in GROUND:
        return BASE
    folder = len(parts) > 1 and ROOT.joinpath(*parts[:2]).is_dir()
    return ".".join(parts[:2]) if folder else parts[0]


def _runs(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below this one, but for what only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from _runs(other)
        else:
            yield child
            yield from _runs(child)


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Dotted names of all modules that a file imports when it runs, relative ones resolved."""
    package = _module(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in _runs(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, node.module] if node.module else above)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in MODULES else base)
    return frozenset(found)


def _ours(path: Path) -> set[str]:
    return {module for module in _imports(path) if module.split(".")[0] in OURS}


@each_source
def test_imports_go_one_way(path: Path) -> None:
    package = _package(_module(path))
    assert package in ALLOWED, f"{_name(path)} is in a package without a row in ALLOWED"
    allowed = ALLOWED[package] | {package}
    wrong = sorted(module for module in _ours(path) if _package(module) not in allowed)
    assert not wrong, f"{_name(path)} may import {sorted(allowed)}, but imports {wrong}"


@each_source
def test_the_page_knows_the_door_only(path: Path) -> None:
    if _module(path).split(".")[0] == "ui":
        upper = {module for module in _ours(path) if _package(module) == "kling_pipeline"}
        assert upper <= DOOR, f"{_name(path)} goes past the pipeline: {sorted(upper - DOOR)}"


@each_source
def test_a_library_is_known_in_its_own_place_only(path: Path) -> None:
    libraries = {module.split(".")[0] for module in _imports(path)} & OWNERS.keys()
    wrong = sorted(name for name in libraries if not _name(path).startswith(OWNERS[name]))
    assert not wrong, f"{_name(path)} imports {wrong}, which belong to {[OWNERS[w] for w in wrong]}"


def test_no_import_cycles() -> None:
    graph = {module: _ours(path) - {module} for module, path in MODULES.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail("a cycle of imports: " + " → ".join(error.args[1]))


def _node(module: str) -> str:
    """A module, or the package inside a package that it stands in."""
    parts = module.split(".")
    depth = 3 if parts[0] == "kling_pipeline" else 2
    inside = ".".join(parts[:depth])
    return inside if len(parts) > depth else module


def test_no_cycles_between_packages_inside_a_package() -> None:
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        graph.setdefault(_node(module), set()).update(map(_node, _ours(path)))
    try:
        graphlib.TopologicalSorter({n: on - {n} for n, on in graph.items()}).prepare()
    except graphlib.CycleError as error:
        pytest.fail("a cycle of packages: " + " → ".join(error.args[1]))


@each_file
def test_a_file_stays_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LIMIT, f"{_name(path)} has {lines} lines; {FILE_LIMIT} is the end"


def test_files_over_their_budget_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    over = [f"{name} ({lines})" for name, lines in sizes.items() if lines > FILE_BUDGET]
    if over:
        with capsys.disabled():
            print(f"\nOver the budget of {FILE_BUDGET} lines: {', '.join(over)}")


@each_source
def test_a_function_stays_small(path: Path) -> None:
    wrong = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            layout = _name(path).startswith("ui/") and node.name.startswith("build")
            if lines > (LAYOUT_LIMIT if layout else FUNCTION_LIMIT):
                wrong.append(f"{node.name} ({lines} lines, line {node.lineno})")
    assert not wrong, (
        f"{_name(path)}: over {FUNCTION_LIMIT} lines (a layout {LAYOUT_LIMIT}): {wrong}"
    )


def _public_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assigned = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            if "__all__" in assigned and node.value:
                return set(ast.literal_eval(node.value))
            names |= assigned
    return {name for name in names if not name.startswith("_")}


@each_source
def test_a_file_has_few_public_names(path: Path) -> None:
    names = sorted(_public_names(_tree(path)))
    allowed = _name(path) in A_VOCABULARY or len(names) <= PUBLIC_NAMES
    assert allowed, (
        f"{_name(path)} has {len(names)} public names, {PUBLIC_NAMES} are enough: {names}"
    )


@each_source
def test_a_module_is_named_after_what_it_holds(path: Path) -> None:
    assert path.stem not in NO_ROOM, f"{_name(path)}: a name that says nothing"


def _words(name: str) -> str:
    """The words of a snake_case or CamelCase name as `_one_two_`."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return f"_{'_'.join(parts).lower()}_"


def _names(path: Path) -> Iterator[tuple[int, str]]:
    """All names that a file gives: of itself, classes, functions, attributes, arguments, variables."""
    yield 1, path.parent.name if path.name == "__init__.py" else path.stem
    for node in ast.walk(_tree(path)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


@each_file
def test_no_name_is_an_old_one(path: Path) -> None:
    rows = [OLD_NAMES[folder] for folder in OLD_NAMES if _name(path).startswith(folder)]
    old = {word: new for row in rows for word, new in row.items()}
    still = STILL_NAMED[""] | STILL_NAMED.get(_name(path), set())
    wrong = sorted(
        {
            f"line {line}: {name} ({word} is now {old[word]})"
            for line, name in _names(path)
            for word in old
            if f"_{word}_" in _words(name) and name not in still
        }
    )
    assert not wrong, f"{_name(path)}: old names: {wrong}"


def _strings(node: ast.AST) -> set[str]:
    constants = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


@each_source
def test_no_capability_is_a_special_case(path: Path) -> None:
    outside = ("catalog/capabilities", "simulator", "drawing")
    if _name(path).startswith(tuple(f"kling_pipeline/{name}/" for name in outside)):
        return
    capabilities = {p.stem for p in ROOT.glob("kling_pipeline/catalog/capabilities/[!_]*.py")}
    an_id = re.compile(r"\bcap(ability)?(\.id|_id)\b|\bcap(ability)?$")
    wrong = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Compare):
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            named = any(an_id.search(side) for side in sides)
            if _strings(node) & capabilities or (named and _strings(node)):
                wrong.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.MatchValue) and _strings(node) & capabilities:
            wrong.append(f"line {node.lineno}: case {ast.unparse(node)}")
    assert not wrong, (
        f"{_name(path)}: a word missing in the vocabulary of catalog/declaration.py: {wrong}"
    )


@each_source
def test_nothing_evaluates_data(path: Path) -> None:
    unsafe = re.compile(
        r"(pickle|marshal|shelve)\.\w+|yaml\.(load|unsafe_load|full_load)|eval|exec"
    )
    calls = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    wrong = [f"line {c.lineno}: {n}" for c in calls if unsafe.fullmatch(n := ast.unparse(c.func))]
    assert not wrong, f"{_name(path)} would run what it reads: {wrong}"


def _committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths or SOURCES + TESTS if path.is_file()]


@pytest.mark.parametrize("path", _committed(), ids=_name)
def test_nothing_names_the_place_it_was_made(path: Path) -> None:
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    wrong = [
        f"line {n}: {m[0]}" for n, line in enumerate(lines, 1) if (m := WORKPLACE.search(line))
    ]
    assert not wrong, f"{_name(path)}: a path or host that only one machine has: {wrong}"


def _direct_requirements() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"([\w-]+)(?:\[.+\])?==(\S+)", line) for line in lines if line[:1] != "#")
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("name", _direct_requirements())
def test_what_is_required_is_imported(name: str) -> None:
    wanted = {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if re.sub(r"[-_.]+", "-", name) in {re.sub(r"[-_.]+", "-", o).lower() for o in owners}
    }
    imported = {module.split(".")[0] for path in SOURCES for module in _imports(path)}
    assert wanted & imported, f"{name} is required and imported nowhere"


def test_every_requirement_is_pinned() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            assert re.match(r"#|-r |$|[\w-]+(\[[\w,]+\])?==[\w.]+$", line), f"{file}: {line}"


def test_the_space_runs_the_pinned_gradio() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (
        f"\nsdk_version: {_direct_requirements()['gradio']}\n" in readme.split("\n---\n")[0] + "\n"
    )
