"""The reference of verbs and recipe fields, generated from the code whenever the site is built.

MkDocs calls `on_page_markdown` (see `hooks` in mkdocs.yml), which replaces the pages beside this file.
"""

import importlib.util
import inspect
import sys
from argparse import Action, ArgumentParser
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import kit
from common.recipe import Recipe
from common.recipe_rules import FORMS, VIEWS
from common.typed_fields import STAGES, Forms
from common.workflow import options

SHARED_WORDS = """Every verb takes `--json`: the result as one JSON object on the last line of stdout;
messages and progress bars go to stderr. The verbs of a competition also take `--data DIR` (its files or
archives; default `data/<slug>`) and `--runs DIR` (where runs are kept; default `runs`). The exit code is 0
only when the verb did what it is named for. `kit <competition> <verb> --help` prints what is below."""

FIELD_WORDS = """A recipe is a frozen value with these fields. Type any of them after a verb, as in
`kit cifar10 run epochs=12 lr=0.3`; an unknown name or an impossible value stops before anything starts and
names the nearest. `kit doctor --fields` prints the same list."""

STAGE_WORDS = {
    "split": "How the rows are divided. They enter the run's name: another value is another run.",
    "train": "What is trained, and how. They enter the run's name as well.",
    "predict": "How trained models predict. Changing them never trains again, except `final=refit`.",
    "runtime": "Where and how fast it runs. Recorded in `run.json`, never part of a run's name.",
}


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The text of a page of the site: generated where it is one of the reference (an MkDocs event)."""
    generator = PAGES.get(page.file.src_uri)
    return generator() if generator else markdown


def verbs_page() -> str:
    """A section a verb: its help, its example, a table of its own arguments."""
    lines = ["# Every verb", "", SHARED_WORDS, "", "## Verbs of a competition", ""]
    for verb in kit.VERBS:
        lines += _verb(verb, f"kit <competition> {verb}")
    lines += ["## Verbs without a competition", ""]
    for verb in kit.GLOBAL_VERBS:
        lines += _verb(verb, f"kit {verb}")
    return "\n".join(lines)


def fields_page() -> str:
    """A table a stage: each field's default, what it takes, its meaning."""
    lines = ["# Every recipe field", "", FIELD_WORDS, ""]
    for stage in STAGES:
        lines += [f"## {stage}", "", STAGE_WORDS[stage], ""]
        rows = [_field(each) for each in fields(Recipe) if each.metadata["stage"] == stage]
        lines += [*_table(("field", "default", "takes", "meaning"), rows), ""]
    return "\n".join(lines)


class _Recorder(ArgumentParser):
    """A parser that keeps the arguments it is given, in order."""

    def __init__(self) -> None:
        self.added: list[Action] = []
        super().__init__(add_help=False)

    def add_argument(self, *names: Any, **words: Any) -> Action:
        action = super().add_argument(*names, **words)
        self.added.append(action)
        return action


def _verb(verb: str, command: str) -> list[str]:
    module = _module(verb)
    help_text, _, example = (inspect.getdoc(module) or "").partition("\nExample:")
    recorder = _Recorder()
    for add in getattr(module, "SHARED", ()):
        add(recorder)
    if hasattr(module, "Options"):
        options.add_options(recorder, module.Options)
    usage = " ".join([command, *(_usage(each) for each in recorder.added if _positional(each))])
    lines = [f"### {verb}", "", f"`{usage}`", "", _escaped(help_text.strip()), ""]
    if example.strip():
        lines += ["```", " ".join(example.split()).replace(", or kit ", "\nkit "), "```", ""]
    rows = [(f"`{_usage(each)}`", _escaped(_meaning(each))) for each in recorder.added]
    return [*lines, *_table(("argument", "meaning"), rows), ""] if rows else lines


def _module(verb: str) -> Any:
    """A verb's module, in the first of the packages that has it."""
    name = verb.replace("-", "_")
    for room in kit.VERB_PACKAGES:
        if importlib.util.find_spec(f"{room}.{name}"):
            return importlib.import_module(f"{room}.{name}")
    raise LookupError(f"no package has a module of the verb {verb!r}")


def _positional(action: Action) -> bool:
    return not action.option_strings


def _usage(action: Action) -> str:
    """'--seeds SEEDS', '--fresh', 'RUN …': as it is typed."""
    value = str(action.metavar or action.dest.upper())
    if action.choices:
        value = "|".join(map(str, action.choices))
    if _positional(action):
        return f"{action.metavar or action.dest}{' …' if action.nargs in ('*', '+') else ''}"
    return " ".join([*action.option_strings, *([] if action.nargs == 0 else [value])])


def _meaning(action: Action) -> str:
    help_text = action.help or ""
    shown = action.default not in (None, False, "", (), []) and "default" not in help_text
    return f"{help_text} (default: {action.default})" if shown else help_text


def _field(each: Field[Any]) -> tuple[str, str, str, str]:
    assert each.default is not MISSING
    meaning = _escaped(each.metadata["meaning"])
    return f"`{each.name}`", f"`{each.default}`", _escaped(_takes(each)), meaning


def _takes(each: Field[Any]) -> str:
    """The kind and range of a field's values, or all of its choices."""
    if each.metadata["choices"]:
        return ", ".join(f"`{choice}`" for choice in each.metadata["choices"])
    if each.name in FORMS:
        return ", ".join(f"`{form}`" for form in _spelled(FORMS[each.name]))
    if each.name == "views":
        return ", ".join(f"`{view}`" for view in VIEWS) + ", joined by `+`"
    kind, low, high = each.type, each.metadata["low"], each.metadata["high"]
    if low is None:
        return "true or false" if kind is bool else "text"
    word = "int" if kind is int else "float"
    return f"{word}, {low:,} to {high:,}" if high is not None else f"{word}, at least {low:,}"


def _spelled(forms: Forms) -> list[str]:
    """Words with the numbers behind them: 'step:10:0.1', and 'stages:N' where one must be given."""
    return [
        ":".join([word, *("N" if n is None else f"{n:g}" for n in numbers)])
        for word, numbers in forms.items()
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["--"] * len(head), *cells)]


def _escaped(text: str) -> str:
    """Text whose <words> and *stars* Markdown shows as they are; what is in `code` stays."""
    parts = text.split("`")
    parts[::2] = [
        each.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for each in parts[::2]
    ]
    return "`".join(parts)


PAGES = {"reference/verbs.md": verbs_page, "reference/fields.md": fields_page}
