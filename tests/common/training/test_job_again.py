"""`job` where its file is there already: kept, given test predictions, or refused as another job's."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from toy_jobs import trained

from common.errors import KitError
from common.training.parallel.job_file import read_facts
from common.workflow.jobs.alone import train_job_file


@pytest.mark.slow
def test_a_job_that_is_there_is_not_trained_again_and_another_is_not_overwritten(
    toy: Any, tmp_path: Path, capfd: Any, monkeypatch: Any
) -> None:
    file = tmp_path / "fold0.zip"
    for _ in range(2):
        trained(toy(folds=2, epochs=1), "fold0", file)
    assert "fold0 is trained; delete the file" in capfd.readouterr().err
    with pytest.raises(KitError, match=r"holds another job \(its job differs\): name another file"):
        trained(toy(folds=2, epochs=1), "fold1", file)
    before = read_facts(file)
    monkeypatch.setattr("common.environment.environment", lambda: {"versions": {"torch": "0"}})
    train_job_file(toy(folds=2, epochs=1), "fold0", file, test=True)
    after = read_facts(file)
    for name in ("environment", "device", "seconds"):  # of its training, which was elsewhere
        assert after[name] == before[name]
    assert (before["test"], after["test"] is None) == (None, False)
    assert after["digests"].items() > before["digests"].items()  # the same weights, log and probs
    with pytest.raises(KitError, match=r"holds another job \(its recipe differs\)"):
        trained(toy(folds=2, epochs=1, lr=0.01), "fold0", file)


@pytest.mark.slow
def test_a_job_that_began_from_a_file_of_weights_is_another_once_that_file_has_changed(
    toy: Any, tmp_path: Path
) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "fold0.zip"
    trained(toy(folds=1, epochs=1), "fold0", out)
    with zipfile.ZipFile(out) as file:
        start.write_bytes(file.read("weights.safetensors"))
    out.unlink()
    request = toy(folds=1, epochs=1, weights=str(start))
    trained(request, "fold0", out)
    with zipfile.ZipFile(out) as file:
        start.write_bytes(file.read("weights.safetensors"))
    with pytest.raises(KitError, match=r"holds another job \(its files differs\)"):
        trained(request, "fold0", out)
