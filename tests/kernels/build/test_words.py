"""Words for Kaggle: what it would take in silence is refused, before anything is built."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_kernel import kernel

import competitions
import kit
from common.kaggle.client import KaggleError, kernels
from common.kaggle.machines import GPUS, P100, image_fault, machine_fault, restricted
from kernels.build.attachments import dataset_name
from kernels.build.spec import Shape, title_of
from kernels.build.words import check_words

DIGEST = "f4b6dd72d4ac48c76fbb02bce0798b80b284102886ad37e6041e9ab721dc8873"


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The sentence of `kit digits kernel WORDS`, which builds nothing."""
    assert kit.main(["digits", "kernel", *words, "--runs", str(tmp_path / "runs")]) == 1
    assert not (tmp_path / "runs").exists()
    return capsys.readouterr().err


def test_a_machine_that_torch_has_no_kernels_for_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(tmp_path, capsys, "--machine", P100) == (
        "kit: --machine NvidiaTeslaP100: today's torch has no kernels for a P100 (compute capability "
        "6.0), so that nothing runs on it, and Kaggle has retired it: use NvidiaTeslaT4 (two T4s, the "
        "default), or none\n"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("T4", "NvidiaTeslaT4"),
        ("t4x2", "NvidiaTeslaT4"),
        ("GPU T4 x2", "NvidiaTeslaT4"),
        ("NvidiaTelsaT4", "NvidiaTeslaT4"),
        ("nvidiateslat4", "NvidiaTeslaT4"),
        ("nvidia-tesla-t4", "NvidiaTeslaT4"),
        ("gpu", "NvidiaTeslaT4"),
        ("2xT4", "NvidiaTeslaT4"),
        ("L4", "NvidiaL4"),
        ("A100", "NvidiaTeslaA100"),
        ("NvidiaA100", "NvidiaTeslaA100"),
        ("H100", "NvidiaH100"),
        ("RTX6000", "NvidiaRtxPro6000"),
        ("cpu", "none"),
        ("None", "none"),
        ("", "none"),
    ],
)
def test_another_spelling_of_a_machine_names_the_one_that_is_meant(typed: str, meant: str) -> None:
    assert f"no machine of that name: did you mean {meant}? There are" in machine_fault(typed)


@pytest.mark.parametrize("name", [*GPUS, "none"])
def test_every_name_that_kaggle_knows_is_taken(name: str) -> None:
    assert machine_fault(name) == ""
    assert (restricted(name) == "") == (name in ("NvidiaTeslaT4", "none"))


def test_a_machine_of_no_known_name_lists_them_all() -> None:
    told = machine_fault("zzz")
    assert told.startswith("Kaggle has no machine of that name: There are NvidiaTeslaT4, ")
    assert told.endswith(", none")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("P100", "the nearest is NvidiaTeslaP100, and today's torch has no kernels for a P100"),
        ("nvidia-tesla-p100", "the nearest is NvidiaTeslaP100, and"),
        ("TpuV5E8", "gets no image with torch for a TPU, so that it would run on the CPU: use Nvi"),
        ("tpu", "the nearest is TpuV5E8, and the kit trains on GPUs"),
    ],
)
def test_what_would_train_nothing_is_refused_under_any_name(typed: str, told: str) -> None:
    assert told in machine_fault(typed)


