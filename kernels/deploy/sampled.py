"""A request on a few of its images, with its recipe cut short: what a dry run before a push takes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common.data.archives.encoded_images import Encoded
from common.data.folds import sample_rows
from common.data.hidden_split import without_answers
from common.errors import KitError
from common.kaggle.machines import SEVERAL_GPUS
from common.recipe import Recipe
from common.recipe_values import with_values
from common.runs import fingerprint
from common.storage import replacing
from common.workflow.files import open_files
from common.workflow.request import Request

TEST_SHARE = 5  # one image of so many of a sample is its test set
ENOUGH_EPOCHS = 4  # in which every kind of training is done once


def trains_several_at_once(recipe: Recipe, machine: str) -> bool:
    """Are several models trained at once, by Ray, on the GPUs of this machine of Kaggle's?"""
    models = max(1, recipe.folds * recipe.repeats) * recipe.models_per_fold
    gpus = not recipe.processes and recipe.gpus == 1 and machine in SEVERAL_GPUS
    return recipe.ray != "none" and models > 1 and (recipe.processes > 1 or gpus)


def sampled(request: Request, count: int, folder: Path, *, several: bool) -> Request:
    """The request on a miniature of its data, by its recipe cut short; both are kept in `folder`."""
    data = _miniature(request, count, folder)
    words = cut_short(request, several=several)
    return replace(request, data=data, runs=folder, words=words, run=None, fresh=True)


def _miniature(request: Request, count: int, folder: Path) -> Path:
    """Some labelled images as the competition's own files, a fifth of them as its test set."""
    files = open_files(request)
    target = files.target
    rows = sample_rows(target.strata(target.read(files.train)), min(count, len(files.train)), 0)
    table = files.train.iloc[rows].reset_index(drop=True)
    key = fingerprint(request.competition.slug, table["id"].tolist(), target.texts(table))
    data = folder / f"data-{key[:8]}"
    if not data.is_dir():
        hidden = table.index % TEST_SHARE == TEST_SHARE - 1
        shown = without_answers(table, target.columns, hidden)
        with replacing(data) as temporary:
            temporary.mkdir()
            images = Encoded(table["path"].tolist())
            request.competition.lay_out(shown, images, temporary)
    return data


def cut_short(request: Request, *, several: bool) -> tuple[str, ...]:
    """The request's words, with one model and few epochs on the CPU, as few as the recipe allows.

    Args:
        several: two models, and a process for each.
    """
    own = {"folds": "1", "models_per_fold": "1", "repeats": "1", "rows": "0", "device": "cpu"}
    own |= {"precision": "fp32", "processes": "2" if several else "1", "groups": "identical"}
    if not request.recipe.folds:
        own["folds"] = "0"
    if several:
        own |= {"folds": "2"} if request.recipe.folds > 1 else {"models_per_fold": "2"}
    for epochs in range(min(1, request.recipe.epochs), ENOUGH_EPOCHS + 1):
        words = saying(request.words, **own, epochs=str(epochs))
        if _is_possible(request, words):
            return words
    return request.words


def saying(words: Sequence[str], **own: str) -> tuple[str, ...]:
    """Words of a recipe with these fields in place of theirs."""
    kept = [word for word in words if word.partition("=")[0] not in own]
    return (*kept, *(f"{name}={value}" for name, value in own.items()))


def _is_possible(request: Request, words: tuple[str, ...]) -> bool:
    try:
        with_values(request.base_recipe, words)
    except KitError:
        return False
    return True
