"""Create a competition's folder: from its files (--data), or with names of files to fill in.

The slug is the one on Kaggle, or the address of any of the competition's pages. The folder has
the slug in lower case with _ for -; c_ is put before a digit or a Python keyword.

With --data the sample submission, the tables, folders and images are read: what is concluded is
printed with its evidence, and what stays open with the option that answers it. The metric is no
part of the files: --metric names it.

Example: kit new plant-seedlings-classification --data data/plants --metric f1_micro
"""

import keyword
import os
import re
import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from common.data.archives.open_data import open_folder
from common.errors import KitError
from common.kaggle.address import slug_in
from common.progress import say
from common.scaffold.conclusions import Answers, Facts, conclude
from common.scaffold.notes import OpenQuestionError
from common.scaffold.writing.template import Called, facts_source, placeholder, recipes_source
from common.scaffold.writing.trial import check_reads
from common.workflow.options import flag
from common.workflow.request import Catalogue

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


@dataclass(frozen=True)
class Options:
    """The options of `new`."""

    slug: str = flag(
        "the competition's slug on Kaggle, or an address of its pages", positional=True
    )
    data: Path | None = flag("the folder of its files or archives, which are read", metavar="DIR")
    metric: str = flag("its metric, by the kit's name", "")
    name: str = flag("what the folder and the competition are called, if not as the slug is", "")
    sample: str = flag("the sample submission, where several files may be it", "", metavar="FILE")
    train: str = flag("the training table, where several may be it", "", metavar="FILE")
    id: str = flag("the training table's column that names the images", "", metavar="COLUMN")
    target: str = flag("its column of answers", "", metavar="COLUMN")
    group: str = flag("its column of groups that folds never split; 'none'", "", metavar="COLUMN")
    images: str = flag(
        "which images are meant, as 'train-jpg/*', or where their labels are, as "
        "'train/{label}/{id}.jpg'",
        "",
        metavar="PATTERN",
    )
    yes: str = flag("of two labels the one whose probability is asked for", "", metavar="LABEL")
    code: bool = flag("it takes notebooks only", False)


def run(options: Options, catalogue: Catalogue) -> dict[str, Any]:
    """A slug to its competition's folder, written unless the name is taken.

    Raises:
        KitError: no slug was given, the folder exists, or the files leave something open.
    """
    slug = slug_in(options.slug)
    name = name_of(options.name or slug)
    if not NAME.fullmatch(name):
        raise KitError(
            f"--name {options.name} is no name of a folder: letters of a to z, digits and _, as in "
            f"{name_of(slug)}"
        )
    folder = catalogue.folder / name
    taken = {each.lower() for each in catalogue.taken}
    if folder.exists() or {slug.lower(), name} & taken:
        remedy = "edit the one there is" + (
            f", or delete {folder} to have it written anew" if folder.exists() else ""
        )
        raise KitError(f"{folder} would be a second {slug!r}: {remedy}")
    title = slug.replace("-", " ")
    called = Called(name=name, slug=slug, title=title[0].upper() + title[1:], code=options.code)
    facts, result = _found(options, called) if options.data else (placeholder(), {})
    folder.mkdir()
    (folder / "__init__.py").write_text(facts_source(called, facts), encoding="utf-8")
    (folder / "recipes.py").write_text(recipes_source(called), encoding="utf-8")
    say(f"{folder}: facts in __init__.py, recipes in recipes.py")
    if options.data:
        say(f"next: kit {name} check --data {shlex.quote(str(options.data))}")
    else:
        say(f"edit the file names there; next: kit {name} download && kit {name} check")
    return {"name": name, "folder": str(folder), **result}


def _found(options: Options, called: Called) -> tuple[Facts, dict[str, Any]]:
    """What the files tell, said as it is found; an open question carries it along.

    The written source reads the files once before it is written.
    """
    assert options.data
    cache = Path(os.environ.get("KIT_CACHE") or "runs/cache")
    folder = open_folder(options.data, cache, packed=True)
    given = {each.name: getattr(options, each.name) for each in fields(Answers)}
    try:
        facts, result = conclude(folder, Answers(**given))
        try:
            check_reads(called, facts, folder)
        except KitError as error:
            result["unknown"].append(str(error))
            raise OpenQuestionError(str(error), result) from error
    except OpenQuestionError as error:
        error.result["name"] = called.name
        _tell(error.result["evidence"], error.result["unknown"][:-1])
        raise
    if not options.code:
        result["unknown"].append(
            "whether it takes notebooks only, which no file tells (--code if so)"
        )
    _tell(result["evidence"], result["unknown"])
    return facts, result


def _tell(evidence: list[str], unknown: list[str]) -> None:
    for each in evidence:
        say(f"  {each}")
    for each in unknown:
        say(f"  not known: {each}")


def name_of(slug: str) -> str:
    """A slug to its folder's name, a valid Python identifier."""
    name = slug.replace("-", "_").lower()
    return f"c_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
