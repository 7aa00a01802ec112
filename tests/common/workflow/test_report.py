"""The report: every part for every kind of target, nothing of the data as markup, pictures in bounds."""

import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_competitions import laid_out, request_of, toy_competition
from toy_reported import EVIL, judged_run, named

from common.errors import KitError
from common.reporting.html import thumbnails
from common.reporting.html.analysis import Answers
from common.reporting.html.charts import Chart, Line, calibration_chart
from common.reporting.html.page import seconds
from common.runs import Run
from common.storage import write_json
from common.targets import Grades, LabelSet, Numbers, OneClass, YesNo
from common.verbs import check, report, run
from common.workflow.report import write
from common.workflow.request import Request

THREE = ("big", "round", "soft")
KINDS: dict[str, tuple[Any, ...]] = {
    "class": (OneClass(), "accuracy", ["label"], ()),
    "yes-no": (YesNo(), "auc", ["answer"], ()),
    "grades": (Grades(lowest=0, highest=3), "qwk", ["answer"], ()),
    "labels": (LabelSet(names=THREE), "mean_column_auc", THREE, THREE),
    "numbers": (Numbers(names=("age", "size")), "rmse", ["age", "size"], ("age", "size")),
}


class Page(HTMLParser):
    """A page's elements, its text outside scripts, its JSON blocks by id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.data, self.place = "", {}, ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        self.place = (found.get("id") or tag) if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self.place = "" if tag in ("script", "style") else self.place

    def handle_data(self, data: str) -> None:
        if self.place in ("gallery", "pictures"):
            self.data[self.place] = json.loads(data)
        elif not self.place:
            self.text += data

    def ids(self) -> set[str | None]:
        return {found["id"] for _, found in self.elements if "id" in found}


def written(request: Request, *runs: Run, **options: Any) -> Page:
    result = report.run(request, report.Options(tuple(each.folder for each in runs), **options))
    return Page(Path(result["report"]))


def toy_of(kind: str, folder: Path, **fields: Any) -> Request:
    target, metric, header, columns = KINDS[kind]
    competition = toy_competition(target, metric, header, columns=columns)
    more = {}
    if kind == "numbers":
        cells = [f"{number * 7 % 11}" for number in range(36)]
        more = {"age": ["", *cells[1:]], "size": cells[::-1]}
    elif columns:
        more = {name: [str(n // (k + 1) % 2) for n in range(36)] for k, name in enumerate(columns)}
    laid_out(competition, folder / "data", **more)
    return request_of(competition, folder, **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_target_has_its_parts(kind: str, tmp_path: Path) -> None:
    request = toy_of(kind, tmp_path)
    page = written(request, judged_run(request))
    labels = {"doubts"} if kind != "numbers" else set()
    parts = {"score", "classes", "images", "curves", "data", "cost", "recipe"} | labels
    assert parts <= page.ids() and ("doubts" in page.ids()) == bool(labels)
    gallery = page.data["gallery"]
    assert len(gallery["ids"]) == 28 == len(gallery["true"]) == len(gallery["runs"][0]["loss"])
    assert set(page.data["pictures"]) == {str(row) for row in range(28)}
    assert ("Calibration" in page.text) == bool(labels)
    assert ("ROC curves" in page.text) == (kind in ("yes-no", "labels"))
    assert "identity+mirror" in page.text and "kit toy run --recipe toy" in page.text


def test_a_label_a_file_name_and_a_class_that_are_markup_are_shown_as_text(tmp_path: Path) -> None:
    competition = replace(toy_competition(OneClass(), "accuracy", ["label"]), title=EVIL)
    laid_out(competition, tmp_path / "data", label=["cat", "dog"] * 18)
    named(tmp_path / "data", {"003e3": EVIL}, {"cat": EVIL})
    request = request_of(competition, tmp_path)
    pair = judged_run(request), judged_run(replace(request, words=("seed=1",)), seed=1)
    for page in (written(request, pair[0]), written(request, *pair)):
        scripts = [found for tag, found in page.elements if tag == "script"]
        assert [found.get("id") for found in scripts] == ["gallery", "pictures", None]
        assert page.text.count(EVIL) >= 5  # the title, a heading, the tables
        assert EVIL in page.data["gallery"]["ids"] and EVIL in page.data["gallery"]["names"]
        assert not any("onload" in found or "onerror" in found for _, found in page.elements)


def test_nothing_of_the_page_is_elsewhere(tmp_path: Path) -> None:
    request = toy_of("class", tmp_path)
    page = written(request, judged_run(request))
    links = [found.get(key) for _, found in page.elements for key in ("src", "href")]
    assert all(link is None or link.startswith(("#", "data:")) for link in links)
    policy = next(found for _, found in page.elements if found.get("http-equiv"))
    assert "default-src 'none'" in (policy["content"] or "")


def test_of_several_runs_the_gain_a_blend_and_the_rows_in_common_are_told(
    tmp_path: Path, capsys: Any
) -> None:
    request = toy_of("class", tmp_path)
    bad, good = judged_run(request, 3.0), judged_run(replace(request, words=("seed=1",)), 0.5, 1)
    with np.load(bad / "oof.npz") as kept:
        np.savez(bad / "oof.npz", ids=kept["ids"][::-1][:20], probs=kept["probs"][::-1][:20])
    page = written(request, bad, good)
    assert len(page.data["gallery"]["ids"]) == 20
    assert "only the 20 rows that all of these runs held out" in capsys.readouterr().err
    assert "What a blend would gain" in page.text and "greedy" in page.text
    assert "[+0." in page.text  # the second run's gain is real


def test_run_ends_with_its_report_and_a_report_that_fails_stops_no_run(
    toy: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    result = run.run(toy(epochs=1))
    assert Path(result["report"]) == Path(result["run"]) / "report.html"
    assert Page(Path(result["report"])).data["gallery"]["names"] == ["0", "1", "2"]
    monkeypatch.setattr(write, "write_page", lambda *_: 1 / 0)
    assert "report" not in run.run(toy(epochs=1))
    assert "the report could not be written" in capsys.readouterr().err


def test_without_held_out_rows_the_report_has_no_images_and_says_why(tmp_path: Path) -> None:
    request = toy_of("class", tmp_path, folds=0, final="refit")
    made = judged_run(request)
    (made / "oof.npz").unlink()
    write_json(made / "scores.json", {"metric": "accuracy", "fold_scores": [], "n": 0})
    page = written(request, made)
    assert "images" not in page.ids() and page.data["gallery"] is None
    assert "No row was held out (folds=0)" in page.text
    with pytest.raises(KitError, match="held out no rows to compare"):
        written(request, made, made.__class__(made.folder / ".." / made.folder.name))


def test_pairs_of_images_are_shown_with_their_labels_leaks_too(tmp_path: Path, capsys: Any) -> None:
    request = toy_of("class", tmp_path, groups="identical")
    images = tmp_path / "data" / "images"
    shutil.copyfile(images / "000e0.png", images / "001e1.png")  # one image, two labels
    shutil.copyfile(images / "002e2.png", images / "035e35.png")  # of the test set
    made = judged_run(request)
    assert "not searched for yet; kit check does" in written(request, made).text
    check.run(request)
    page = written(request, made)
    assert "One image, two labels: 1" in page.text and "Shared by train and test: 1" in page.text
    shown = [found["data-picture"] for tag, found in page.elements if "data-picture" in found]
    assert {"0", "1", "2", "test:035e35"} <= set(shown)
    assert "test:035e35" in page.data["pictures"]
    capsys.readouterr()


def test_a_run_that_is_not_judged_yet_says_so_and_a_blend_has_a_report(tmp_path: Path) -> None:
    request = toy_of("class", tmp_path)
    made = judged_run(request)
    made.note(kind="blended", members=[{"run": str(made.folder)}], weights="greedy")
    page = written(request, made)
    assert "kit toy blend" in page.text and "--weights greedy" in page.text
    made.note(kind="trained")
    (made / "oof.npz").unlink()
    assert "The run is not judged yet" in written(request, made).text
    made.note(kind="file")
    with pytest.raises(KitError, match="is a submission file from elsewhere"):
        written(request, made)


def test_of_many_classes_the_script_draws_the_confusion_matrix() -> None:
    names = tuple(f"class {at}" for at in range(40))
    y = np.arange(400) % 40
    probs = np.eye(40, dtype=np.float32)[(y + (np.arange(400) < 40)) % 40]
    answers = Answers(OneClass(names=names), y, probs)
    assert answers.confusion() is None
    rows = answers.classes()
    assert [row["n"] for row in rows] == [10] * 40
    assert all(row["recall"] == row["precision"] == pytest.approx(0.9) for row in rows)


def test_pictures_end_where_their_bytes_or_their_number_end(tmp_path: Path) -> None:
    request = toy_of("class", tmp_path)
    made = judged_run(request)
    page = written(request, made, images=7)
    few = page.data["pictures"]
    assert len(few) == 7 and "7 of 28 rows have a picture here" in page.text
    size = len(next(iter(few.values())))
    limited = thumbnails.Thumbnails(most_bytes=3 * size + size // 2)
    image = np.zeros((40, 30, 3), np.uint8)
    added = [limited.add(str(at), lambda: image) for at in range(9)]
    assert sum(map(len, limited.pictures.values())) <= limited.most_bytes
    assert sum(added) == len(limited.pictures) and not added[-1]


def test_the_page_of_many_long_ids_has_fewer_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = toy_of("class", tmp_path)
    made = judged_run(request)
    size = len(json.dumps(written(request, made).data["gallery"]))
    monkeypatch.setattr(thumbnails, "FEWEST_BYTES", 0)
    monkeypatch.setattr(thumbnails, "MOST_OF_PAGE", size)  # hardly more than the data
    page = written(request, made)
    assert len(page.data["pictures"]) < len(page.data["gallery"]["ids"])


def test_the_rows_with_a_picture_are_the_worst_and_every_class() -> None:
    losses = np.arange(1000.0)
    strata = np.repeat([0, 1, 2, 3], [900, 50, 48, 2])
    rows = thumbnails.chosen_rows(losses, strata, [5], 24)
    assert len(rows) == len(set(rows)) == 24 and rows[0] == 5
    assert {999, 998, 997} <= set(rows) and set(strata[rows]) == {0, 1, 2, 3}


def test_ticks_are_round_and_lines_of_gaps_are_interrupted() -> None:
    chart = Chart("t", "x", "y", [Line([(0, 0.13), (1, float("nan")), (2, 0.91)])])
    assert [text for _, text in chart.y_ticks] == ["0", "0.5", "1"]
    assert chart.path(chart.lines[0]).count("M") == 2
    many = Line([(at, at) for at in range(5000)])
    assert Chart("t", "x", "y", [many]).path(many).count("L") <= 401
    assert [seconds(each) for each in (8.31, 252, 7500)] == ["8.3 s", "4 min 12 s", "2 h 05 min"]


def test_the_calibration_error_is_weighted_by_rows_and_few_rows_make_no_point() -> None:
    sure = np.array([0.95] * 30 + [0.55] * 10 + [0.35])
    right = np.array([1] * 24 + [0] * 6 + [1] * 5 + [0] * 5 + [0])
    chart, error = calibration_chart(sure, right, "right")
    assert error == pytest.approx((0.15 * 30 + 0.05 * 10 + 0.35) / 41)
    assert [round(x, 2) for x, _ in chart.lines[-1].points] == [0.55, 0.95]
    alone, _ = calibration_chart(sure[-1:], right[-1:], "right")  # of few rows all that there are
    assert len(alone.lines[-1].points) == 1