@pytest.mark.parametrize(
    ("image", "pin", "told"),
    [
        ("nonsense", "", "named as in gcr.io/kaggle-images/python@sha256:<64 hexadecimal digits>"),
        ("python:3.12", "", "Kaggle takes images of its own"),
        ("docker.io/library/python@sha256:" + DIGEST, "", "Kaggle takes images of its own"),
        ("gcr.io/kaggle-images/python", "", "Kaggle takes images of its own"),
        ("gcr.io/kaggle-images/python@sha256:" + DIGEST[:-1], "", "Kaggle takes images of its own"),
        ("gcr.io/kaggle-images/rstats@sha256:" + DIGEST, "", "images of its own for Python alone"),
        ("latest", "", "that is a word of --docker-pin: say --docker-pin latest"),
        ("gcr.io/kaggle-images/python@sha256:" + DIGEST, "latest", "asks for another image"),
        ("gcr.io/kaggle-images/python@sha256:" + DIGEST, "original", ""),
        ("gcr.io/kaggle-private-byod/python@sha256:" + DIGEST, "", ""),
        ("gcr.io/kaggle-gpu-images/python:v160", "", ""),
    ],
)
def test_an_image_is_one_of_kaggles_for_python(image: str, pin: str, told: str) -> None:
    found = image_fault(image, pin)
    assert told in found
    assert bool(found) == bool(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--docker-image", "nonsense"],
            "kit: --docker-image nonsense: Kaggle takes images of its",
        ),
        (
            ["--machine", "NvidiaTeslaT4", "device=cpu"],
            "device=cpu uses no accelerator, and it cos",
        ),
        (["--machine", "none", "device=cuda"], "kit: --machine none: device=cuda needs a GPU"),
        (["device=mps"], "kit: device=mps: Kaggle has no such device"),
        (["--time-limit", "43201"], "kit: --time-limit 43201: Kaggle lets a kernel run 1 to 43200"),
        (["--time-limit", "0"], "kit: --time-limit 0: Kaggle lets a kernel run 1 to 43200"),
        (["--sample", "-5"], "kit: --sample -5: it is a number above 0"),
    ],
)
def test_words_that_fit_no_kernel_are_refused_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert told in refused(tmp_path, capsys, *words)


def test_a_machine_that_not_everybody_gets_is_taken_and_said(
    toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    request = toy(device="auto")
    check_words(request, Shape(machine="NvidiaL4"))
    assert "NvidiaL4 (L4s) is given to some accounts and in some" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"machine": "T4"}, "pushing petals-by-the-number: machine T4: Kaggle has no machine of"),
        ({"docker_image": "nonsense"}, "image nonsense: Kaggle takes images of its own"),
        (
            {
                "docker_pin": "latest",
                "docker_image": f"gcr.io/kaggle-images/python@sha256:{DIGEST}",
            },
            "asks for another image: say one of the two",
        ),
        ({"seconds": 50_000}, "lets a kernel run 43200 seconds, not 50000"),
        ({"datasets": ("petals",)}, "'petals' names no dataset: write it as owner/slug"),
        (
            {"kernels": ("https://www.kaggle.com/code/a/b",)},
            "names no kernel: write it as owner/sl",
        ),
        ({"competitions": ("c/petals",)}, "'c/petals' names no competition: write it as its slug"),
        ({"title": "a" * 51, "slug": "a" * 51}, "has 51 characters, and Kaggle wants 50 at most"),
    ],
)
def test_a_push_by_other_ways_refuses_the_same_before_any_call(
    facts: dict[str, Any], told: str
) -> None:
    with pytest.raises(KaggleError) as caught:
        kernels.push(replace(kernel("1"), **facts), environment={"http_proxy": "unused"})
    assert told in str(caught.value)


def test_titles_and_slugs_keep_to_the_sites_limits() -> None:
    assert title_of("kit digits quick", " part 2") == "kit digits quick part 2"
    long = "kit a-competition-of-a-long-name-indeed wide-augmented"
    one, two = title_of(long), title_of(long + "-2", " part 2")
    assert max(len(one), len(two)) <= 50
    assert one != title_of(long + "-2")
    assert two.endswith(" part 2")
    assert dataset_name("UBC-OCEAN") == ("ubc-ocean-kit-inputs", "ubc ocean kit inputs")
    for name in competitions.names():
        recipes = competitions.load(name).recipes
        assert all(len(title_of(f"kit {name} {each}")) <= 50 for each in recipes)
