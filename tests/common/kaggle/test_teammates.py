"""A submission is sent at most once while teammates submit to the competition at the same moment."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from plain_site import Site, serving

from common.kaggle import client
from common.kaggle.client.competition_status import limits_and_newest


@dataclass
class Shared(Site):
    """A site where a teammate submits right before these of its lists are read (0: the first).

    The first `dropped` calls of CreateSubmission get no answer, and nothing is made.
    """

    busy: Collection[int] = ()
    dropped: int = 0
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, ask: dict[str, Any]) -> dict[str, Any] | None:
        if method == "ListSubmissions" and int(ask.get("page") or 1) == 1:
            if self.asked.count(method) in self.busy:
                ref = 700 + len(self.submitted)
                self.submitted.append({"at": 0.0, "ref": ref, "description": "a teammate's"})
            self.asked.append(method)
        if method == "CreateSubmission" and self.dropped:
            self.dropped -= 1
            self.lost.append(method)
            return None
        return super().answer(method, ask)


def own(site: Site) -> list[int]:
    return [row["ref"] for row in site.submitted if row["description"] != "a teammate's"]


@pytest.mark.usefixtures("here")
def test_a_teammates_submission_between_count_and_list_holds_no_file_back(
    tmp_path: Path, submission: Path
) -> None:
    site = Shared(busy=[0], dropped=1)
    with serving(site, tmp_path / "home") as environment:
        ref = client.submit("petals", submission, "m", environment=environment)
    assert own(site) == [ref] == [701]


@pytest.mark.usefixtures("here")
def test_a_teammates_submission_between_count_and_list_hides_none_of_ours(
    tmp_path: Path, submission: Path
) -> None:
    site = Shared(lost=["CreateSubmission"], late_s=60.0, busy=range(1, 1000))
    with (
        serving(site, tmp_path / "home") as environment,
        pytest.raises(client.UnsureError, match="Kaggle does not tell how many were made"),
    ):
        client.submit("petals", submission, "m", environment=environment)
    assert len(own(site)) == 1


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("read", [limits_and_newest, client.competition_status])
def test_count_and_list_are_of_one_moment_however_busy_the_team_is(
    tmp_path: Path, read: Any
) -> None:
    site = Shared(busy=[0, 1])
    with serving(site, tmp_path / "home") as environment:
        found = read("petals", environment=environment)
    assert found.limits is not None
    assert found.limits.today == len(found.submissions) == 2


@pytest.mark.usefixtures("here")
def test_a_count_that_could_not_be_read_beside_the_upload_is_read_again(
    tmp_path: Path, submission: Path
) -> None:
    site = Shared(dropped=1, lost=["ListSubmissions"])  # the one that the upload reads
    with serving(site, tmp_path / "home") as environment:
        ref = client.submit("petals", submission, "m", environment=environment)
    assert own(site) == [ref] == [700]
