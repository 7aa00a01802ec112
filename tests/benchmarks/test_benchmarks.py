"""Benchmarks: toy sizes give a ratio, and the report says what was not measured."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import NAMES, main, measured
from benchmarks.gpu.cifar10 import HEAD, Training
from benchmarks.gpu.photographs import Speeds
from benchmarks.measure import Effort, Row, Way, compare, report, table_of, write_results

TOY = Effort(images=64, repeats=1)


def test_a_toy_size_gives_a_ratio_for_each_peer() -> None:
    rows = measured(["small_batches"], TOY)
    assert len(rows) == 2
    assert all(len(row.ratios) == 1 and row.ratio > 0 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in NAMES if each != "small_batches"])
def test_the_longer_ones_give_a_ratio_too(name: str) -> None:
    assert measured([name], TOY)[0].ratio > 0


def test_every_file_of_a_claim_is_run() -> None:
    folder = Path(__file__).parents[2] / "benchmarks"
    claims = {path.stem for path in folder.glob("*.py") if "\nCLAIM = " in path.read_text("utf-8")}
    assert claims == set(NAMES)


def test_each_repetition_is_one_ratio_and_the_first_time_does_not_count() -> None:
    calls = []
    ours = Way("kit", lambda: calls.append(sum(range(10_000))), 1)
    peers: Any = [(2.0, "torch", lambda: Way("slow", lambda: sum(range(1_000_000)), 1))]
    (row,) = compare("sums", ours, peers, repeats=3)
    assert len(row.ratios) == 3
    assert len(calls) == 4


def test_a_peer_that_is_not_installed_is_named_as_not_measured() -> None:
    ours = Way("kit", lambda: sum(range(1000)), 1)
    peers: Any = [(2.0, "no_such_package", lambda: ours)]
    text = report(compare("sums", ours, peers, repeats=1), "make bench")
    assert "no_such_package: not installed | not measured" in text


def test_a_goal_is_met_or_not() -> None:
    met, missed = (Row("a", "b", goal, 3, 1, (3.0, 2.9, 3.1)) for goal in (2.0, 4.0))
    assert met.cells()[-1] == "yes"
    assert missed.cells()[-1] == "no"
    assert met.cells()[3] == "3× (n = 3, 2.9 to 3.1)"


def test_an_empty_effort_is_refused() -> None:
    with pytest.raises(ValueError, match="images=0 and repeats=5 measure nothing"):
        Effort(images=0)


def test_a_report_is_written_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import benchmarks.small_batches as small

    monkeypatch.setattr(small, "measure", lambda _: [Row("a claim", "a peer", 1.0, 2, 1, (2.0,))])
    main(["--only", "small_batches", "--out", str(tmp_path / "out.md")])
    text = (tmp_path / "out.md").read_text(encoding="utf-8")
    assert "| a claim | 2 | a peer: 1 | 2× (n = 1, 2 to 2) | ≥ 1× | yes |" in text
    assert "hardware:" in text
    assert "versions: Python" in text


def test_a_cpu_and_a_gpu_write_their_own_part_of_the_results(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write_results(file, "of a GPU\n", of_gpu=True)
    write_results(file, "# Results\nof a CPU\n")
    write_results(file, "of another GPU\n", of_gpu=True)
    assert file.read_text() == "# Results\nof a CPU\n\n## On a GPU\nof another GPU\n"


def test_a_row_of_a_gpu_tells_mean_spread_and_how_many() -> None:
    cells = Training("kit", [0.94, 0.938], [1.5, 1.3], "compiled").cells()
    assert cells == ["kit", "0.9390 ± 0.0014", "1.40 (1.30 to 1.50)", "2", "compiled"]
    assert table_of(HEAD, [cells]).count("\n") == 2
    assert Speeds("kit", [1000.0, 1900.0]).cells(2000.0)[1:3] == ["1,000, 1,900", "0.50, 0.95"]
