"""README and docs/: commands that exist, links that lead somewhere, a reference that lacks nothing."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

import competitions
import kit
from common.competition import Competition
from common.metrics import NAMES as METRICS
from common.recipe import Recipe
from common.recipe_rules import DECISIONS, LOSSES
from common.recipe_values import with_values
from common.targets import KINDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")
# Competitions that only an example has.
EXAMPLES = ("<competition>", "<slug>", "<name>", "…", "other", "plant_seedlings_classification")
NAMES = {name.name for name in fields(Recipe)}


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "reference/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(reference: ModuleType) -> dict[str, str]:
    """All pages of the site by their path below docs/, the generated ones as the site has them."""
    found = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in PAGES}
    return {**found, **{name: page() for name, page in reference.PAGES.items()}}


def test_the_reference_has_every_verb_with_every_argument(pages: dict[str, str]) -> None:
    text = pages["reference/verbs.md"]
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.M | re.S))
    assert set(sections) == {*kit.VERBS, *kit.GLOBAL_VERBS}
    for verb, section in sections.items():
        missing = flags_of(verb) - set(re.findall(r"--[a-z-]+", section)) - SHARED
        assert not missing, verb
        assert "```\nkit " in section, f"{verb} has no example"


def test_the_reference_has_every_field_with_its_default(pages: dict[str, str]) -> None:
    text = pages["reference/fields.md"]
    for each in fields(Recipe):
        assert f"| `{each.name}` | `{each.default}` |" in text, each.name
        for choice in each.metadata["choices"]:
            assert f"`{choice}`" in text, f"{each.name}={choice}"


def test_the_page_of_targets_names_every_one_with_its_losses_metrics_and_decisions() -> None:
    text = (DOCS / "answers.md").read_text(encoding="utf-8")
    metrics = [name for name in METRICS if not name.startswith("f2_")]  # f1_… stands for any beta
    for name in (*LOSSES, *DECISIONS, *metrics, *(each.__name__ for each in KINDS.values())):
        assert f"`{name}`" in text, name
    for target in KINDS.values():
        row = next(
            line for line in text.splitlines() if line.startswith(f"| `{target.__name__}` |")
        )
        losses = [name for name in re.findall(r"`(\w+)`", row) if name in LOSSES]
        assert losses == [*target.losses], target.__name__


def test_the_page_of_a_competition_names_every_fact() -> None:
    text = (DOCS / "competition.md").read_text(encoding="utf-8")
    for each in fields(Competition):
        assert re.search(rf"`{each.name}[`(]", text), each.name


def test_the_navigation_names_every_page_once(pages: dict[str, str]) -> None:
    named = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(named) == sorted(pages)


def test_every_link_within_the_repository_leads_somewhere(pages: dict[str, str]) -> None:
    texts = {DOCS / name: text for name, text in pages.items()}
    for path in WRITTEN:
        texts.setdefault(path, path.read_text(encoding="utf-8"))
    for path, text in texts.items():
        for link in ("".join(found) for found in LINK.findall(text)):
            if link.startswith(("http://", "https://")):
                continue
            place, _, anchor = link.partition("#")
            target = (path.parent / place).resolve() if place else path
            assert target in texts or target.is_file(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors(texts[target]), f"{path.name}: {link}"


def test_every_module_that_is_named_exists() -> None:
    folders = ("benchmarks", "common", "competitions", "docs", "kernels", "tests")
    modules = [
        f"/{path.relative_to(ROOT)}" for name in folders for path in (ROOT / name).rglob("*.py")
    ]
    modules += [f"/{path.name}" for path in ROOT.glob("*.py")]
    for path in WRITTEN[1:]:  # the README names another project's
        for name in re.findall(r"`([\w/]+\.py)`", path.read_text(encoding="utf-8")):
            assert any(module.endswith(f"/{name}") for module in modules), name


def test_every_picture_is_small_enough_to_clone() -> None:
    for path in (DOCS / "images").iterdir():
        assert path.stat().st_size <= 120_000, path


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_command_that_is_shown_exists(path: Path) -> None:
    for command in commands(path.read_text(encoding="utf-8")):
        program, *words = command
        if program == "make":
            assert re.search(rf"^{re.escape(words[0])}:|^%-", makefile(), re.M), command
            _, dash, verb = words[0].partition("-")
            own = re.search(rf"^{re.escape(words[0])}:", makefile(), re.M)
            assert not dash or own or verb in {*kit.VERBS, "<verb>"}, command
        elif words and words[0] in kit.GLOBAL_VERBS:
            check_words(words[0], words[1:], command)
        elif len(words) > 1 and not words[0].startswith("-"):
            assert words[0] in (*competitions.names(), *EXAMPLES), command
            if words[1] not in ("<verb>", "…"):
                assert words[1] in kit.VERBS, command
                check_recipe(words, command)
                check_words(words[1], words[2:], command)


SHARED = {"--help", "--json", "--data", "--runs"}


def check_words(verb: str, words: list[str], command: list[str]) -> None:
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in flags_of(verb) | SHARED, command
        for part in word.split(",") if verb == "compare" else [word]:
            if found := re.match(r"([a-z_]+)=", part):
                assert found[1] in NAMES, command


def check_recipe(words: list[str], command: list[str]) -> None:
    """The recipe is one of the competition's, and takes the fields that stand behind it."""
    if words[0] not in competitions.names() or words[1] == "compare":
        return
    recipes = competitions.load(words[0]).recipes
    name = words[words.index("--recipe") + 1] if "--recipe" in words else next(iter(recipes))
    assert name in recipes, command
    with_values(recipes[name], [word for word in words if re.match(r"[a-z_]+=", word)])


def flags_of(verb: str) -> set[str]:
    """The long flags of a verb, as its --help prints them."""
    import contextlib
    import io

    words = [verb] if verb in kit.GLOBAL_VERBS else ["digits", verb]
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        kit.main([*words, "--help"])
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown.getvalue()))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each `kit …` and `make …` in a code block or between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    for line in lines:
        for part in re.split(r"&&| or ", line.partition(" #")[0]):
            with_program = re.match(r"\s*(kit|make) (?=[\w<…-])", part)
            if with_program and "." not in part.split()[1]:
                yield shlex.split(part)


def anchors(text: str) -> set[str]:
    """The ids that Markdown gives to a page's headings."""
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }


def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")
