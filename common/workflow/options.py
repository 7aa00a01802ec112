"""Command-line flags: a verb's own as a typed `Options`, and those that verbs share.

A verb's module declares `Options`, a frozen dataclass of `flag` fields, and lists in `SHARED` the
functions below whose flags fill its `Request`.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import Field, field, fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from common.errors import KitError
from common.workflow.request import FIELD

T = TypeVar("T")
Shared = Callable[[ArgumentParser], None]


def flag(
    help: str,
    default: Any = None,
    *,
    name: str = "",
    metavar: str | None = None,
    choices: Sequence[str] | None = None,
    positional: bool = False,
    several: bool = False,
) -> Any:
    """A field of a verb's `Options`: `--dry-run` for `dry_run`, or a word without a flag.

    The field's type says how it is read: bool takes no value, a tuple several, the rest one. A tuple's
    flag is given several times; with `several` it also takes several values at once.
    """
    facts = {"help": help, "metavar": metavar, "choices": choices, "positional": positional}
    facts["several"] = several
    return field(default=default, metadata=facts | {"flag": name})


def add_options(parser: ArgumentParser, options: type) -> None:
    """Add a flag to the parser for each field of a verb's `Options`."""
    kinds = get_type_hints(options)
    for each in fields(options):
        _add(parser, each, kinds[each.name])


def own(options: type[T], given: dict[str, Any]) -> T:
    """Parsed arguments `given` to a verb's `Options`; they are removed from `given`."""
    values = {each.name: given.pop(each.name) for each in fields(options)}  # type: ignore[arg-type]
    return options(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _add(parser: ArgumentParser, each: Field[Any], kind: Any) -> None:
    facts = each.metadata
    words: dict[str, Any] = {"help": facts["help"], "default": each.default}
    if kind is bool:
        parser.add_argument(_flag(each), dest=each.name, action="store_true", **words)
        return
    many = get_origin(kind) is tuple
    words["type"] = next((one for one in get_args(kind) if one is not NoneType), kind)
    words |= {name: facts[name] for name in ("metavar", "choices") if facts[name]}
    if facts["positional"]:
        count = {} if not many else {"nargs": "*" if each.default == () else "+"}
        parser.add_argument(each.name, **words | count)
    else:
        more = {"action": "append", "default": []} if many else {}
        if facts["several"]:
            more |= {"action": "extend", "nargs": "+"}
        parser.add_argument(_flag(each), dest=each.name, **words | more)


def _flag(each: Field[Any]) -> str:
    return each.metadata["flag"] or f"--{each.name.replace('_', '-')}"


def path_flags(parser: ArgumentParser) -> None:
    """Add --data and --runs, for every verb of a competition."""
    parser.add_argument("--data", type=Path, help="folder of the competition's files or archives")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs")


def field_flags(parser: ArgumentParser, first: str = "") -> None:
    """Add --recipe and the `field=value` words that change it."""
    parser.add_argument(
        "fields",
        nargs="*",
        metavar="field=value",
        help=f"{first}recipe fields, such as epochs=2 lr=3e-4; `kit doctor --fields` lists them all",
    )
    recipe(parser)


def file_or_field_flags(parser: ArgumentParser) -> None:
    """Add --recipe, and `field=value` words or a file: `file_among` separates them."""
    field_flags(parser, "a submission file from elsewhere, or a run; or ")
    parser.set_defaults(takes_file=True)


def job_flags(parser: ArgumentParser) -> None:
    """Add --recipe, and a model's name among the `field=value` words: `file_among` separates them."""
    field_flags(parser, "the model to train: fold0, fold0-seed1, refit; and ")
    parser.set_defaults(takes_file=True)


def file_among(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Words to the one that names a file, if any, and the `field=value` words.

    Raises:
        KitError: several words name files.
    """
    files = [word for word in words if not FIELD.match(word) or Path(word).is_file()]
    if len(files) > 1:
        raise KitError(f"one is taken at a time, and not {', '.join(files)}")
    return (Path(files[0]) if files else None), [word for word in words if word not in files]


def recipe(parser: ArgumentParser) -> None:
    """Add --recipe."""
    parser.add_argument("--recipe", help="a named recipe; default: the competition's first")


def run(parser: ArgumentParser) -> None:
    """Add --run."""
    parser.add_argument("--run", type=Path, help="a run folder; default: the latest that fits")


def fresh_flags(parser: ArgumentParser) -> None:
    """Add --fresh and --accept-code, for verbs that may start a run."""
    parser.add_argument("--fresh", action="store_true", help="delete the run and start over")
    accept_code_flag(parser)


def accept_code_flag(parser: ArgumentParser) -> None:
    """Add --accept-code, for verbs that may resume a run."""
    parser.add_argument(
        "--accept-code", action="store_true", help="resume a run that was started with other code"
    )
