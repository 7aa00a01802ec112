"""Print what a change of shape must not change, for one checkout of the kit.

    python tests/golden.py [CHECKOUT] [PART …] > before.txt     # parts: digits frozen photo verbs

Run it on two checkouts on one machine and compare the lines: bytes of `oof.npz` and
`submission.csv`, names of run folders and stores, features, the JSON keys of every verb.
Training gives other bytes on another machine, so no output is kept in the repository.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
QUICK = ["rows=300", "folds=2", "epochs=1"]
BLOCK = ["--sample", "60", "--memory", "8000"]
ALONE = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
NETWORK = [
    "backbone=test_resnet.r160_in1k",
    "folds=2",
    "batch_size=8",
    "image_size=64",
    "device=cpu",
]


class Checkout:
    """One checkout's `kit`, called in a folder of its own."""

    def __init__(self, code: Path, place: Path) -> None:
        self.code, self.place = code, place

    def kit(self, *words: str, code: Path | None = None) -> dict[str, Any]:
        """The JSON of one call; its other output goes to stderr."""
        command = [sys.executable, str((code or self.code) / "kit.py"), *words, "--json"]
        own = {"PYTHONPATH": str(code or self.code)}
        found = subprocess.run(
            command, cwd=self.place, env=self.environment | own, stdout=subprocess.PIPE, check=True
        )
        answer: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
        return answer

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, less any Kaggle account, with one thread and the checkout's own modules."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("KAGGLE")}
        return kept | ALONE | {"PYTHONPATH": str(self.code), "HOME": str(self.place)}


def main(words: Sequence[str]) -> None:
    """Print the lines of the named parts, by default of all."""
    parts = {"digits": digits, "frozen": frozen, "photo": photo, "verbs": verbs}
    code = Path(words[0]).resolve() if words and words[0] not in parts else HERE
    named = [word for word in words if word in parts] or list(parts)
    for name in named:
        with tempfile.TemporaryDirectory() as folder:
            for line in parts[name](Checkout(code, Path(folder))):
                print(f"{name}: {line}", flush=True)


def digits(here: Checkout) -> Iterator[str]:
    """The embedded competition's default recipe."""
    yield from _run(here, here.kit("digits", "run"))


def frozen(here: Checkout) -> Iterator[str]:
    """Heads on features of a frozen backbone, which are computed once."""
    toy_photographs(here.place / "toys")
    words = ["weights=start.safetensors", "freeze=backbone", "augment=photo-none", "epochs=4"]
    _random_weights(here)
    found = here.kit("folder", "run", "--data", "toys", *NETWORK, *words, "views=mirror", "seed=3")
    yield from _run(here, found)


def photo(here: Checkout) -> Iterator[str]:
    """Photographs with colours, mixup and averaged weights, in every kind of epoch."""
    toy_photographs(here.place / "toys")
    words = [
        "weights=scratch",
        "augment=photo",
        "freeze=gradual:1",
        "epochs=3",
        "mixup=0.2",
        "ema_decay=0.9",
        "label_smoothing=0.1",
        "schedule=one-cycle",
        "final=refit",
    ]
    for more in (["views=mirror+five_crops"], ["decision=temperature", "views=shifts"]):
        yield from _run(here, here.kit("folder", "run", "--data", "toys", *NETWORK, *words, *more))


