"""Run folders: their names, their lock, their files."""

import multiprocessing
from pathlib import Path

import pytest

from common.recipe import Recipe
from common.runs import Run, all_runs, locked_run, open_run, run_folder
from common.storage import replacing, write_text


def name_of(recipe: Recipe, data: str = "data") -> str:
    return run_folder(Path("runs"), "toy", "quick", recipe, data).name


def test_runtime_and_predict_fields_do_not_rename_a_run() -> None:
    assert name_of(Recipe(workers=7, views="mirror", device="cpu")) == name_of(Recipe())


def test_train_fields_split_fields_and_data_rename_a_run() -> None:
    names = [name_of(Recipe()), name_of(Recipe(lr=0.2)), name_of(Recipe(folds=3))]
    assert len({*names, name_of(Recipe(), data="other")}) == 4


def test_the_name_of_a_default_run_is_the_one_it_always_had() -> None:
    # A new field with a default must rename no old run; this name was written down on day one.
    assert name_of(Recipe()) == "toy-quick-67c7b8c4"


def test_weights_enter_by_content_not_by_name(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).write_text(text)
    a, b, c = (name_of(Recipe(weights=str(tmp_path / name))) for name in "abc")
    assert a == b != c


def _hold(
    folder: Path,
    held: "multiprocessing.synchronize.Event",
    done: "multiprocessing.synchronize.Event",
) -> None:
    with locked_run(folder):
        held.set()
        done.wait(20)


def test_two_processes_never_share_a_run(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", held, done))
    other.start()
    assert held.wait(20)
    with (
        pytest.raises(ValueError, match=f"worked on by process {other.pid}"),
        locked_run(tmp_path / "run"),
    ):
        pass
    other.kill()
    other.join()
    with locked_run(tmp_path / "run"):  # a killed owner holds nothing
        pass


def test_the_latest_run_is_the_one_last_worked_on(tmp_path: Path) -> None:
    for name in ("toy-quick-00000000", "toy-quick-11111111", "toy-big-22222222"):
        open_run(tmp_path / name, Recipe(), {"competition": "toy"})
    with locked_run(tmp_path / "toy-quick-00000000"):
        pass
    assert all_runs(tmp_path, "toy")[0].folder.name == "toy-quick-00000000"


def test_seconds_add_up_and_peaks_stay(tmp_path: Path) -> None:
    run = open_run(tmp_path / "toy-quick-00000000", Recipe(), {"competition": "toy"})
    for seconds, memory in ((1.0, 300.0), (2.0, 200.0)):
        run.add_seconds("train", seconds)
        run.note_peak_memory(host=memory)
    assert run.read()["seconds"] == {"train": 3.0}
    assert run.read()["peak_memory"] == {"host": 300.0}
    assert Run(run.folder).recipe() == Recipe()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
