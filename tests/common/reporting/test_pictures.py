"""Pictures: the facts behind them, and that each arrives whole."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.reporting import canvas, pictures

Probs = np.ndarray


def size_of_whole_png(path: Path) -> tuple[int, int]:
    """Width and height, after every chunk's checksum was compared; nothing else lies beside."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, kinds = 8, []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length)[0] == zlib.crc32(body)
        kinds.append(body[:4])
        place += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def predictions(rows: int, classes: int, seed: int = 0) -> tuple[Probs, np.ndarray]:
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(classes, 0.3), rows).astype(np.float32)
    return probs, rng.integers(0, classes, rows)


def history(epochs: int, *, judged: bool) -> list[dict[str, Any]]:
    records = []
    for epoch in range(1, epochs + 1):
        record = {"epoch": epoch, "train_loss": 1 / epoch, "lr": 0.1 / epoch}
        judgement = {"valid_loss": 1.2 / epoch, "score": 1 - 1 / epoch, "rates": [0.1, 0.2]}
        records.append(record | (judgement if judged else {}))
    return records


# Which rows are shown


@pytest.mark.parametrize("seed", range(5))
def test_the_worst_rows_are_the_mistakes_made_with_most_confidence(seed: int) -> None:
    probs, targets = predictions(200, 5, seed)
    rows = pictures.worst(probs, targets, 24)
    wrong = np.flatnonzero(probs.argmax(axis=1) != targets)
    assert set(rows) <= set(wrong) and len(rows) == 24
    confidence = probs.max(axis=1)
    assert (np.diff(confidence[rows]) <= 0).all()
    rest = np.setdiff1d(wrong, rows)
    assert confidence[rows].min() >= confidence[rest].max()


def test_equally_confident_mistakes_are_ordered_by_the_truths_probability() -> None:
    probs = np.array([[0.5, 0.3, 0.2], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]], dtype=np.float32)
    assert pictures.worst(probs, np.array([1, 1, 1]), 3).tolist() == [1, 0]


def test_without_mistakes_no_row_is_worst_and_the_least_certain_are_known() -> None:
    probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], dtype=np.float32)
    targets = np.array([0, 0, 1])
    assert pictures.worst(probs, targets, 3).tolist() == []
    assert pictures.least_certain(probs, targets, 2).tolist() == [1, 2]


def test_only_the_rows_drawn_are_decoded(tmp_path: Path) -> None:
    probs, targets = predictions(300, 4)
    asked: list[int] = []

    def image(row: int) -> np.ndarray:
        asked.append(row)
        return np.full((8, 8, 3), row % 256, dtype=np.uint8)

    ids = [f"{row:032x}" for row in range(300)]
    path = tmp_path / "worst.png"
    pictures.worst_mistakes(
        image, ids, probs, targets=targets, classes=list("abcd"), path=path, count=7
    )
    assert asked == pictures.worst(probs, targets, 7).tolist()
    size_of_whole_png(path)


# Pictures


def said_in(monkeypatch: pytest.MonkeyPatch, draw: Callable[[], None]) -> str:
    """All text that a picture holds."""
    texts: list[str] = []
    save = canvas.save

    def spying(figure: Any, path: Path) -> None:
        from matplotlib.text import Text

        texts.extend(text.get_text() for text in figure.findobj(Text))
        save(figure, path)

    for module in ("pictures", "confusion_matrix", "learning_curves"):
        monkeypatch.setattr(f"common.reporting.{module}.save", spying)
    draw()
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("targets", "said", "unsaid"),
    [
        ([0, 1], {"No mistakes in 2 rows: the 2 least certain", "true dog 0.70"}, "of 1 mistakes"),
        ([0, 0], {"12e4567", "true cat 0.30", "said dog 0.70"}, "007"),
    ],
)
def test_mistakes_are_shown_with_id_and_both_probabilities_or_there_are_none(
    targets: list[int], said: set[str], unsaid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probs = np.array([[0.9, 0.1], [0.3, 0.7]], dtype=np.float32)
    text = said_in(
        monkeypatch,
        lambda: pictures.worst_mistakes(
            lambda _: np.zeros((32, 32, 3), dtype=np.uint8),
            ["007", "12e4567"],
            probs,
            targets=np.array(targets),
            classes=["cat", "dog"],
            path=tmp_path / "worst.png",
        ),
    )
    assert said <= set(text.split("\n"))
    assert unsaid not in text


@pytest.mark.parametrize("folds", [1, 5, 10])
def test_learning_curves_name_every_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folds: int
) -> None:
    histories = {f"fold{fold}": history(3, judged=True) for fold in range(folds)}
    path = tmp_path / "curves.png"
    text = said_in(
        monkeypatch, lambda: pictures.learning_curves(histories, path, metric="log_loss")
    )
    assert set(histories) <= set(text.split("\n")) and "log loss" in text
    assert size_of_whole_png(path) == (1080, 980)


