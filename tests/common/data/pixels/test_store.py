"""The store of decoded pixels: right pixels, made once, whole or absent."""

import os
import pickle
import shutil
from pathlib import Path

import cv2
import pandas as pd
import pytest
from toy_files import encode, picture

from common.data.pixels import store_writer
from common.data.pixels.store import Store, open_store
from common.data.pixels.store_files import PIXELS, SHAPES


def lay(folder: Path, files: dict[str, bytes]) -> pd.DataFrame:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return pd.DataFrame(
        {"id": [Path(n).stem for n in files], "path": [str(folder / n) for n in files]}
    )


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    return lay(tmp_path / "images", {f"{i}.png": encode(picture()) for i in range(300)})


def test_the_store_gives_each_images_own_pixels_in_table_order(tmp_path: Path) -> None:
    shapes = [(12, 16), (30, 20), (1, 1), (7, 50)]
    pictures = [picture(*shape) for shape in shapes]
    table = lay(tmp_path / "i", {f"{i}.png": encode(p) for i, p in enumerate(pictures)})
    table = table.iloc[::-1]
    opened = open_store(table, side=0, cache=tmp_path)
    assert len(opened) == 4
    assert opened.shapes.tolist() == [list(shape) for shape in shapes[::-1]]
    for image, expected in zip(opened, pictures[::-1], strict=True):
        assert (image == expected).all()
        assert not image.flags.writeable
    assert (opened[-1] == pictures[0]).all()
    with pytest.raises(IndexError):
        opened[4]
    with pytest.raises(ValueError, match=r"several shapes, from 1×1 to 30×50"):
        opened.array()


def test_images_of_one_shape_are_one_array(tmp_path: Path, table: pd.DataFrame) -> None:
    opened = open_store(table, side=0, cache=tmp_path)
    assert opened.uniform
    assert opened.array().shape == (300, 12, 16, 3)
    assert (opened.array()[299] == opened[299]).all()


def test_one_and_two_threads_write_the_same_bytes(tmp_path: Path, table: pd.DataFrame) -> None:
    stores = [
        open_store(table, side=8, cache=tmp_path / str(threads), threads=threads)
        for threads in (1, 2)
    ]
    one, two = ((s.folder / PIXELS).read_bytes() for s in stores)
    assert one == two
    assert stores[0].folder.name == stores[1].folder.name


def test_no_image_is_decoded_twice(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_store(table, side=8, cache=tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(store_writer, "decode", never)
    again = open_store(table.assign(id=table["id"] + "x"), side=8, cache=tmp_path)
    assert again.folder == first.folder


def test_other_bytes_another_order_and_another_size_are_other_stores(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    first = open_store(table, side=0, cache=tmp_path)
    sized = open_store(table, side=8, cache=tmp_path)
    turned = open_store(table.iloc[::-1], side=0, cache=tmp_path)
    Path(table["path"][0]).write_bytes(encode(picture()))
    changed = open_store(table, side=0, cache=tmp_path)
    assert len({s.folder for s in (first, sized, turned, changed)}) == 4
    assert len({s.folder.name for s in (first, turned, changed)}) == 3
    assert changed.digests[1:] == first.digests[1:]
    assert changed.digests[0] != first.digests[0]


def test_the_shorter_side_shrinks_and_nothing_is_enlarged(tmp_path: Path) -> None:
    files = {"wide.png": (40, 101), "tall.png": (90, 30), "small.png": (9, 300)}
    table = lay(tmp_path / "i", {name: encode(picture(*s)) for name, s in files.items()})
    opened = open_store(table, side=20, cache=tmp_path)
    assert opened.shapes.tolist() == [[20, 50], [60, 20], [9, 300]]


def test_a_truncated_store_is_made_again(tmp_path: Path, table: pd.DataFrame) -> None:
    opened = open_store(table, side=0, cache=tmp_path)
    whole = (opened.folder / PIXELS).read_bytes()
    os.truncate(opened.folder / PIXELS, len(whole) - 1)
    assert (open_store(table, side=0, cache=tmp_path).folder / PIXELS).read_bytes() == whole
    (opened.folder / SHAPES).write_bytes(b"")
    assert (open_store(table, side=0, cache=tmp_path).folder / PIXELS).read_bytes() == whole


def test_what_a_killed_process_left_under_a_temporary_name_is_swept(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    whole = open_store(table, side=0, cache=tmp_path).folder
    killed = whole.with_name(f".{whole.name}.1.tmp")
    whole.rename(killed)
    assert open_store(table, side=0, cache=tmp_path).uniform
    assert not killed.exists()


def test_one_message_names_every_file_that_gives_no_image(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    jpeg, png = encode(picture(64, 64), ".jpg"), encode(picture(64, 64))
    bad = lay(
        tmp_path / "bad",
        {
            "half.jpg": jpeg[: len(jpeg) // 2],
            "half.png": png[: len(png) // 2],
            "text.png": b"<html>not found</html>",
            "void.png": b"",
        },
    )
    gone = pd.DataFrame({"id": ["gone"], "path": [str(tmp_path / "gone.png")]})
    table = pd.concat([table, bad, gone], ignore_index=True)
    with pytest.raises(ValueError, match="5 of 305 images cannot be used") as raised:
        open_store(table, side=0, cache=tmp_path)
    for words in (
        "half.jpg): the JPEG is cut short",
        "half.png): the PNG is cut short",
        "text.png): not an image",
        "void.png): the file is empty",
        "gone.png): missing",
    ):
        assert words in str(raised.value)
    assert [p for p in (tmp_path / "stores").iterdir() if p.is_dir()] == []


def test_ten_bad_files_are_named_and_the_others_counted(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [f"i{n}" for n in range(25)], "path": "nowhere.png"})
    with pytest.raises(ValueError, match=r"25 of 25.*i9 \(nowhere.png\): missing; and 15 more$"):
        open_store(table, side=0, cache=tmp_path)


def test_a_full_disk_is_noticed_before_anything_is_decoded(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: honest._replace(free=10_000))
    monkeypatch.setattr(store_writer, "decode", None)
    with pytest.raises(ValueError, match="free some space"):
        open_store(table, side=0, cache=tmp_path)


def test_an_empty_table_and_a_negative_side_are_refused(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match="the table is empty"):
        open_store(table.iloc[:0], side=0, cache=tmp_path)
    with pytest.raises(ValueError, match="side=-1"):
        open_store(table, side=-1, cache=tmp_path)


def test_a_pickled_store_is_a_path_and_not_its_pixels(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opened = open_store(table, side=0, cache=Path("cache"))
    pickled = pickle.dumps(opened)
    assert len(pickled) < opened.array().nbytes / 5
    monkeypatch.chdir(tmp_path / "images")
    again: Store = pickle.loads(pickled)
    assert (again.array() == opened.array()).all()
    assert again.digests == opened.digests


def test_opencv_keeps_its_threads_afterwards(tmp_path: Path, table: pd.DataFrame) -> None:
    before = cv2.getNumThreads()
    open_store(table, side=0, cache=tmp_path)
    assert cv2.getNumThreads() == before


@pytest.mark.shared
def test_real_photographs_are_all_whole(tmp_path: Path) -> None:
    folder = Path(__file__).parents[4] / "../shared/data/dog-breed-identification/train"
    if not folder.is_dir():
        pytest.skip("no real images beside the checkout")
    paths = sorted(folder.resolve().glob("*.jpg"))
    table = pd.DataFrame({"id": [p.stem for p in paths], "path": [str(p) for p in paths]})
    opened = open_store(table, side=224, cache=tmp_path)
    assert len(opened) == 300
    assert opened.shapes.min() <= 224
