"""The cases of the GPU tests: every pair of values that may occur together stands in one of them.

`FACTORS` are what varies; `CASES` is a literal table, proved by tests/common/training/test_gpu_cases.py,
which names the pairs that a new value or factor still lacks. KIT_TEST_DEVICE=cpu walks them without a
GPU, fp16 as bf16.
"""

import os
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from toy_competitions import laid_out, request_of, toy_competition

from common.competition import Competition
from common.models.backbone import build
from common.models.export import write_model_folder
from common.recipe import Recipe
from common.targets import Grades, LabelSet, Numbers, OneClass
from common.workflow.request import Request

DEVICE = os.environ.get("KIT_TEST_DEVICE", "cuda")
NEEDS_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(), reason="this machine has no GPU"
    ),
]
# How far probabilities, or numbers as shares of their range, may lie apart. In fp32 a GPU's
# convolutions round their factors to ten bits (TF32), as torch has it.
APART = {"fp32": 2e-3, "fp16": 1e-2, "bf16": 5e-2}

FACTORS: dict[str, tuple[str, ...]] = {
    "network": ("kit_resnet9", "kit_fastnet", "test_resnet", "test_vit"),
    "head": ("linear", "mlp:16", "rows", "logits-mlp:16"),
    "weights": ("scratch", "pretrained"),
    "freeze": ("none", "backbone", "stages:1", "lp-ft:1", "gradual:1"),
    "precision": ("fp32", "bf16", "fp16"),
    "memory_format": ("channels_last", "contiguous"),
    "compile": ("eager", "compiled"),
    "optimizer": ("sgd", "adamw", "kit_muon"),
    "augment": ("small", "small-alternate", "small-none", "photo", "photo-none"),
    "size": ("stored", "resized", "growing"),
    "loss": ("cross_entropy", "bce", "asymmetric", "cumulative", "huber", "bce_range"),
    "mix": ("unmixed", "mixup", "cutmix"),
    "class_balance": ("none", "weights", "sampling"),
    "views": ("identity", "mirror+diagonal", "five_crops+square+scales"),
    "ema_decay": ("0", "0.5"),
    "clip_grad": ("0", "1"),
    "grad_accum_steps": ("1", "2"),
    "drop_rate": ("0", "0.2"),
}
# Pairs that the kit refuses, and of `compiled` what would compile three times, or never.
REFUSED = (
    *(("weights=scratch", f"head={head}") for head in ("rows", "logits-mlp:16")),
    *(("head=rows", f"loss={loss}") for loss in FACTORS["loss"][1:]),
    *product(("class_balance=weights", "class_balance=sampling"), ("loss=huber", "loss=bce_range")),
    *product(("network=test_vit",), ("size=stored", "size=growing")),
    *product(("augment=photo", "augment=photo-none"), ("size=stored",)),
    *product(("freeze=backbone",), ("size=growing", "drop_rate=0.2", "compile=compiled")),
    ("size=growing", "compile=compiled"),
)
# Compiling takes half a minute: these factors' values meet it, the others need not.
COMPILED_WITH = ("network", "head", "freeze", "precision", "memory_format", "optimizer")
# A case is one digit a factor, in their order: the place of its value. The compiled ones come first:
# they take the longest.
TABLE = """
010201122020121001
121320110002020111
200410102011200101
331010123122211101
000221013141011001
000300012040021010
010021021051021110
010400001001021100
011311021211120110
011321002030101000
021011012200211000
031020004130120111
031110000131010100
031200000152001101
100021020110101001
100221014140011011
101301024231201000
110411020242011000
111220023210120001
121221004201100101
131110012050001010
131121001021000100
131400024221120010
200321003250010010
200321010221211111
210100014112111000
210210001032210110
221100023101220000
231000011240000111
300121002142020110
301201011101201010
310421013130101010
311410024151021111
321410001102000110
331310013112020011
331411010101200011
"""
# Where a value has several forms, the cases take them in turn.
FORMS = {
    "kit_resnet9": ("kit_resnet9_16", "kit_resnet9_32"),
    "kit_fastnet": ("kit_fastnet_16", "kit_fastnet_128"),
    "small": ("small", "small-mirror", "small-shift"),
    "photo": ("photo", "photo-crop", "photo-light"),
}
ON_OFF = ("ema_decay", "clip_grad", "grad_accum_steps", "drop_rate")
RATES = {"sgd": 0.02, "adamw": 1e-3, "kit_muon": 0.02}
SIZES = {
    "stored": {},
    "resized": {"image_size": 48},
    "growing": {"image_size": 56, "initial_image_size": 40},
}
MIXES = {"unmixed": {}, "mixup": {"mixup": 0.3}, "cutmix": {"cutmix": 1.0}}
LABELS = ("first", "second", "third")
MEASURES = ("age", "size")


