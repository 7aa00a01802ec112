"""The verb, the whole way: a script proven, pushed to the kit's own Kaggle, and its run brought back."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import competitions
import kit
from common.kaggle.session import Ending, Session
from common.runs import Run
from common.workflow.request import Request
from kernels.build import spec as making
from kernels.sandbox.sealed_run import run_sealed, why_unsealed
from kernels.verbs import kernel

SMALL = ("rows=150", "epochs=2", "folds=2", "groups=identical", "processes=1")
LONGER = ("rows=150", "epochs=60", "folds=2", "groups=identical")  # long enough to be killed


def done(folder: Path, *words: str, capsys: pytest.CaptureFixture[str] | None = None) -> Any:
    """What `kit digits WORDS --json` answers; with `capsys` also when it fails: its last sentence."""
    places = ["--data", str(folder / "data"), "--runs", str(folder / "runs")]
    if capsys:
        capsys.readouterr()
    code = kit.main(["digits", *words, *places, "--json"])
    if capsys is None:
        assert code == 0
        return None
    said = capsys.readouterr()
    return json.loads(said.out.splitlines()[-1]) if code == 0 else said.err


@pytest.fixture(scope="module", autouse=True)
def to_the_kits_own() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAGGLE_API_ENVIRONMENT")
        yield


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the digits and a kernel of a small recipe: proven, pushed, brought back."""
    folder = tmp_path_factory.mktemp("kernel")
    done(folder, "download")
    done(folder, "kernel", *SMALL, "--sample", "100")
    return folder


def fetched(folder: Path) -> Path:
    (found,) = (folder / "runs").glob("digits-quick-kernel-*")
    return found


def made(folder: Path) -> Path:
    return folder / "runs" / "kernels" / "kit-digits-quick"


@pytest.mark.slow
def test_the_proof_before_a_push_was_sealed_and_equal(pushed: Path) -> None:
    proof = json.loads((made(pushed) / "proof.json").read_text(encoding="utf-8"))
    assert proof["equal"] is True
    assert proof["rows"] == 19  # a fifth of the sample
    log = (made(pushed) / "dry-run" / "log.jsonl").read_text(encoding="utf-8")
    assert (why_unsealed() is None) == ("/kaggle/input/competitions/digits" in log)


