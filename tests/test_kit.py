"""The command line: help, typos, new competitions, and what scripts rely on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_kernel import run_kernel

import competitions
import kit
from common.verbs import new
from common.workflow.request import Catalogue

ROOT = Path(__file__).parents[1]


def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in kit.VERBS:
        with pytest.raises(SystemExit) as stop:
            kit.main(["digits", verb, "--help"])
        assert stop.value.code == 0
        assert f"Example: kit cifar10 {verb}" in capsys.readouterr().out
    for verb in kit.GLOBAL_VERBS:
        with pytest.raises(SystemExit):
            kit.main([verb, "--help"])
        assert f"Example: kit {verb}" in capsys.readouterr().out
    assert kit.main([]) == 0
    overview = capsys.readouterr().out
    assert [verb for verb in (*kit.VERBS, *kit.GLOBAL_VERBS) if f"  {verb} " not in overview] == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["digit", "run"], "did you mean 'digits'"),
        (["digits", "sumbit"], "did you mean 'submit'"),
        (["digits", "run", "epoch=2"], "did you mean 'epochs'"),
        (["digits", "run", "--recipe", "slow"], "has no recipe 'slow'"),
        (["digits", "validate", "--data", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_a_typo_is_answered_and_nothing_starts(
    words: list[str],
    answer: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kit.main(words) == 1
    captured = capsys.readouterr()
    assert answer in captured.err
    assert captured.out == ""
    assert not (tmp_path / "data").exists()


def test_what_trains_nothing_does_not_wait_for_torch() -> None:
    verbs = ["submit", "download", "leaderboard", "ledger", "doctor"]
    code = f"import sys, {', '.join(f'common.verbs.{verb}' for verb in verbs)}"
    subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], cwd=ROOT, check=True
    )


def test_the_last_line_of_json_is_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert kit.main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {row["name"] for row in found["competitions"]} >= {"digits", "cifar10"}
    assert kit.main(["digits", "recipes", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out.splitlines()[-1])
    assert found["notes"].keys() == found["recipes"].keys() >= {"quick"}
    assert found["notes"]["quick"]["n"] == 1438
    assert "accuracy 0.9930" in captured.err


def test_doctor_tells_what_is_there_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert kit.main(["doctor", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out.splitlines()[-1])
    assert found["versions"]["torch"] != "missing"
    assert any("Kaggle key" in sentence for sentence in found["missing"])
    for word in ("Python", "torch", "device", "memory", "free disk", "Kaggle"):
        assert word in captured.err


def test_a_competition_goes_by_its_folder_its_slug_or_with_dashes() -> None:
    assert competitions.load("cifar-10") is competitions.load("cifar10")
    with pytest.raises(ValueError, match="kit new plankton"):
        competitions.load("plankton")


@pytest.mark.parametrize(
    "words",
    [
        "CIFAR-10",
        "Cifar10",
        "https://www.kaggle.com/c/cifar-10/data?select=train.7z",
        "kaggle.com/competitions/CIFAR-10",
        "kaggle competitions download -c cifar-10",
    ],
)
def test_every_verb_takes_any_spelling_of_a_competition(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert competitions.load(words) is competitions.load("cifar10")
    assert kit.main([words, "recipes"]) == 0
    assert kit.main(["ledger", "--competition", words, "--runs", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "quick" in captured.out and captured.err == ""
    assert "no submission of cifar10" in captured.out  # a list that was asked for can be piped


def test_an_address_names_the_slug_and_not_a_folder_or_something_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert competitions.load("leaves").slug == "classify-leaves"
    with pytest.raises(ValueError, match=r"no competition 'leaves'.*`kit new leaves` begins one"):
        competitions.load("https://www.kaggle.com/c/leaves")
    assert kit.main(["https://www.kaggle.com/code/ann/leaves", "check"]) == 1
    assert "is a notebook's page, not a competition" in capsys.readouterr().err


def catalogue(folder: Path, *taken: str) -> Catalogue:
    """No competitions, a folder for new ones, and words that they may not be called."""
    return Catalogue(
        competitions=(),
        load=competitions.load,
        folder=folder,
        taken=frozenset(taken),
        run_kernel=run_kernel,
    )


def test_a_new_competition_is_found_by_its_folder_and_checks_its_files(tmp_path: Path) -> None:
    """In a copy of the checkout, as `kit new` writes into it."""
    import shutil

    for name in ("kit.py", "common", "competitions"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)

    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "kit.py", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert call("new", "plant-seedlings").returncode == 0
    assert "would be a second" in call("new", "plant-seedlings").stderr
    assert "is no slug" in call("new", "Plant Seedlings!").stderr
    new.run(new.Options("3d-Shapes"), catalogue(tmp_path / "competitions"))
    listed = call("https://www.kaggle.com/c/3d-Shapes/data", "recipes")
    assert "competitions/c_3d_shapes/recipes.py" in listed.stdout
    assert "plant_seedlings" in call("list").stdout
    listed = call("plant-seedlings", "recipes", "--json")
    assert "not measured: needs the competition's files" in listed.stderr
    notes = json.loads(listed.stdout.splitlines()[-1])["notes"]
    assert notes["quick"]["command"] == "kit plant_seedlings run"


def test_a_new_competition_keeps_the_spelling_of_its_slug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = catalogue(tmp_path, "digits", "classify-leaves")
    new.run(new.Options("https://www.kaggle.com/competitions/UBC-OCEAN/overview/evaluation"), place)
    assert capsys.readouterr().err.endswith("kit ubc_ocean download && kit ubc_ocean check\n")
    facts = (tmp_path / "ubc_ocean" / "__init__.py").read_text()
    assert 'slug="UBC-OCEAN"' in facts
    assert 'title="UBC OCEAN"' in facts
    for taken in ("ubc-ocean", "UBC_OCEAN", "Classify-Leaves", "kaggle.com/c/Digits"):
        with pytest.raises(ValueError, match="would be a second"):
            new.run(new.Options(taken), place)


def made(*words: str) -> list[str]:
    """What a make target calls kit with, a line each, every word in brackets."""
    done = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "-s",
            "-o",
            ".venv/.ready",
            *words,
            r"""KIT=f() { printf '<%s>' "$$@"; echo; }; f""",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        # By `make test` or by hand, it is the same: the outer make's variables stay outside.
        env={"PATH": os.environ["PATH"]},
    )
    return done.stdout.splitlines()


def test_make_targets_are_aliases_of_kit() -> None:
    assert made("cifar10-submit") == ["<cifar10><run>", "<cifar10><submit>"]
    assert made("cifar10-rehearse", "ARGS=--seed 1") == ["<cifar10><rehearse><--seed><1>"]
    assert made("cifar10-leaderboard") == ["<cifar10><leaderboard>"]
    assert made("ledger") == ["<ledger>"]
    words = made("dog-breed-validate", "ARGS=epochs=2 lr=3e-4")
    assert words == ["<dog-breed><validate><epochs=2><lr=3e-4>"]


def test_make_submit_gives_each_of_its_two_verbs_the_words_it_takes() -> None:
    words = (
        """ARGS=epochs=2 --fresh --message "first try, it's said" --again --runs 'my runs' lr=1"""
    )
    assert made("digits-submit", words) == [
        "<digits><run><epochs=2><--fresh><--runs><my runs><lr=1>",
        "<digits><submit><epochs=2><--message><first try, it's said><--again><--runs><my runs><lr=1>",
    ]
    assert made("digits-submit", "ARGS=--message=a --accept-code") == [
        "<digits><run><--accept-code>",
        "<digits><submit><--message=a>",
    ]


@pytest.mark.parametrize(
    "locale",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_every_character_is_written_whatever_the_locale(
    locale: dict[str, str], tmp_path: Path
) -> None:
    def call(*words: str) -> bytes:
        done = subprocess.run(
            [sys.executable, str(ROOT / "kit.py"), *words],
            cwd=tmp_path,
            capture_output=True,
            check=True,
            env={"PATH": os.environ["PATH"], **locale},
        )
        return done.stderr + done.stdout

    assert b"field=value" in call("--help")
    said = call("digits", "recipes", "--runs", "l\u00e4ufe \u6f22", "--json").splitlines()[-1]
    assert json.loads(said.decode("ascii"))
