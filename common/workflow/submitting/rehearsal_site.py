"""A rehearsal's folder: the labelled rows split into a visible part and a hidden test set."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.folds import groups_of, joined_groups
from common.data.hidden_split import blind_ids, hidden_rows, without_answers
from common.data.pixels.store import open_store
from common.errors import KitError
from common.progress import say
from common.runs import fingerprint
from common.storage import locked, read_json, replacing, write_json
from common.submission import solution_rows
from common.workflow.files import Files
from common.workflow.request import Request

FORMAT = 2
SIDE = 128  # pixels: image side for the duplicate search, for all recipes
FACTS = Path("site") / "rehearsal.json"
SERVED = Path("site") / "files"
SOLUTION = Path("site") / "solution.csv"


def make_rehearsal(request: Request, files: Files, *, share: float, seed: int) -> Path:
    """A share and a seed to the rehearsal's folder, made if it does not exist.

    Near-duplicates stay on one side. The name is a hash of rows, share and seed. `site/files` is
    what is served, in the competition's layout with the original bytes; `site/solution.csv` has the
    hidden labels; `data` and `runs` are the competitor's.
    """
    table, competition = files.train, request.competition
    store = open_store(table, side=SIDE, cache=request.cache)
    groups = groups_of(table, store, "near").tolist()
    if Path(how := request.recipe.groups).is_file():
        groups = joined_groups(groups, groups_of(table, store, how).tolist())
    strata = files.target.strata(files.target.read(table))
    shape = [FORMAT, competition.slug, share, seed, store.digests]
    key = fingerprint(*shape, table["id"].tolist(), files.target.texts(table), groups)[:8]
    folder = request.runs / REHEARSALS / f"{competition.name}-{key}"
    with locked(folder / "site"):
        if not (folder / "site").is_dir():
            hidden = hidden_rows(strata, groups, share, seed)
            with replacing(folder / "site") as temporary:
                _write_site(temporary, competition, files, hidden.tolist(), share=share, seed=seed)
    return folder


def _write_site(
    site: Path,
    competition: Competition,
    files: Files,
    hidden: list[int],
    *,
    share: float,
    seed: int,
) -> None:
    table, target = files.train, files.target
    known, secret = table.drop(index=hidden), table.loc[hidden]
    secret = secret.assign(id=blind_ids(secret["id"].tolist(), target.texts(secret)))
    rows = pd.concat([known, secret], ignore_index=True)
    shown = without_answers(rows, target.columns, np.arange(len(rows)) >= len(known))
    (site / SERVED.name).mkdir(parents=True)
    competition.lay_out(shown, Encoded(rows["path"].tolist()), site / SERVED.name)
    solution = solution_rows(files.form, target, files.sample, secret)
    solution.to_csv(site / SOLUTION.name, index=False, lineterminator="\n")
    write_json(
        site / FACTS.name,
        {
            "competition": competition.name,
            "labelled": len(known),
            "hidden": len(secret),
            "share": share,
            "seed": seed,
        },
    )
    say(
        f"{site.parent}: {len(known):,} labelled and {len(secret):,} hidden images, as "
        f"{competition.title} lays them out"
    )


def rehearsals(runs: Path, competition: str = "*") -> list[Path]:
    """The rehearsals' folders below `runs`, the latest first."""
    found = runs.glob(f"{REHEARSALS}/{competition}-????????/{FACTS}")
    ordered = sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.parents[1] for path in ordered]


def is_rehearsal(folder: Path) -> bool:
    """Is this the folder of a rehearsal?"""
    return (folder / SERVED).parent.is_dir()


def facts_of(folder: Path) -> dict[str, Any]:
    """A rehearsal's folder to its facts: competition, labelled, hidden, share, seed.

    Raises:
        KitError: the folder is not a rehearsal.
    """
    path = folder / FACTS
    if not path.is_file():
        raise KitError(f"{folder} is no rehearsal: `kit <competition> rehearse` makes one")
    return dict(read_json(path))


REHEARSALS = "rehearsals"
