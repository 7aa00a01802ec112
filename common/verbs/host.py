"""Run the kit's own Kaggle by hand, until Ctrl-C: for scripts, the official client, other tools.

It offers embedded competitions, and rehearsals (`kit <competition> rehearse` carves one). It
listens on 127.0.0.1 alone and prints the variables that lead the client there. Things go wrong at
it when they are asked to, and a competition's terms can be other than open to all.

Example: kit host digits --fault "DownloadDataFiles status=503 times=2" --terms daily_limit=1
"""

import threading
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.kaggle.server.competition import Hosted
from common.kaggle.server.host import METHODS, Fault, Host
from common.progress import say
from common.runs import owned
from common.workflow import options as shared
from common.workflow.submitting.host_words import _types, chosen, exports, fault_of, values_of


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