def test_the_kernels_run_is_the_run_made_here_byte_for_byte(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Path(done(pushed, "run", *SMALL, capsys=capsys)["run"])
    there = fetched(pushed)
    for name in ("oof.npz", "folds.csv", "fold0/weights.safetensors", "submission.csv"):
        assert (there / name).read_bytes() == (here / name).read_bytes(), name


@pytest.mark.slow
def test_a_fetched_run_is_submitted_as_a_file_or_from_its_kernel(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(fetched(pushed))
    as_file = done(pushed, "submit", "--run", there, capsys=capsys)
    from_kernel = done(pushed, "submit", "--kernel", there, "--again", capsys=capsys)
    assert as_file["public"] == from_kernel["public"]
    assert as_file["private"] == from_kernel["private"]


@pytest.mark.slow
def test_a_fetched_run_predicts_with_other_views(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = done(
        pushed, "predict", "views=mirror", "--run", str(fetched(pushed)), "--accept-code",
        capsys=capsys,
    )  # fmt: skip
    assert Path(found["run"]) == fetched(pushed)
    done(pushed, "predict", "views=shifts", "--run", str(fetched(pushed)), capsys=capsys)


@pytest.mark.slow
def test_the_same_command_pushes_and_fetches_nothing_again(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = done(pushed, "kernel", *SMALL, capsys=capsys)
    assert found["version"] == 1
    assert "proof" not in found


@pytest.mark.slow
def test_another_submission_than_the_kernels_is_not_submitted_from_it(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = fetched(pushed)
    kept = (there / "submission.csv").read_bytes()
    (there / "submission.csv").write_bytes(kept + b"\n")
    told = done(pushed, "submit", "--kernel", str(there), capsys=capsys)
    (there / "submission.csv").write_bytes(kept)
    assert "was rewritten since it came back" in told


@pytest.mark.slow
def test_all_that_shapes_a_kernel_makes_it_another(tmp_path: Path) -> None:
    digits = competitions.load("digits")

    def key(*words: str, files: Sequence[str] = (), source: Any = None, **options: Any) -> str:
        request = Request(competition=digits, recipe_name="quick", words=words, runs=tmp_path)
        return making.build_kernel(
            request, making.Shape(**options), files, source=source, online=False
        ).key

    part = {"owner": "you", "slug": "kit-digits-quick", "version": 1, "part": 1, "run": "a"}
    assert key() == key()
    keys = [
        key(), key("epochs=2"), key(machine="none"), key(internet=True), key(time_limit=60),
        key(files=["0a-weights"]), key(files=["0b-weights"]), key(source=part),
        key(source=part | {"version": 2}),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)


@pytest.mark.slow
def test_the_metadata_say_everything(pushed: Path) -> None:
    found = json.loads((made(pushed) / "kernel-metadata.json").read_text(encoding="utf-8"))
    assert found == {
        "id": "INSERT_YOUR_NAME/kit-digits-quick", "title": "kit digits quick",
        "code_file": "kernel.py", "language": "python", "kernel_type": "script",
        "is_private": True, "enable_gpu": True, "enable_tpu": False, "enable_internet": False,
        "machine_shape": "NvidiaTeslaT4", "competition_sources": ["digits"],
        "dataset_sources": [], "kernel_sources": [], "model_sources": [], "keywords": [],
        "docker_image": "", "docker_image_pinning_type": "original",
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_of_this_machine_cannot_be_submitted_from_a_kernel(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Path(done(pushed, "run", *SMALL, capsys=capsys)["run"])
    told = done(pushed, "submit", "--kernel", str(here), capsys=capsys)
    assert "was not written by a kernel: `kit digits kernel" in told


@pytest.mark.slow
def test_a_finished_run_is_not_gone_on_with(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = done(pushed, "kernel", "--continue", "--run", str(fetched(pushed)), capsys=capsys)
    assert "a run that a kernel left unfinished" in told


@pytest.mark.slow
def test_an_older_version_than_kaggle_attaches_is_not_gone_on_with(
    pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = Run(fetched(pushed))
    kept = there.read()["kernel"]
    there.note(kernel=kept | {"finished": False, "version": 0})
    told = done(pushed, "kernel", "--continue", "--no-proof", capsys=capsys)
    there.note(kernel=kept)
    assert "the run to resume is of version 0 of you/kit-digits-quick" in told
    assert "newest version, which is 1: `kit digits kernel" in told
    assert "--again" in told
    assert "begins anew" in told


def test_class_folders_have_no_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kit.main(["folder", "kernel", "--runs", str(tmp_path)]) == 1
    assert "is on no site" in capsys.readouterr().err


@pytest.mark.slow
def test_a_kernel_killed_by_its_limit_and_continued_equals_an_undisturbed_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done(tmp_path, "download")
    with monkeypatch.context() as patch:
        patch.setattr(kernel, "run_sealed", killed_after("fold1", epochs=2))
        told = done(tmp_path, "kernel", *LONGER, "--no-proof", capsys=capsys)
    assert "the time limit" in told
    assert "kernel --continue" in told
    left = fetched(tmp_path)
    assert left.name.startswith("digits-quick-kernel-v1-")
    assert (left / "fold0" / "weights.safetensors").is_file()
    assert (left / "fold1" / "resume.pt").is_file()
    found = done(tmp_path, "kernel", "--continue", "--no-proof", capsys=capsys)
    assert found["kernel"] == "you/kit-digits-quick-part-2"
    here = Path(done(tmp_path, "run", *LONGER, capsys=capsys)["run"])
    for name in ("submission.csv", "oof.npz", "fold1/weights.safetensors"):
        assert (Path(found["run"]) / name).read_bytes() == (here / name).read_bytes(), name


def killed_after(job: str, *, epochs: int) -> Any:
    """A place to run kernels in that kills one as soon as its job has so many epochs behind it."""

    def run(session: Session) -> Ending:
        over = threading.Event()

        def watch() -> None:
            done = 0
            while done < epochs and not over.wait(0.05):
                logs = session.working.glob(f"runs/*/{job}/log.jsonl")
                done = max((len(log.read_text().splitlines()) for log in logs), default=0)
            session.stop.set()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            ending = run_sealed(session)
        finally:
            over.set()
            watcher.join()
        stopped = ending.status == "CANCEL_ACKNOWLEDGED"
        return Ending("ERROR", "stopped after 9 s: the time limit") if stopped else ending

    return run
