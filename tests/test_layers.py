"""The house rules of DESIGN: imports go one way, files and functions stay small."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import competitions

ROOT = Path(__file__).parents[1]
ROOMS = ("common", "competitions", "kernels")
VERBS = ("common/verbs", "kernels/verbs")  # one file a verb
CODE = sorted([*(path for room in ROOMS for path in (ROOT / room).rglob("*.py")), ROOT / "kit.py"])

# Rooms of `common` from the ground up; one may import itself and what stands on an earlier line.
LAYERS = (
    (
        "errors",
        "progress",
        "storage",
        "run_files",
        "metrics",
        "targets",
        "typed_fields",
        "recipe_row_rules",
        "recipe_rules",
        "recipe",
        "recipe_values",
        "recipe_note",
        "photo_recipes",
        "competition",
        "randomness",
        "environment",
        "code_digest",
        "runs",
    ),
    ("data",),
    ("models",),
    ("inference",),
    ("training",),
    (
        "submission",
        "score",
        "kaggle",
        "reporting",
        "ledger",
    ),
    ("workflow", "scaffold"),
    ("verbs",),
)
# Three programs that speak by their protocol alone; each may import itself and these modules.
APART = {
    "common.kaggle.client": ("protocol", "credential", "machines"),
    "common.kaggle.child": ("protocol", "credential"),
    "common.kaggle.server": ("protocol", "session"),
}
FILES_IN_A_ROOM = 20
# A third-party package is imported in as few places as it can be.
HOMES = {
    "albumentations": {"common/data/batches/photographs.py"},
    "kaggle": {"common/kaggle/child/main.py", "common/kaggle/child/transfer.py"},
    "kagglesdk": {"common/kaggle/child/rpc.py"},
    "captum": {"common/workflow/report/cam.py"},
    "jinja2": {"common/reporting/html"},
    "matplotlib": {"common/reporting"},
    "timm": {"common/models", "common/inference", "common/training"},
    "ray": {"common/training/parallel"},
    "py7zr": {"common/data/archives/sevenzip.py", "common/data/archives/extract.py"},
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def level_of(room: str) -> int:
    found = [level for level, rooms in enumerate(LAYERS) if room in rooms]
    assert found, f"common.{room} has no layer: add it to LAYERS"
    return found[0]


@pytest.mark.parametrize(
    "path", [p for p in CODE if "common" in p.parts[len(ROOT.parts) :]], ids=module_of
)
def test_imports_inside_common_go_down_only(path: Path) -> None:
    own = room_of(module_of(path))
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in ("competitions", "kernels", "kit"), f"{path} imports {name}"
        if top == "common" and own:
            assert level_of(room_of(name)) <= level_of(own), f"{path} imports {name} from above"


@pytest.mark.parametrize("program", APART)
def test_client_child_and_server_do_not_import_each_other(program: str) -> None:
    allowed = (program, *(f"common.kaggle.{name}" for name in APART[program]))
    for path in CODE:
        if module_of(path).startswith(program):
            for name in imports(path):
                if name.startswith("common.kaggle"):
                    assert name.startswith(allowed), f"{path} imports {name}"


@pytest.mark.parametrize("room", VERBS)
def test_no_verb_imports_another(room: str) -> None:
    for path in (ROOT / room).glob("*.py"):
        for name in imports(path):
            others = [
                other.replace("/", ".")
                for other in VERBS
                if name.startswith(other.replace("/", "."))
            ]
            assert not others, f"{path} imports {name}: what two verbs do stands in workflow"


def test_a_room_holds_few_files() -> None:
    rooms = {path.parent for path in CODE}
    for room in rooms - {ROOT / verbs for verbs in VERBS}:
        assert len(list(room.glob("*.py"))) <= FILES_IN_A_ROOM, f"{room} is full: make a room in it"


def test_competitions_know_common_alone_and_not_each_other() -> None:
    for path in (ROOT / "competitions").glob("*/*.py"):
        for name in imports(path):
            if name.startswith("competitions."):
                assert name.split(".")[1] == path.parent.name, f"{path} imports {name}"
            assert not name.startswith(("kernels", "kit")), f"{path} imports {name}"


def test_kernels_know_common_alone() -> None:
    for path in (ROOT / "kernels").rglob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in ("competitions", "kit"), f"{path} imports {name}"


def test_there_is_no_cycle_among_modules() -> None:
    modules = {module_of(path) for path in CODE}
    graph = {
        module_of(path): {
            found
            for name in imports(path)
            for found in (name, name.rpartition(".")[0])
            if found in modules and found != module_of(path)
        }
        for path in CODE
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_core_and_kernels_name_no_competition() -> None:
    known = [competitions.load(name) for name in competitions.names()]
    there = [each for each in known if each.on_kaggle or each.embedded]
    slugs = {name for each in there for name in (each.slug, each.name)}
    for path in [path for room in ("common", "kernels") for path in (ROOT / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in slugs, f"{path}:{node.lineno} names {node.value}"


@pytest.mark.parametrize("path", CODE, ids=module_of)
def test_a_name_with_an_underscore_is_used_in_its_own_module_alone(path: Path) -> None:
    for name in imports(path):
        own = name.split(".")[0] in (*ROOMS, "kit")
        assert not (own and name.rpartition(".")[2].startswith("_")), f"{path} imports {name}"


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [each for name in extras.keys() - {"dev", "docs"} for each in extras[name]]
    listed = [*project["dependencies"], *named]
    declared = {canonicalize_name(Requirement(each).name) for each in listed}
    declared |= {"kagglesdk"}  # comes with kaggle, and is its wire
    homes = packages_distributions()
    for path in CODE:
        for top in {name.split(".")[0] for name in imports(path)}:
            if top not in sys.stdlib_module_names and top not in (*ROOMS, "kit"):
                found = {canonicalize_name(name) for name in homes.get(top, [top])}
                assert found & declared, (
                    f"{path} imports {top}, which pyproject.toml does not declare"
                )


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_only_where_it_lives(package: str) -> None:
    for path in CODE:
        place = path.relative_to(ROOT).as_posix()
        if any(name.split(".")[0] == package for name in imports(path)):
            assert any(place.startswith(home) for home in HOMES[package]), (
                f"{place} imports {package}"
            )


@pytest.mark.parametrize("path", [*CODE, *sorted(ROOT.glob("tests/**/*.py"))], ids=module_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = 200 if path.name == "loop.py" else 250
    assert len(text.splitlines()) <= limit
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"
            spread = len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs)
            assert spread <= 8, f"{node.name} takes too much"


@pytest.mark.parametrize("path", CODE, ids=module_of)
def test_every_public_name_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"
