"""Duplicates: the same shot is found whatever was done to it, and look-alikes are left alone."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from toy_shots import COPIES, flat, recoloured, resized, shot, stored

from common.data.duplicates import groups
from common.data.duplicates.groups import across, most_in_a_group, near_groups, within

UNRELATED = 150


def found(pairs: pd.DataFrame) -> list[tuple[int, int, str]]:
    return [(a, b, kind) for a, b, kind in zip(pairs["a"], pairs["b"], pairs["kind"], strict=True)]


@pytest.mark.parametrize("side", [32, 80])
def test_every_copy_of_a_shot_is_found_and_nothing_else(tmp_path: Path, side: int) -> None:
    originals = [shot(seed, side) for seed in range(len(COPIES))]
    copies = [copy(image) for copy, image in zip(COPIES.values(), originals, strict=True)]
    others = [shot(1000 + seed, side) for seed in range(UNRELATED)]
    store = stored(tmp_path, [*originals, *others, *copies])
    pairs = within(store)
    planted = [(n, n + len(others) + len(COPIES), "near") for n in range(len(COPIES))]
    assert found(pairs) == planted
    assert (pairs["distance"] < 0.2).all()
    assert (pairs["distance"] >= 0).all()


def test_copies_are_found_in_another_set_and_at_another_size(tmp_path: Path) -> None:
    originals = [shot(seed, 96) for seed in range(6)]
    small = [cv2.resize(image, (70, 48), interpolation=cv2.INTER_AREA) for image in originals[::-1]]
    first = stored(tmp_path / "train", originals)
    second = stored(tmp_path / "test", [*small, shot(77)])
    assert found(across(first, second)) == [(n, 5 - n, "near") for n in range(6)]
    assert within(second).empty


def test_equal_pixels_are_the_same_whatever_the_files(tmp_path: Path) -> None:
    image, other = shot(1), shot(2)
    store = stored(tmp_path, [image, other, image, recoloured(image)])
    again = tmp_path / "files" / "00002.png"
    again.write_bytes(cv2.imencode(".bmp", image[..., ::-1])[1].tobytes())
    store = duplicates_store(tmp_path, 4)
    assert len(set(store.digests)) == 4
    assert found(within(store)) == [(0, 2, "same"), (0, 3, "near"), (2, 3, "near")]
    assert within(store)["distance"].iloc[0] == 0


def duplicates_store(folder: Path, count: int) -> Any:
    from common.data.pixels.store import open_store

    paths = [str(folder / "files" / f"{n:05}.png") for n in range(count)]
    table = pd.DataFrame({"id": [str(n) for n in range(count)], "path": paths})
    return open_store(table, side=0, cache=folder / "cache")


def test_plain_grounds_and_silhouettes_on_them_are_no_duplicates(tmp_path: Path) -> None:
    skies = [flat(seed) for seed in range(40)]
    planes = []
    for seed in range(40):
        sky = flat(100 + seed)
        rng = np.random.default_rng(seed)
        left, top = rng.integers(8, 12, 2)
        cv2.rectangle(sky, (int(left), int(top)), (int(left) + 12, int(top) + 3), (30, 30, 30), -1)
        planes.append(sky)
    assert within(stored(tmp_path, skies)).empty
    assert within(stored(tmp_path / "planes", planes)).empty


def test_images_of_a_few_pixels_count_only_when_they_are_equal(tmp_path: Path) -> None:
    tiny = [shot(seed, 8) for seed in range(20)]
    store = stored(tmp_path, [*tiny, tiny[3], recoloured(tiny[4]), resized(tiny[5], 0.8)])
    assert found(within(store)) == [(3, 20, "same")]


def test_any_number_of_threads_finds_the_same(tmp_path: Path) -> None:
    images = [shot(seed) for seed in range(30)]
    copies = [COPIES["moved, recoloured"](image) for image in images]
    answers = []
    for threads in (1, 2, 5):
        store = stored(tmp_path / str(threads), [*images, *copies])
        answers.append(within(store, threads))
    assert len(answers[0]) == 30
    assert answers[0].equals(answers[1])
    assert answers[0].equals(answers[2])


def test_a_second_call_does_not_search_again(tmp_path: Path, monkeypatch: Any) -> None:
    store = stored(tmp_path, [shot(1), shot(2), recoloured(shot(1))])
    first = within(store)

    def never(*_: Any) -> Any:
        raise AssertionError("searched again")

    monkeypatch.setattr(groups, "candidates", never)
    assert within(store).equals(first)
    monkeypatch.setattr(groups, "VERSION", groups.VERSION + 1)
    with pytest.raises(AssertionError, match="searched again"):
        within(store)


def test_groups_join_chains_of_copies(tmp_path: Path) -> None:
    image = shot(1)
    store = stored(tmp_path, [shot(2), image, recoloured(image), shot(3), image])
    assert near_groups(store).tolist() == ["0", "1", "1", "3", "1"]


def test_a_group_too_large_to_be_a_shot_falls_back_to_equal_pixels(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    images = [shot(seed) for seed in range(20)]
    store = stored(tmp_path, [*images, images[0], recoloured(images[15]), images[15]])
    assert most_in_a_group(len(store)) == 10
    chain = [(n, n + 1, "near", 0.1) for n in range(12)]
    pairs = within(store)
    linked = pd.concat([pairs, pd.DataFrame(chain, columns=groups.COLUMNS)])
    monkeypatch.setattr(groups, "within", lambda _: linked)
    named = near_groups(store).tolist()
    assert named[:15] == [str(n) for n in range(15)]
    assert named[20] == "0"  # equal pixels stay together in the group that was given up
    assert named[21] == named[22] == named[15] == "15"  # and another group is believed
    assert "link 14 of 23 images into one group" in " ".join(capsys.readouterr().err.split())


def test_many_copies_of_one_image_are_not_listed_pair_by_pair(tmp_path: Path) -> None:
    store = stored(tmp_path, [shot(1)] * 60 + [shot(2)])
    assert len(within(store)) == 59
    assert near_groups(store).tolist() == ["0"] * 60 + ["60"]
    assert len(across(store, store)) == 61


def test_hundreds_of_look_alikes_do_not_fill_the_memory() -> None:
    from common.data.duplicates.search import KEPT, candidates

    rng = np.random.default_rng(0)
    base = shot(1).astype(int)
    crowd = [np.clip(base + rng.integers(-9, 9, base.shape), 0, 255) for _ in range(250)]
    pairs = candidates(np.stack(crowd).astype(np.uint8))
    assert np.bincount(pairs[:, 0]).max() <= KEPT
