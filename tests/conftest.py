"""No test can reach the real Kaggle, or anything else beyond this machine's loopback."""

import gc
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_warnings import GPU_WARNINGS

CLOSED = "http://127.0.0.1:9"  # the discard port: nothing listens there
DEVICE = os.environ.get("KIT_TEST_DEVICE", "cpu")  # that the toy competition trains on
PREFIXES = ("KAGGLE_", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_home = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module, and so before numpy or torch, is imported."""
    home = Path(tempfile.mkdtemp(prefix="kit-tests-"))
    config.stash[_home] = home
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        del os.environ[name]
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = CLOSED
    os.environ |= {
        "no_proxy": "127.0.0.1",
        "NO_PROXY": "127.0.0.1",
        "KIT_LOOPBACK_ONLY": "1",
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "KAGGLE_CONFIG_DIR": str(home / "kaggle"),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "OMP_NUM_THREADS": "1",  # two threads on a busy machine are far slower than one
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS reads it once, at its first call
        "HF_HUB_OFFLINE": "1",
    }
    # Its font list takes seconds to build; one place for all sessions keeps it.
    os.environ.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "kit-tests-fonts"))
    os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_itemcollected(item: pytest.Item) -> None:
    """On a GPU's machine libraries may warn of themselves."""
    if item.get_closest_marker("gpu"):
        item.add_marker(pytest.mark.filterwarnings(*GPU_WARNINGS))


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_home], ignore_errors=True)


def _loopback(address: Any) -> bool:
    """A socket's file, or an address or name of this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:  # any other name
        return False


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if not _loopback(address):
            pytest.fail(f"a test tried to connect to {address}; tests stay on 127.0.0.1")
        return connect(self, address)

    return checked


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Connections of this process to anything but loopback fail the test that makes them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests that use torch use one thread of it; the others do not load it."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def collected() -> None:
    """What the imports made is never garbage: after each fold it need not be searched for some."""
    gc.collect()
    gc.freeze()


def _toy_image(label: int, seed: int, side: int) -> bytes:
    """A noisy square of one of three colours, as PNG."""
    import cv2
    import numpy as np

    noise = np.random.default_rng((label, seed)).integers(0, 120, (side, side, 3))
    noise[..., label] += 100
    return bytes(cv2.imencode(".png", noise.astype(np.uint8))[1].tobytes())


@pytest.fixture
def toy(tmp_path: Path) -> Any:
    """A request for a competition of three colours, laid out on disk as digits: seconds to train.

    It is a function: `toy(epochs=3)` changes the recipe, `toy("epochs=3", fresh=True)` the call.
    """
    from dataclasses import replace

    import pandas as pd

    import competitions
    from common.recipe import Recipe
    from common.workflow.request import Request

    digits = competitions.load("digits")
    labels = [number % 3 for number in range(60)]
    table = pd.DataFrame(
        {
            "id": [f"{number:02}e7" for number in range(60)],
            "label": [str(label) if number < 48 else None for number, label in enumerate(labels)],
            "hidden": [number >= 48 for number in range(60)],
        }
    )
    images = [_toy_image(label, number, 8) for number, label in enumerate(labels)]
    digits.lay_out(table, images, tmp_path / "data")
    base = Recipe(
        folds=2, epochs=2, batch_size=8, lr=0.02, augment="small", device=DEVICE, eval_batch_size=16
    )

    def request(*words: str, fresh: bool = False, **fields: Any) -> Request:
        recipe = replace(base, **fields)
        return Request(
            competition=replace(digits, recipes={"toy": recipe}),
            recipe_name="toy",
            words=words,
            data=tmp_path / "data",
            runs=tmp_path / "runs",
            fresh=fresh,
        )

    return request
