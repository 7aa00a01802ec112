"""`decision=temperature`, end to end: nothing is trained again, and both sets of probs change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.inference.temperature import apply_temperature
from common.storage import read_json
from common.verbs import predict, run


def stored(folder: Path, kept: str) -> dict[str, Any]:
    with np.load(next(folder.glob(kept))) as file:
        return dict(file)


@pytest.mark.parametrize("folds", [1, 2])
def test_a_calibrated_run_keeps_its_models_and_says_what_it_did(toy: Any, folds: int) -> None:
    plain = Path(run.run(toy(folds=folds))["run"])
    before = {path: path.stat().st_mtime_ns for path in plain.glob("fold*/weights.safetensors")}
    first = next(plain.glob("predictions/*/oof.npz")).parent
    result = predict.run(toy("decision=temperature", folds=folds))
    assert result["run"] == str(plain)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    (second,) = set(plain.glob("predictions/*")) - {first}
    fit = read_json(second / "scores.json")["decision"]
    assert len(fit["fold_values"]) == 2
    assert fit["plain"] == fit["honest"]  # the likeliest class stays the likeliest
    for name, temperature in (("test-*.npz", fit["values"][0]), ("oof.npz", None)):
        old, new = stored(first, name), stored(second, name)
        assert old["ids"].tolist() == new["ids"].tolist()
        assert (old["probs"].argmax(axis=1) == new["probs"].argmax(axis=1)).all()
        assert not np.allclose(old["probs"], new["probs"], atol=1e-4)
        if temperature:
            assert np.allclose(
                new["probs"], apply_temperature(old["probs"], temperature), atol=1e-6
            )
