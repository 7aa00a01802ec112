"""`kit host`, `kit ledger` and `kit … leaderboard` on toy data, through the real client."""

import io
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_kernel import run_kernel

import competitions
from common import ledger
from common.competition import Competition, Embedded
from common.kaggle import client
from common.kaggle.client import Place
from common.kaggle.server.host import Host
from common.metrics import metric_named
from common.verbs import host, leaderboard, run, submit
from common.verbs import ledger as ledger_verb
from common.verbs.leaderboard import place_of
from common.workflow.files import open_files
from common.workflow.request import Catalogue
from common.workflow.submitting.host_options import hosted_by
from common.workflow.submitting.local_kaggle import environment_set, of_rehearsal
from common.workflow.submitting.rehearsal import hidden_request
from common.workflow.submitting.rehearsal_site import make_rehearsal
from kernels.verbs import rehearse

LAST = "export PYTHONUSERBASE="  # of the lines that the host prints


def embedded(toy: Any) -> Any:
    """The toy as an embedded competition."""
    request = toy(epochs=3)
    train = request.competition.read_train(request.data)
    test = request.competition.read_test(request.data)
    labels = [str(int(name[:2]) % 3) for name in test["id"]]
    table = ledger.pd.concat([train, test.assign(label=labels)], ignore_index=True)
    table["hidden"] = table["id"].isin(test["id"])
    images = [Path(path).read_bytes() for path in table["path"]]
    found = Embedded(table=table[["id", "label", "hidden"]], images=images)
    return replace(request, competition=replace(request.competition, embedded=lambda: found))


def catalogue(*competitions: Competition) -> Catalogue:
    """These competitions and no others."""
    named = {each.name: each for each in competitions}

    def load(word: str) -> Competition:
        if word not in named:
            raise ValueError(f"no competition {word!r}")
        return named[word]

    return Catalogue(
        competitions=competitions,
        load=load,
        folder=Path(),
        taken=frozenset(),
        run_kernel=run_kernel,
    )


