"""A run's submission.csv that somebody has changed since."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.verbs import blend, predict, run, submit
from common.workflow.request import Request


def remedy(request: Request, changed: Path) -> list[str]:
    """The words of the command that a refusal names, after the verb's."""
    with pytest.raises(ValueError, match="was changed since the run wrote it") as refused:
        submit.run(replace(request, words=(), run=changed.parent), submit.Options())
    found = re.search(r"`kit \S+ (.+?)` writes the run's own", str(refused.value))
    assert found is not None
    return shlex.split(found[1])


@pytest.mark.parametrize("views", ["identity", "mirror"])
def test_a_submission_changed_by_hand_is_not_sent_with_the_score_of_its_run(
    toy: Any, views: str
) -> None:
    path = Path(run.run(toy())["submission"])
    predict.run(replace(toy(), words=(f"views={views}",), run=path.parent))
    written = path.read_bytes()
    path.write_bytes(written.replace(b",0\n", b",1\n"))
    words = remedy(toy(), path)
    fields = tuple(word for word in words if word.startswith("views="))
    assert words[:3] == ["predict", "--run", str(path.parent)]
    predict.run(replace(toy(), words=fields, run=path.parent))
    assert path.read_bytes() == written


def test_a_changed_submission_of_a_blend_is_blended_again(toy: Any) -> None:
    members = tuple(Path(run.run(toy(seed=seed))["run"]) for seed in (0, 1))
    made = Path(blend.run(toy(), blend.Options(members))["run"])
    path = made / "submission.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    assert remedy(toy(), path)[:3] == ["blend", *map(str, members)]
