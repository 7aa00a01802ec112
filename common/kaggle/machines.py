"""Accelerators and Docker images for kernels: check names that Kaggle accepts without a check.

Kaggle accepts any text and falls back to something else, so that a wrong one shows when the quota
is spent. The names: docs/kernels.md of Kaggle/kaggle-cli at 13dad8e ("as of Sep 2026") and its pull
request 1198 (2026-09-17); the retired ones: kaggle 2.2.5, `_RETIRED_ACCELERATORS`, and its issues
1151 (P100 and torch) and 1197 (TPUs); the images: the field `docker_image` of kagglesdk 0.1.38.
"""

import difflib
import re
from collections.abc import Mapping, Sequence

NO_GPU = "none"
T4S = "NvidiaTeslaT4"
# What each is, and whether everybody gets it.
GPUS: Mapping[str, tuple[str, bool]] = {
    T4S: ("two T4s", True),
    "NvidiaTeslaT4Highmem": ("T4s with more memory", False),
    "NvidiaL4": ("L4s", False),
    "NvidiaL4X1": ("one L4", False),
    "NvidiaTeslaA100": ("an A100", False),
    "NvidiaH100": ("an H100", False),
    "NvidiaRtxPro6000": ("an RTX Pro 6000", False),
}
SEVERAL_GPUS = (T4S, "NvidiaTeslaT4Highmem", "NvidiaL4")
P100 = "NvidiaTeslaP100"
TPUS = ("TpuV5E8", "TpuV6E8", "TpuV38", "Tpu1VmV38", "TpuV232", "TpuV2256")
USE = f"use {T4S} ({GPUS[T4S][0]}, the default), or {NO_GPU}"
REFUSED: Mapping[str, str] = {
    P100: "today's torch has no kernels for a P100 (compute capability 6.0), so that nothing runs on "
    f"it, and Kaggle has retired it: {USE}",
    **dict.fromkeys(
        TPUS,
        "the kit trains on GPUs and CPUs, and a pushed kernel gets no image with torch for a TPU, "
        f"so that it would run on the CPU: {USE}",
    ),
}
OTHER_WORDS = {"cpu": NO_GPU, "no": NO_GPU, "off": NO_GPU, "": NO_GPU, "tpu": TPUS[0], "gpu": T4S}

PINS = ("original", "latest")
AN_IMAGE = "gcr.io/kaggle-images/python@sha256:<64 hexadecimal digits>"
IMAGE = re.compile(r"gcr\.io/kaggle-[a-z-]+/python(@sha256:[0-9a-f]{64}|:[\w][\w.-]{0,127})")

LONGEST_S = 12 * 3600  # of a kernel's run
WORD = r"[\w.-]+"
# Of a kind of source: its form, and how it is written.
SOURCES = {
    "competition": (WORD, "its slug, the last part of its address"),
    "dataset": (f"{WORD}/{WORD}", "owner/slug"),
    "kernel": (f"{WORD}/{WORD}", "owner/slug"),
    "model": (f"{WORD}/{WORD}/{WORD}/{WORD}/[0-9]+", "owner/model/framework/variation/version"),
}


def kernel_fault(
    *, machine: str, image: str, pin: str, seconds: int, sources: Mapping[str, Sequence[str]]
) -> str:
    """What is wrong with the words of a kernel; "" for none. An empty word was not given."""
    if machine and (fault := machine_fault(machine)):
        return f"machine {machine}: {fault}"
    if image and (fault := image_fault(image, pin if pin == "latest" else "")):
        return f"image {image}: {fault}"
    if not 0 <= seconds <= LONGEST_S:
        return f"Kaggle lets a kernel run {LONGEST_S} seconds, not {seconds}"
    for kind, named in sources.items():
        form, like = SOURCES[kind]
        for wrong in (each for each in named if not re.fullmatch(form, each)):
            return f"{wrong!r} names no {kind}: write it as {like}"
    return ""


def machine_fault(name: str) -> str:
    """What is wrong with an accelerator's name, and what to use; "": nothing is."""
    if name in (*GPUS, NO_GPU):
        return ""
    if name in REFUSED:
        return REFUSED[name]
    meant = _meant(name)
    if meant in REFUSED:
        return f"Kaggle has no machine of that name, the nearest is {meant}, and {REFUSED[meant]}"
    did = f"did you mean {meant}? " if meant else ""
    return f"Kaggle has no machine of that name: {did}There are {', '.join((*GPUS, NO_GPU))}"


def restricted(name: str) -> str:
    """What to know of a machine that not everybody gets; "": everybody does."""
    what, everybodys = GPUS.get(name, ("", True))
    if everybodys:
        return ""
    return (
        f"{name} ({what}) is given to some accounts and in some competitions only: where it is not, "
        f"Kaggle refuses the kernel, or runs it on another machine; {T4S} is everybody's"
    )


def image_fault(image: str, pin: str) -> str:
    """What is wrong with an image's name beside the pin that was asked for; "": nothing is.

    Args:
        pin: "" where none was asked for.
    """
    if image in PINS:
        return f"that is a word of --docker-pin: say --docker-pin {image}"
    if not IMAGE.fullmatch(image):
        return (
            f"Kaggle takes images of its own for Python alone, named as in {AN_IMAGE} (`kaggle kernels "
            "pull -m` writes a kernel's into its kernel-metadata.json); leave it out for the usual one"
        )
    if pin == "latest":
        return "--docker-pin latest asks for another image: say one of the two"
    return ""


def _meant(name: str) -> str:
    """The known name that another spelling, a short name or a slip of the keys stands for; or ""."""
    known = {_plain(each): each for each in (*GPUS, *REFUSED, NO_GPU)}
    plain = _plain(name)
    short = re.sub(r"^(nvidia|tesla|gpu|geforce)+", "", re.sub(r"x\d$|^\dx", "", plain))
    if plain in known:
        return known[plain]
    if plain in OTHER_WORDS or not short:
        return OTHER_WORDS.get(plain, T4S)
    within = [each for text, each in known.items() if len(short) > 1 and short in text]
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.5)
    return within[0] if within else known[close[0]] if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
