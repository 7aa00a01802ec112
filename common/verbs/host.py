"""Serve a local Kaggle on 127.0.0.1 until Ctrl-C: for scripts, the official client, other tools.

It serves embedded competitions and rehearsals (`kit <competition> rehearse` makes one), and prints
the environment variables that point the client at it. --fault injects failures, --terms changes a
competition's limits and rules. --code serves code competitions: a small visible test set, and a
kernel that is submitted is run again on the hidden one (--terms rerun_s=600 --terms rerun_mb=16000).

Example: kit host digits --fault "DownloadDataFiles status=503 times=2" --terms daily_limit=1
"""

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.kaggle.server.host import METHODS, Fault, Host
from common.kaggle.server.hosted import Hosted
from common.progress import say
from common.runs import locked_run
from common.workflow.options import flag
from common.workflow.request import Catalogue
from common.workflow.submitting.host_options import (
    exports,
    hosted_by,
    parse_fault,
    types_of,
    values_of,
)


@dataclass(frozen=True)
class Options:
    """The options of `host`."""

    named: tuple[str, ...] = flag(
        "a competition, or a rehearsal's folder; default: all whose data are on this machine",
        (),
        metavar="COMPETITION",
        positional=True,
    )
    runs: Path = flag("where runs are kept", Path("runs"))
    code: bool = flag(
        "as code competitions: a submitted kernel is re-run on a hidden test set", False
    )
    fault: tuple[str, ...] = flag(
        f"make the next call of a method fail: {', '.join(METHODS)}; with "
        f"{', '.join(types_of(Fault))} (default times=1; method alone: the answer is lost)",
        (),
        metavar="'METHOD NAME=VALUE …'",
    )
    terms: tuple[str, ...] = flag(
        f"set for all competitions served: {', '.join(types_of(Hosted))} (deadline: seconds since 1970)",
        (),
        metavar="NAME=VALUE",
    )


def run(
    options: Options, catalogue: Catalogue, *, until: threading.Event | None = None
) -> dict[str, Any]:
    """Serve until Ctrl-C, or until the event `until` is set."""
    runs = options.runs
    folder = runs / "host"
    faults = [parse_fault(text) for text in options.fault]
    terms = values_of(Hosted, options.terms)
    until = until or threading.Event()
    with locked_run(folder):
        served = hosted_by(options.named, catalogue, runs, code=options.code)
        hosted = [replace(each, **terms) for each in served]
        with Host(hosted, folder=folder, run_kernel=catalogue.run_kernel) as host:
            host.faults.add(*faults)
            for line in exports(host.environment):
                print(line, flush=True)
            say()
            for each in hosted:
                say(f"{each.slug}: {each.files}{_rerun(each)}")
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


def _rerun(hosted: Hosted) -> str:
    """How a submitted kernel is run again; "" where it is not."""
    if hosted.hidden is None:
        return ""
    return (
        f"; a submitted kernel is re-run on {hosted.hidden} (limits {hosted.rerun_s:,.0f} s, "
        f"{hosted.rerun_mb:,} MB, and {hosted.daily_limit:,} a day)"
    )