@pytest.mark.parametrize("epochs", [0, 1, 20])
def test_a_refit_has_no_score_to_draw(tmp_path: Path, epochs: int) -> None:
    path = tmp_path / "curves.png"
    pictures.learning_curves({"refit": history(epochs, judged=False)}, path, metric="accuracy")
    assert size_of_whole_png(path) == (1080, 680)


def test_a_loss_that_is_not_finite_leaves_a_gap(tmp_path: Path) -> None:
    records = history(4, judged=True)
    records[1] |= {"train_loss": float("nan"), "valid_loss": float("inf")}
    pictures.learning_curves({"fold0": records}, tmp_path / "curves.png", metric="accuracy")
    size_of_whole_png(tmp_path / "curves.png")


@pytest.mark.parametrize(("count", "side"), [(1, 8), (5, 32), (50, 28), (4, 300)])
def test_a_batch_of_any_size_is_drawn(tmp_path: Path, count: int, side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    path = tmp_path / "batch.png"
    pictures.augmented_batch(images, ["a $5 + b_very_long_name_$6 0.1234567"] * count, path)
    width, height = size_of_whole_png(path)
    assert 220 < width < 1700 and 220 < height < 2000


def test_a_small_image_is_enlarged_to_whole_squares(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    path = tmp_path / "batch.png"
    pictures.augmented_batch(image, ["a"], path)
    drawn = cv2.imread(str(path))[52 : 52 + 224, 14 : 14 + 224, ::-1]
    np.testing.assert_array_equal(drawn, image[0].repeat(28, axis=0).repeat(28, axis=1))


@pytest.mark.parametrize("count", [2, 20, 21, 176])
def test_a_confusion_matrix_fits_any_number_of_classes(tmp_path: Path, count: int) -> None:
    probs, targets = predictions(500, count)
    classes = [f"a_rather_long_name_of_species_{row}" for row in range(count)]
    path = tmp_path / "confusion.png"
    pictures.confusion(probs, targets, classes, path=path)
    width, height = size_of_whole_png(path)
    assert 600 < width < 1800 and 400 < height < 1500


def test_the_title_of_a_confusion_matrix_tells_n_and_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probs = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    text = said_in(
        monkeypatch,
        lambda: pictures.confusion(
            probs, np.array([0, 1, 2, 1]), ["a", "b", "c"], path=tmp_path / "confusion.png"
        ),
    )
    assert "Confusion: n = 4, accuracy 0.7500" in text


def test_the_most_confused_pairs_of_many_classes_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = np.arange(30).repeat(4)
    said = targets.copy()
    said[4 * 7 : 4 * 7 + 3] = 9
    text = said_in(
        monkeypatch,
        lambda: pictures.confusion(
            np.eye(30, dtype=np.float32)[said],
            targets,
            [f"kind{row}" for row in range(30)],
            path=tmp_path / "confusion.png",
        ),
    )
    assert "\n3 of 4\nkind7\nkind9" in text


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("cat", "cat"),
        ("staffordshire_bullterrier", "staff…rrier"),
        ("two\nlines", "two lines"),
        ("$5", r"\$5"),
    ],
)
def test_long_names_keep_both_ends(name: str, drawn: str) -> None:
    assert canvas.short(name, 11) == drawn


def test_a_name_in_another_script_draws_without_a_warning(tmp_path: Path) -> None:
    probs, targets = predictions(9, 2)
    pictures.confusion(probs, targets, ["猫", "犬 $x^$"], path=tmp_path / "confusion.png")
    size_of_whole_png(tmp_path / "confusion.png")