def verbs(here: Checkout) -> Iterator[str]:
    """The keys of every verb's JSON."""
    _copy(here.code, here.place / "copy")
    first = here.kit("digits", "run", *QUICK)
    second = here.kit("digits", "run", *QUICK, "lr=0.05")
    calls: list[Sequence[str]] = [
        ("digits", "download"),
        ("digits", "check"),
        ("digits", "validate", *QUICK),
        ("digits", "predict", "views=mirror"),
        ("digits", "submit"),
        ("digits", "leaderboard"),
        ("digits", "blend", first["run"], second["run"]),
        ("digits", "compare", "quick", "quick,lr=0.05", *QUICK),
        ("digits", "export"),
        ("digits", "rehearse", *QUICK),
        ("digits", "recipes"),
        ("digits", "check-submission", first["submission"]),
        ("digits", "tune", *QUICK, "--seconds", "0.01"),
        ("digits", "kernel", "--dry-run", *QUICK, *BLOCK),
        ("digits", "kernel-inputs", *QUICK),
        ("list",),
        ("ledger",),
        ("doctor",),
        ("doctor", "--fields"),
    ]
    yield f"run {_shape(first)}"
    for call in calls:
        yield f"{' '.join(call[:2])} {_shape(here.kit(*call))}"
    yield f"new {_shape(here.kit('new', 'plant-seedlings', code=here.place / 'copy'))}"
    yield f"host {_shape(_served(here))}"


def toy_photographs(folder: Path) -> None:
    """Class folders of three kinds of noisy pictures, of several sizes; 14 to learn, 6 to test."""
    import cv2
    import numpy as np

    for number in range(60):
        kind, rng = number % 3, np.random.default_rng(number)
        height, width = rng.integers(70, 110, 2)
        pixels = rng.integers(0, 120, (height, width, 3)).astype(np.uint8)
        pixels[..., kind] += 100
        place = folder / ("train" if number < 42 else "test") / "abc"[kind]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number}.{'jpg' if number % 2 else 'png'}"), pixels)


def _random_weights(here: Checkout) -> None:
    program = (
        "import timm, torch; from safetensors.torch import save_file; torch.manual_seed(7); "
        "save_file(timm.create_model('test_resnet.r160_in1k').state_dict(), 'start.safetensors')"
    )
    subprocess.run(
        [sys.executable, "-c", program], cwd=here.place, env=here.environment, check=True
    )


def _run(here: Checkout, result: dict[str, Any]) -> Iterator[str]:
    folder = here.place / result["run"]
    yield f"folder {folder.name}"
    for name in ("oof.npz", "submission.csv"):
        yield f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16]}"
    yield f"cv {result['cv']!r} test {result.get('test')!r}"
    files = sorted(
        {_plain(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    )
    yield f"files {' '.join(files)}"
    cache = here.place / "runs" / "cache"
    yield f"stores {' '.join(sorted(path.name for path in cache.glob('stores/*') if path.is_dir()))}"
    # The name of features holds a digest of the code that made them: their content is printed.
    blocks = [path.read_bytes() for path in cache.glob("features/*/*.npy")]
    yield f"features {' '.join(sorted(hashlib.sha256(each).hexdigest()[:16] for each in blocks))}"


def _plain(path: Path) -> str:
    """A file of a run; the folders of predictions are named by the code."""
    parts = list(path.parts)
    if parts[0] == "predictions":
        parts[1] = "*"
    return "/".join(parts)


def _shape(value: Any) -> str:
    """The keys of a JSON value, all the way down; of a list those of its first element."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_shape(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{_shape(value[0]) if value else ''}]"
    return (
        "number"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else type(value).__name__
    )


def _copy(code: Path, place: Path) -> None:
    """The checkout's code alone, for the verb that writes into it."""
    place.mkdir()
    shutil.copy(code / "kit.py", place)
    for room in ("common", "competitions", "kernels"):
        shutil.copytree(code / room, place / room)


def _served(here: Checkout) -> dict[str, Any]:
    """What `kit host` answers when Ctrl-C ends it."""
    command = [sys.executable, str(here.code / "kit.py"), "host", "digits", "--json"]
    with subprocess.Popen(
        command, cwd=here.place, env=here.environment, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout
        host.stdout.readline()  # it is listening
        host.send_signal(signal.SIGINT)
        rest = host.stdout.read()
    return {
        "code": host.returncode,
        "lines": [line.partition("=")[0] for line in rest.splitlines()][:1],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
