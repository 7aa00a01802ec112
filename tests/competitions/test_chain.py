"""Every competition the whole way on a miniature: checked, trained, submitted, scored by its own metric."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_competitions import laid_out, request_of

import competitions
from common import submission
from common.data.table import read_csv
from common.kaggle.server.scoring import scorer
from common.verbs import check, run
from common.workflow.files import read_files
from kernels.verbs import kernel, rehearse

# One a kind; the others walk the same way, and are slow.
KINDS = ("melanoma", "digit_traits", "aptos", "petfinder", "plant_pathology_2020")
ALL = [
    pytest.param(name, marks=[] if name in KINDS else [pytest.mark.slow])
    for name in competitions.names()
    if competitions.load(name).sample
]
CHEAP_WORDS = (
    "backbone=kit_resnet9_16 weights=scratch freeze=none augment=small image_size=0 "
    "store_short_side=0 folds=2 epochs=2 batch_size=8 lr=0.02 optimizer=sgd warmup_ratio=0 "
    "device=cpu views=identity"
)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in competitions.names()]


def prepared(name: str, folder: Path, **fields: Any) -> tuple[Any, pd.DataFrame]:
    competition = competitions.load(name)
    table = laid_out(
        competition, folder / "data", **({"count": 60} if name in ("dog_breed", "leaves") else {})
    )
    return request_of(competition, folder, **fields), table


@pytest.mark.parametrize("name", ALL)
def test_a_miniature_is_trained_predicted_and_scored_as_the_site_would(
    name: str, tmp_path: Path
) -> None:
    request, table = prepared(name, tmp_path)
    result = run.run(request)
    json.dumps(result, allow_nan=False)
    files = read_files(request.competition, tmp_path / "data")
    path = Path(result["submission"])
    rows = read_csv(path)
    assert submission.validate(rows, files.sample, files.form) == []
    known = submission.solution_rows(files.form, files.target, files.sample, table[table["hidden"]])
    scored = scorer(known, files.sample, files.form, request.competition.scored_by)(path)
    assert all(isinstance(each, float) for each in scored)
    assert np.isfinite(result["cv"])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_miniature_is_checked_rehearsed_and_its_kernel_proven(name: str, tmp_path: Path) -> None:
    request, _ = prepared(name, tmp_path)
    assert check.run(request)
    told = rehearse.run(request, rehearse.Options(hidden=0.3))
    json.dumps(told, allow_nan=False)
    assert told["metric"] == request.competition.metric
    assert told["private"] is not None
    # A kernel carries the installed competition: its own recipe, made cheap by words.
    competition = competitions.load(name)
    own = next(iter(competition.recipes))
    real = replace(
        request, competition=competition, recipe_name=own, words=tuple(CHEAP_WORDS.split())
    )
    proof = kernel.run(real, kernel.Options(dry_run=True))
    json.dumps(proof, allow_nan=False)
