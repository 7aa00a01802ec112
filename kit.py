"""The command line: words to a verb, its options and a `Request`; errors to one sentence.

kit <competition> <verb> field=value …
kit list | ledger | host | doctor | score | new <slug>
"""

import argparse
import ast
import importlib
import io
import json
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import KitError, sentence_of
from common.progress import listed

if TYPE_CHECKING:
    from common.kaggle.session import Ending, Session
    from common.workflow.request import Catalogue, Request

HERE = Path(__file__).parent
VERBS = (
    "download", "check", "validate", "predict", "run", "submit", "report", "blend", "compare",
    "export", "rehearse", "leaderboard", "check-submission", "recipes", "tune", "kernel",
    "kernel-inputs", "job", "gather",
)  # fmt: skip
GLOBAL_VERBS = ("list", "ledger", "host", "doctor", "score", "new")
LISTS = ("list", "recipes", "leaderboard", "ledger", "doctor")  # verbs that only show something
VERB_PACKAGES = ("common.verbs", "kernels.verbs")  # the packages that hold verbs


def main(words: Sequence[str] | None = None) -> int:
    """The command line's words to an exit code; an error is one sentence on stderr and exit code 1."""
    _make_writable(as_command=words is None)
    words = list(sys.argv[1:] if words is None else words)
    # Torch's threads spin while they wait, by default so long that on a machine with other work
    # training is 5 to 20 times slower. It is read when torch is imported, which no verb has done.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    # On a CPU each large tensor is fresh memory, which Linux hands out in pages of 4 kB: in pages of
    # 2 MB a training step takes up to a sixth less time.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    as_json = "--json" in words
    shows = not as_json and sys.stdout is not None and {*words[:2]} & {*LISTS}
    try:
        with listed() if shows else nullcontext():
            result = _call(words)
    except Exception as error:
        if shows and isinstance(error, BrokenPipeError):  # kit list | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 0
        sentence = sentence_of(error)
        if sentence is None or "KIT_TRACEBACK" in os.environ:
            traceback.print_exc()
        if sentence is None:
            sentence = (
                "this is a bug of the kit and no fault of yours: please report the lines above"
            )
        print(f"kit: {_with_names(sentence, words)}", file=sys.stderr)
        if as_json and hasattr(error, "result"):  # what was found before a question stayed open
            print(json.dumps(error.result))
        return 1
    except KeyboardInterrupt:
        print("\nkit: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    try:
        if as_json:
            print(json.dumps(result))
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more as it exits
        print(f"kit: the result could not be written to stdout ({error.strerror})", file=sys.stderr)
        return 1
    return 0 if sys.stdout is not None or not as_json else 1


def _make_writable(*, as_command: bool) -> None:
    """Make stdout and stderr take every character, whatever the locale.

    In the C locale file names and text files would be decoded as ASCII: the command restarts
    in Python's UTF-8 mode.
    """
    if as_command and sys.getfilesystemencoding() == "ascii":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _with_names(sentence: str, words: list[str]) -> str:
    """An error sentence with `<competition>` filled in, and this call's --data and --runs."""
    if "<competition>" not in sentence or words[0] in GLOBAL_VERBS:
        return sentence
    from common.workflow.options import path_flags
    from common.workflow.request import path_words

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    path_flags(parser)
    given = parser.parse_known_args(words[1:])[0]
    more = "".join(f" {shlex.quote(word)}" for word in path_words(given.data, given.runs))
    whole = re.sub(r"`(kit <competition> [^`]*)`", lambda found: f"`{found[1]}{more}`", sentence)
    return whole.replace("<competition>", shlex.quote(words[0]))


def _call(words: list[str]) -> dict[str, Any]:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return {}
    if words[0] in GLOBAL_VERBS:
        module = importlib.import_module(_module(words[0]))
        given = vars(_parser(words[0], module).parse_args(words[1:]))
        result: dict[str, Any] = module.run(*_own(module, given), _catalogue())
        return result
    return _competition_verb(words)


def _catalogue() -> "Catalogue":
    """The installed competitions, and the function that runs a kernel on this machine."""
    import competitions
    from common.workflow.request import Catalogue

    known = tuple(competitions.load(name) for name in competitions.names())
    return Catalogue(
        competitions=known, load=competitions.load, folder=HERE / "competitions",
        taken=frozenset({*GLOBAL_VERBS, *(c.name for c in known), *(c.slug for c in known)}),
        run_kernel=_run_sealed,
    )  # fmt: skip


def _run_sealed(session: "Session") -> "Ending":
    """Run a kernel in the sandbox, which is imported when the first kernel is pushed."""
    from kernels.sandbox.sealed_run import run_sealed

    return run_sealed(session)


def _competition_verb(words: list[str]) -> dict[str, Any]:
    import competitions

    if len(words) < 2 or words[1] in ("-h", "--help"):
        print(_overview(competitions.load(words[0]).name))
        return {}
    request, own = request_of(words)
    result: dict[str, Any] = importlib.import_module(_module(words[1])).run(request, *own)
    return result


def request_of(words: Sequence[str]) -> tuple["Request", list[Any]]:
    """`<competition> <verb> …` as a checked `Request` and the verb's own options; nothing starts.

    Raises:
        KitError: a word that is no competition, verb, recipe or field; the nearest is named.
    """
    import competitions
    from common.workflow.options import file_among, path_flags
    from common.workflow.request import Request

    competition, verb = competitions.load(words[0]), words[1]
    if verb not in VERBS:
        raise _unknown_verb(competition.name, verb)
    module = importlib.import_module(_module(verb))
    parser = _parser(f"{competition.name} {verb}", module)
    path_flags(parser)
    given = vars(parser.parse_intermixed_args(words[2:]))
    own, recipe = _own(module, given), given.pop("recipe", None)
    fields = given.pop("fields", ())
    file, fields = file_among(fields) if given.pop("takes_file", False) else (None, fields)
    request = Request(
        competition=competition,
        recipe_name=recipe or next(iter(competition.recipes)),
        named_recipe=recipe is not None,
        words=tuple(fields),
        file=file,
        **given,
    )
    assert request.recipe  # a typo is told before anything starts
    return request, own


def _unknown_verb(competition: str, verb: str) -> Exception:
    import difflib

    close = difflib.get_close_matches(verb, VERBS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(VERBS)}"
    return KitError(f"kit {competition} has no verb {verb!r}: {hint}")


def _own(module: Any, given: dict[str, Any]) -> list[Any]:
    """A verb's own `Options`, taken out of the parsed arguments; empty where it has none."""
    from common.workflow import options

    given.pop("json")
    return [options.own(module.Options, given)] if hasattr(module, "Options") else []


def _module(verb: str) -> str:
    """A verb's name to its module's."""
    name = verb.replace("-", "_")
    room = next(
        room for room in VERB_PACKAGES if HERE.joinpath(*room.split("."), f"{name}.py").is_file()
    )
    return f"{room}.{name}"


def _parser(words: str, module: Any) -> argparse.ArgumentParser:
    """A verb's module to its parser: the docstring is the help, `SHARED` and `Options` the flags."""
    parser = argparse.ArgumentParser(
        prog=f"kit {words}", description=module.__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    from common.workflow import options

    parser.add_argument("--json", action="store_true", help="the result as JSON on the last line")
    for add in getattr(module, "SHARED", ()):
        add(parser)
    if hasattr(module, "Options"):
        options.add_options(parser, module.Options)
    return parser


def _overview(competition: str = "<competition>") -> str:
    lines = [
        f"kit {competition} <verb> field=value …", "",
        *(_summary(verb) for verb in VERBS), "",
        *(_summary(verb) for verb in GLOBAL_VERBS if competition == "<competition>"),
        "every verb has --help with an example; `kit list` names the competitions",
    ]  # fmt: skip
    return "\n".join(lines)


def _summary(verb: str) -> str:
    """A verb's first help line, read without importing its module."""
    source = HERE.joinpath(*_module(verb).split(".")).with_suffix(".py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    return f"  {verb:<17} {text.splitlines()[0]}"


if __name__ == "__main__":
    sys.exit(main())
