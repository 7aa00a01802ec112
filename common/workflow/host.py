"""Run the kit's own Kaggle by hand, until Ctrl-C: for scripts, the official client, other tools.

It offers embedded competitions, and rehearsals (`kit <competition> rehearse` carves one). It
listens on 127.0.0.1 alone and prints the variables that lead the client there. Things go wrong at
it when they are asked to, and a competition's terms can be other than open to all.

Example: kit host digits --fault "DownloadDataFiles status=503 times=2" --terms daily_limit=1
"""

import shlex
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from common.competition import Competition
from common.fields import nearest
from common.kaggle.host import METHODS, Fault, Host
from common.kaggle.hosted import Hosted
from common.progress import say
from common.runs import owned
from common.workflow import flags as shared
from common.workflow.carving import facts_of, rehearsals
from common.workflow.hosting import of_embedded, of_rehearsal

READ: Mapping[str, Callable[[str], Any]] = {
    "bool": {"true": True, "false": False}.__getitem__, "int": int, "float": float, "str": str,
}  # fmt: skip
FIXED = ("method", "slug", "title", "metric")  # what the method or the competition is


def flags(parser: ArgumentParser) -> None:
    """The words it takes."""
    shared.runs(parser)
    parser.add_argument(
        "named", nargs="*", metavar="COMPETITION",
        help="a competition, or a rehearsal's folder; default: all whose data are at hand",
    )  # fmt: skip
    parser.add_argument(
        "--fault", action="append", default=[], metavar="'METHOD NAME=VALUE …'",
        help=f"goes wrong at the next call of a method: {', '.join(METHODS)}; with "
        f"{', '.join(_types(Fault))} (no times: once; method alone: its answer is lost)",
    )  # fmt: skip
    parser.add_argument(
        "--terms", action="append", default=[], metavar="NAME=VALUE",
        help=f"of all that it serves: {', '.join(_types(Hosted))} (deadline: seconds since 1970)",
    )  # fmt: skip


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Serve until Ctrl-C, or until `options["until"]`, an event, is set."""
    runs = Path(options["runs"])
    folder = runs / "host"
    faults = [fault_of(text) for text in options.get("fault", [])]
    terms = values_of(Hosted, options.get("terms", []))
    until = options.get("until") or threading.Event()
    with owned(folder):
        hosted = [
            replace(each, **terms)
            for each in chosen(options["named"], options["competitions"], runs)
        ]
        with Host(hosted, folder=folder, run_kernel=options.get("run_kernel")) as host:
            host.faults.add(*faults)
            for line in exports(host.environment):
                print(line, flush=True)
            say()
            for each in hosted:
                say(f"{each.slug}: {each.files}")
            say(
                f"listening on 127.0.0.1:{host.port} until Ctrl-C; paste these lines into another shell"
            )
            say(
                "(HOME moves in it, so that no credential of yours is used), then call any verb, or"
            )
            say(f"kaggle competitions submissions {hosted[0].slug}")
            try:
                until.wait()
            except KeyboardInterrupt:  # the way out that was offered
                say("stopped")
    return {"hosted": [each.slug for each in hosted]}


def chosen(named: Sequence[str], competitions: Sequence[Competition], runs: Path) -> list[Hosted]:
    """What to serve: the competitions named, rehearsals' folders, or all that are at hand.

    Raises:
        ValueError: a competition without data, a folder that is no rehearsal, one slug twice.
    """
    known = {competition.name: competition for competition in competitions}
    words = list(named) or [
        name for name, each in known.items() if each.embedded or rehearsals(runs, name)
    ]
    hosted = [_hosted(word, known, runs) for word in words]
    slugs = [each.slug for each in hosted]
    if len(set(slugs)) < len(slugs):
        raise ValueError(f"one host serves a competition once: {', '.join(slugs)}")
    if not hosted:
        raise ValueError(
            "nothing is at hand to serve: `kit <competition> rehearse` makes something"
        )
    return hosted


def _hosted(word: str, known: Mapping[str, Competition], runs: Path) -> Hosted:
    if word not in known:
        facts = facts_of(Path(word))
        return of_rehearsal(known[facts["competition"]], Path(word))
    competition, made = known[word], rehearsals(runs, word)
    if competition.embedded:
        return of_embedded(competition, runs / "host" / "embedded" / competition.slug)
    if not made:
        raise ValueError(
            f"the labels of {word}'s test set are not known here: `kit {word} rehearse` hides some "
            "of the training set's instead, and `kit host` serves that"
        )
    return of_rehearsal(competition, made[0])


def exports(environment: Mapping[str, str]) -> list[str]:
    """Lines for a shell; an empty value removes the variable."""
    return [
        f"export {name}={shlex.quote(value)}" if value else f"unset {name}"
        for name, value in environment.items()
    ]


def fault_of(text: str) -> Fault:
    """A fault in words: 'DownloadDataFiles status=503 times=2', 'Score message="no such column"'.

    Raises:
        ValueError: no such method of the host, no such field, or not a value for it.
    """
    method, *words = shlex.split(text) or [""]
    if method not in METHODS:
        raise ValueError(f"--fault {text!r} begins with no method: {nearest(method, METHODS)}")
    return Fault(method=method, **values_of(Fault, words))


def values_of(kind: type, words: Iterable[str]) -> dict[str, Any]:
    """`name=value` words as typed values for fields of a dataclass.

    Raises:
        ValueError: no such field, or not a value for it.
    """
    types = _types(kind)
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in types:
            raise ValueError(f"{word!r} is not name=value: {nearest(name, tuple(types))}")
        try:
            found[name] = READ[types[name]](text)
        except (KeyError, ValueError):
            raise ValueError(f"{word}: {name} is of type {types[name]}") from None
    return found


def _types(kind: type) -> dict[str, str]:
    """The fields that words can set, `int | None` going by its first type."""
    first = {each.name: (get_args(each.type) or (each.type,))[0] for each in fields(kind)}
    named = {name: getattr(each, "__name__", "") for name, each in first.items()}
    return {name: each for name, each in named.items() if each in READ and name not in FIXED}
