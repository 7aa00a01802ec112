"""The run that is taken where none is named."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from common.runs import Run
from common.verbs import predict, validate
from common.workflow.find_run import find_run


def test_without_a_run_named_the_latest_made_from_these_data_is_taken(
    toy: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    these = Path(validate.run(toy(epochs=1))["run"])
    other = these.with_name("digits-quick-00000000")
    shutil.copytree(these, other)
    Run(other).note(place=str(tmp_path / "other"), data="of others")
    (other / ".used").touch()
    assert find_run(toy()).folder == other  # its data are gone: they may be these, moved
    for name in ("other", "third"):
        (tmp_path / name).mkdir()
    assert find_run(toy()).folder == these
    Run(these).note(place=str(tmp_path / "third"))
    assert find_run(toy()).folder == other
    assert f"{other} is the latest, made from {tmp_path / 'other'}" in capsys.readouterr().err
    ways = rf"\(--data {tmp_path / 'other'}\).*--run RUN.*`kit digits run"
    with pytest.raises(ValueError, match=ways):
        predict.run(toy())
