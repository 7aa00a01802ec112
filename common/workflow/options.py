"""The flags that several verbs share; a verb adds its own in a function `flags` of its module."""

from argparse import ArgumentParser
from pathlib import Path


def places(parser: ArgumentParser) -> None:
    """Where the data and the runs are: for every verb of a competition."""
    parser.add_argument("--data", type=Path, help="the competition's files or archives")
    runs(parser)


def runs(parser: ArgumentParser) -> None:
    """Where the runs are."""
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept")


def fields(parser: ArgumentParser) -> None:
    """Recipe fields, and the named recipe that they change."""
    parser.add_argument(
        "fields", nargs="*", metavar="field=value",
        help="recipe fields, such as epochs=2 lr=3e-4; `kit doctor --fields` lists them all",
    )  # fmt: skip
    recipe(parser)


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