@dataclass(frozen=True)
class Case:
    """One value of each factor."""

    number: int
    values: tuple[str, ...]

    def __str__(self) -> str:
        plain = ("scratch", "eager", "unmixed", "none", "identity", "0")
        return f"{self.number}-" + "-".join(
            f"{name}={value}" if name in ON_OFF else value
            for name, value in zip(FACTORS, self.values, strict=True)
            if value not in plain and (name, value) != ("grad_accum_steps", "1")
        )

    def __getitem__(self, factor: str) -> str:
        value = self.values[list(FACTORS).index(factor)]
        forms = FORMS.get(value, (value,))
        return forms[self.number % len(forms)]

    @property
    def range(self) -> float:
        """What the answers span: 1 of probabilities."""
        return 9.0 if self["loss"] in ("huber", "bce_range") else 1.0

    def request(self, folder: Path) -> Request:
        """The case as a request, its data and weights written into `folder`."""
        competition = competition_of(self["loss"])
        laid_out(competition, folder / "data", count=60, hidden=12, side=40)
        return request_of(competition, folder, **self.fields(DEVICE) | self._weights(folder))

    def fields(self, device: str) -> dict[str, Any]:
        """The recipe's fields without those of the network."""
        kept = [
            "head",
            "freeze",
            "memory_format",
            "optimizer",
            "augment",
            "loss",
            "class_balance",
            "views",
        ]
        precision = self["precision"]
        if device == "cpu" and precision == "fp16":  # a CPU cannot train in it
            precision = "bf16"
        numbers = {name: float(self[name]) for name in ON_OFF}
        return {
            **{name: self[name] for name in kept},
            **{name: type(getattr(Recipe(), name))(number) for name, number in numbers.items()},
            **SIZES[self["size"]],
            **MIXES[self["mix"]],
            "compile": self["compile"] == "compiled",
            "lr": RATES[self["optimizer"]],
            "device": device,
            "precision": precision,
            "folds": 1,
            "epochs": 3,
            "groups": "none",
        }

    def _weights(self, folder: Path) -> dict[str, Any]:
        """The network and its weights: `pretrained` are a random network's, of five classes, in a folder."""
        network = self["network"]
        if self["weights"] == "scratch":
            return {"backbone": network}
        torch.manual_seed(7)
        recipe = Recipe(backbone=network, image_size=48)
        names = [*LABELS, "fourth", "fifth"]
        save_file(build(recipe, names).state_dict(), folder / "old.safetensors")
        write_model_folder(folder / "old", recipe, folder / "old.safetensors", names)
        return {"backbone": f"local-dir:{folder / 'old'}", "weights": "pretrained"}


def competition_of(loss: str) -> Competition:
    """A toy competition of the kind that the loss is for."""
    match loss:
        case "cross_entropy":
            return toy_competition(OneClass(), "accuracy", ["label"])
        case "bce" | "asymmetric":
            return toy_competition(LabelSet(names=LABELS), "f1_rows", ["labels"])
        case "cumulative":
            return toy_competition(Grades(lowest=1, highest=4), "rmse", ["grade"])
    numbers = Numbers(names=MEASURES, low=0, high=9)
    return toy_competition(numbers, "mae", MEASURES, columns=MEASURES)


CASES = tuple(
    Case(
        number,
        tuple(values[int(digit)] for values, digit in zip(FACTORS.values(), row, strict=True)),
    )
    for number, row in enumerate(TABLE.split())
)