@pytest.fixture
def variables(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment that the printed lines make in a shell, while the host runs."""
    request, until = embedded(toy), threading.Event()
    options = host.Options(named=(), runs=request.runs)
    words = {"options": options, "catalogue": catalogue(request.competition), "until": until}
    thread = threading.Thread(target=host.run, kwargs=words, daemon=True)
    screen = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", screen)
        thread.start()
        while not (printed := screen.getvalue()).rstrip("\n").rpartition("\n")[2].startswith(LAST):
            assert thread.is_alive()
            thread.join(0.05)
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{printed}\nenv -0"], capture_output=True, text=True, check=True
    )
    yield dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)
    until.set()
    thread.join()


@pytest.mark.slow
def test_the_printed_lines_lead_the_client_to_the_host(
    toy: Any, variables: dict[str, str], monkeypatch: Any
) -> None:
    request = embedded(toy)
    run.run(request)
    for name in set(os.environ) - set(variables):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert client.submissions("digits") == []
    result = submit.run(request, submit.Options())
    assert result["private"] >= 0.8
    board = leaderboard.run(request)
    assert (board["place"], board["teams"], board["ref"]) == (1, 1, result["ref"])
    assert board["rows"][0]["score"] == pytest.approx(result["public"])
    assert board["run"] == Path(result["run"]).name


def test_a_host_needs_labels_that_are_known(toy: Any) -> None:
    plain = replace(toy().competition, embedded=None)
    with pytest.raises(ValueError, match="nothing is at hand to serve"):
        hosted_by([], catalogue(plain), toy().runs)
    with pytest.raises(ValueError, match=r"are not known here: `kit digits rehearse --runs .*`"):
        hosted_by(["digits"], catalogue(plain), toy().runs)
    with pytest.raises(ValueError, match="is no rehearsal"):
        toy().runs.mkdir()
        hosted_by([str(toy().runs)], catalogue(plain), toy().runs)


def test_a_rehearsal_is_hosted_by_its_name_or_its_folder(toy: Any) -> None:
    request = toy()
    request = replace(request, competition=replace(request.competition, embedded=None))
    folder = str(make_rehearsal(request, open_files(request), share=0.2, seed=0))
    for word in ("digits", folder):
        hosted = hosted_by([word], catalogue(request.competition), request.runs)
        assert hosted[0].files == Path(folder) / "site" / "files"
        (code,) = hosted_by([word], catalogue(request.competition), request.runs, code=True)
        assert (code.hidden, code.code_only) == (hosted[0].files, True)
        assert code.files == Path(folder) / "site" / "visible"
        assert len(request.competition.read_test(code.files)) == 2
    with pytest.raises(ValueError, match="serves a competition once"):
        hosted_by(["digits", folder], catalogue(request.competition), request.runs)


@pytest.mark.slow
def test_a_leaderboard_leaves_the_archive_alone(toy: Any) -> None:
    request = toy()
    folder = Path(rehearse.run(request, rehearse.Options())["rehearsal"])
    archive = folder / "data" / "digits.zip"
    before = archive.read_bytes(), archive.stat().st_mtime_ns
    with (
        Host([of_rehearsal(request.competition, folder)], folder=folder / "host") as site,
        environment_set(site.environment),
    ):
        found = leaderboard.run(hidden_request(request, folder))
    assert found["place"] == 1
    assert (archive.read_bytes(), archive.stat().st_mtime_ns) == before


def test_a_place_is_counted_from_the_better_scores() -> None:
    rows = [
        Place(1, "a", 0.9, ""),
        Place(2, "b", 0.8, ""),
        Place(3, "c", 0.8, ""),
        Place(4, "d", None, ""),
    ]
    assert [place_of(score, rows, metric_named("accuracy")) for score in (0.95, 0.8, 0.1)] == [
        1,
        2,
        4,
    ]
    assert [place_of(score, rows, metric_named("log_loss")) for score in (0.1, 0.8, 0.95)] == [
        1,
        1,
        4,
    ]


@pytest.mark.slow
def test_submissions_of_an_embedded_competition_are_ranked_by_the_ledger(
    toy: Any, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    request = embedded(toy)
    assert leaderboard.run(request)["teams"] == 0
    for words in ((), ("epochs=1", "lr=0.0001"), ("epochs=2",)):
        run.run(replace(request, words=words))
        submit.run(replace(request, words=words), submit.Options())
    board = leaderboard.run(request)
    scores = [row["score"] for row in board["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    known = catalogue(request.competition)
    block = ledger_verb.run(ledger_verb.Options(request.runs, "digits"), known)["competitions"][0]
    assert len(block["submissions"]) == 3
    for row in block["submissions"]:
        assert row["difference"] == pytest.approx(row["private"] - row["cv"])
        assert (request.runs / row["run"] / "run.json").is_file()
    said = capsys.readouterr().err
    assert "rank correlation" in said or block["rank_correlation"] is None
    empty = ledger_verb.Options(request.runs / "none", "digits")
    assert ledger_verb.run(empty, known)["competitions"] == []


def test_a_damaged_ledger_is_told_before_anything_is_uploaded(toy: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT")
    request = embedded(toy)
    result = run.run(request)
    (request.runs / ledger.NAME).write_text("time,run\n")
    with pytest.raises(ValueError, match="does not begin with the columns"):
        submit.run(request, submit.Options())
    assert "submitted" not in (Path(result["run"]) / "run.json").read_text()


def test_every_competition_that_is_embedded_can_be_hosted(tmp_path: Path) -> None:
    known = [competitions.load(name) for name in competitions.names()]
    hosted = hosted_by([], catalogue(*known), tmp_path)
    assert [each.slug for each in hosted] == [each.slug for each in known if each.embedded]
