"""A verb's own flags as a typed value, and the flags that many verbs share.

A verb's module declares `Options`, a frozen dataclass whose fields are made by `flag`, and names in
`SHARED` the functions below whose flags fill its `Request`.
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
) -> Any:
    """A field of a verb's `Options`: `--dry-run` for `dry_run`, or a word without a flag.

    The field's type says how it is read: bool takes no value, a tuple several, the rest one.
    """
    facts = {"help": help, "metavar": metavar, "choices": choices, "positional": positional}
    return field(default=default, metadata=facts | {"flag": name})


def add_own(parser: ArgumentParser, options: type) -> None:
    """Add the flags that the fields of a verb's `Options` stand for."""
    kinds = get_type_hints(options)
    for each in fields(options):
        _add(parser, each, kinds[each.name])


def own(options: type[T], given: dict[str, Any]) -> T:
    """A verb's `Options` from parsed words, which are taken out of `given`."""
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
        parser.add_argument(_flag(each), dest=each.name, **words | more)


def _flag(each: Field[Any]) -> str:
    return each.metadata["flag"] or f"--{each.name.replace('_', '-')}"


def places(parser: ArgumentParser) -> None:
    """Where the data and the runs are: for every verb of a competition."""
    parser.add_argument("--data", type=Path, help="the competition's files or archives")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept")


def recipe_fields(parser: ArgumentParser, first: str = "") -> None:
    """Recipe fields, and the named recipe that they change."""
    parser.add_argument(
        "fields",
        nargs="*",
        metavar="field=value",
        help=f"{first}recipe fields, such as epochs=2 lr=3e-4; `kit doctor --fields` lists them all",
    )
    recipe(parser)


def file_or_fields(parser: ArgumentParser) -> None:
    """Recipe fields, or the name of a file in their place: `file_among` tells them apart."""
    recipe_fields(parser, "a submission file from elsewhere, or a run; or ")
    parser.set_defaults(takes_file=True)


def file_among(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The one word that is no `field=value` but a file's name, and the others.

    Raises:
        KitError: there are several.
    """
    files = [word for word in words if not FIELD.match(word) or Path(word).is_file()]
    if len(files) > 1:
        raise KitError(f"one file is sent at a time, and not {', '.join(files)}")
    return (Path(files[0]) if files else None), [word for word in words if word not in files]


def recipe(parser: ArgumentParser) -> None:
    """The named recipe."""
    parser.add_argument("--recipe", help="a named recipe; default: the competition's first")


def run(parser: ArgumentParser) -> None:
    """The run to work on."""
    parser.add_argument("--run", type=Path, help="a run folder; default: the latest that fits")


def begins(parser: ArgumentParser) -> None:
    """What a verb that may begin a run takes."""
    parser.add_argument("--fresh", action="store_true", help="start the run over")
    continues(parser)


def continues(parser: ArgumentParser) -> None:
    """What a verb that may go on with a run takes."""
    parser.add_argument(
        "--accept-code", action="store_true", help="go on with a run begun by other code"
    )
