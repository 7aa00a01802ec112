"""The command line, and the one place where everything meets.

kit <competition> <verb> field=value …
kit list | doctor | new <slug>
"""

import argparse
import ast
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORKFLOW = Path(__file__).parent / "common" / "workflow"
VERBS = (
    "download", "check", "validate", "predict", "run", "submit", "check-submission", "recipes",
)  # fmt: skip
ALONE = ("list", "doctor", "new")
FIELDS_HELP = "recipe fields, such as epochs=2 lr=3e-4; `kit doctor --fields` lists them all"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say; errors are one sentence on stderr and exit code 1."""
    words = list(sys.argv[1:] if words is None else words)
    # Torch's threads spin while they wait: on a machine with other work that costs up to 20 times
    # the speed. It is read when torch is first imported, so it is set before any verb's module is.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    as_json = "--json" in words
    try:
        result = _call(words)
    except (ValueError, BrokenPipeError) as error:
        print(f"kit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nkit: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    if as_json:
        print(json.dumps(result))
    return 0


def _call(words: list[str]) -> dict[str, Any]:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return {}
    if words[0] in ALONE:
        module = importlib.import_module(f"common.workflow.{words[0]}")
        options = vars(_alone_parser(words[0], module.__doc__ or "").parse_args(words[1:]))
        if words[0] == "list":
            import competitions

            options["competitions"] = [competitions.load(name) for name in competitions.names()]
        if words[0] == "new":
            options["competitions"] = Path(__file__).parent / "competitions"
        result: dict[str, Any] = module.run(options)
        return result
    return _competition_verb(words)


def _competition_verb(words: list[str]) -> dict[str, Any]:
    import competitions

    competition = competitions.load(words[0])
    if len(words) < 2 or words[1] in ("-h", "--help"):
        print(_overview(competition.name))
        return {}
    verb = words[1]
    if verb not in VERBS:
        import difflib

        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(VERBS)}"
        raise ValueError(f"kit {competition.name} has no verb {verb!r}: {hint}")
    module = importlib.import_module(f"common.workflow.{verb.replace('-', '_')}")
    parser = _verb_parser(competition.name, verb, module.__doc__ or "")
    options = vars(parser.parse_intermixed_args(words[2:]))
    from common.workflow.request import Request

    recipe = options.pop("recipe")
    request = Request(
        competition=competition,
        recipe_name=recipe or next(iter(competition.recipes)),
        named_recipe=recipe is not None,
        words=tuple(options.pop("fields", ())),
        **{name: options.pop(name) for name in ("data", "runs", "run")},
        fresh=options.pop("fresh", False),
        options=options,
    )
    assert request.recipe  # a typo is told before anything starts
    result: dict[str, Any] = module.run(request)
    return result


def _verb_parser(competition: str, verb: str, text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"kit {competition} {verb}", description=text, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    if verb == "check-submission":
        parser.add_argument("file", help="the submission file")
    else:
        parser.add_argument("fields", nargs="*", metavar="field=value", help=FIELDS_HELP)
    parser.add_argument("--data", type=Path, help="the competition's files or archives")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are kept")
    parser.add_argument("--run", type=Path, help="a run folder; default: the latest that fits")
    parser.add_argument("--recipe", help="a named recipe; default: the competition's first")
    parser.add_argument("--json", action="store_true", help="the result as JSON on the last line")
    if verb in ("validate", "run"):
        parser.add_argument("--fresh", action="store_true", help="start the run over")
    if verb in ("validate", "run", "predict"):
        parser.add_argument(
            "--accept-code", action="store_true", help="go on with a run begun by other code"
        )
    if verb == "submit":
        parser.add_argument("--message", help="the submission's description")
    return parser


def _alone_parser(verb: str, text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"kit {verb}", description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the result as JSON on the last line")
    if verb == "new":
        parser.add_argument("slug", help="the competition's slug on Kaggle")
    if verb == "doctor":
        parser.add_argument("--fields", action="store_true", help="list every recipe field")
    return parser


def _overview(competition: str = "<competition>") -> str:
    lines = [
        f"kit {competition} <verb> field=value …", "",
        *(_summary(verb) for verb in VERBS), "",
        *(_summary(verb) for verb in ALONE if competition == "<competition>"),
        "every verb has --help with an example; `kit list` names the competitions",
    ]  # fmt: skip
    return "\n".join(lines)


def _summary(verb: str) -> str:
    """A verb's first help line, read without importing it."""
    source = (WORKFLOW / f"{verb.replace('-', '_')}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    return f"  {verb:<17} {text.splitlines()[0]}"


if __name__ == "__main__":
    sys.exit(main())
