"""Predictions do not depend on how many images go through the network at once."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_answers import classes

from common.data.batches.sources import InMemory
from common.data.pixels.store import Store
from common.data.pixels.store_files import PIXELS, SHAPES
from common.inference.features import detach_head, features_of
from common.inference.predict import predict
from common.models.backbone import InputConfig, build
from common.models.network import Network
from common.recipe import Recipe

COUNT, SIDE = 23, 8


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    model = build(Recipe(backbone="kit_resnet9_16"), ("ant", "bee", "cat"))
    facts = InputConfig((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0)
    return Network(
        model,
        facts,
        0,
        torch.device("cpu"),
        torch.float32,
        torch.channels_last,
        target=classes(3),
        loss="cross_entropy",
    )


def pixels() -> torch.Tensor:
    random = np.random.default_rng(0)
    return torch.from_numpy(random.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8))


def source(batch: int) -> InMemory:
    return InMemory(pixels(), Recipe(eval_batch_size=batch), torch.zeros(3, dtype=torch.uint8))


@pytest.mark.parametrize("batch", [0, 5, 22, 23, 64])
def test_a_last_batch_that_is_not_full_predicts_as_single_images_do(
    network: Network, batch: int
) -> None:
    rows, views = np.random.default_rng(1).permutation(COUNT)[:22], ["identity", "shifts"]
    alone = predict(network, source(1), rows, views=views, label="")
    found = predict(network, source(batch), rows, views=views, label="")
    for view in views:
        assert found[view].shape == (22, 3)
        assert np.abs(found[view] - alone[view]).max() < 1e-5
        assert np.abs(np.diff(found[view], axis=0)).max() > 1e-3  # the images can be told apart


@pytest.mark.parametrize("batch", [0, 5])
def test_features_of_a_last_batch_that_is_not_full_are_those_of_single_images(
    network: Network, batch: int, tmp_path: Path
) -> None:
    (tmp_path / PIXELS).write_bytes(pixels().numpy().tobytes())
    np.full((COUNT, 2), SIDE).tofile(tmp_path / SHAPES)
    store = Store(tmp_path, [str(number) for number in range(COUNT)])
    detach_head(network.model)
    found = [
        features_of(network, source(size), store, "mirror", cache=tmp_path / str(size))
        for size in (1, batch)
    ]
    assert found[1].shape == (1, COUNT, 128)
    assert torch.allclose(found[0], found[1], atol=1e-4)


def test_damaged_features_are_computed_anew_and_it_is_said(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / PIXELS).write_bytes(pixels().numpy().tobytes())
    np.full((COUNT, 2), SIDE).tofile(tmp_path / SHAPES)
    store = Store(tmp_path, [str(number) for number in range(COUNT)])
    detach_head(network.model)
    found = features_of(network, source(0), store, "identity", cache=tmp_path)
    (path,) = (tmp_path / "features").rglob("*.npy")
    whole, few = path.read_bytes(), io.BytesIO()
    np.save(few, found.numpy()[:, 1:])
    damages = {"cannot be read": whole[:-9], "(No data": b"", "of 23 images": few.getvalue()}
    assert not capsys.readouterr().err
    for words, content in {**damages, "cannot be": whole[9:]}.items():
        path.write_bytes(content)
        again = features_of(network, source(0), store, "identity", cache=tmp_path)
        assert torch.equal(again, found)
        assert path.read_bytes() == whole
        assert words in (told := capsys.readouterr().err)
        assert told.count("computed anew") == 1
