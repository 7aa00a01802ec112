"""A recipe made into a kernel: its script and its metadata, in a folder of their own."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.atomic import write_json, write_text
from common.environment import git_commit
from common.kaggle.credential import secrets_of, surroundings
from common.kaggle.kernels import Kernel, slug_of
from common.runs import digest_file
from common.workflow.request import Request
from kernels.attached import needs
from kernels.bundle import ROOT, bundle, check_secrets, code_of

KERNELS = "kernels"  # below the runs
SCRIPT, METADATA = "kernel.py", "kernel-metadata.json"
T4S = "NvidiaTeslaT4"  # two of them
NO_GPU = "none"
OWNER = "INSERT_YOUR_NAME"  # in the metadata; when it is pushed, the account's is known


@dataclass(frozen=True)
class Made:
    """A kernel on disk, ready to be proven and pushed.

    Attributes:
        folder: `runs/kernels/<slug>`.
        words: the recipe's words that its script calls the kit with.
    """

    folder: Path
    kernel: Kernel
    words: tuple[str, ...]

    @property
    def script(self) -> Path:
        """The very file that is run here and pushed."""
        return self.folder / SCRIPT

    @property
    def digest(self) -> str:
        """Of the script's bytes."""
        return digest_file(self.script)


def made(request: Request, *, datasets: Sequence[str], sources: Sequence[str], part: int) -> Made:
    """Write the script and `kernel-metadata.json` of a request.

    Args:
        datasets: the account's own private ones to attach, by their slugs.
        sources: kernels to attach, "owner/slug".
        part: 1, or the number of the kernel that goes on where others ran out of time.

    Raises:
        ValueError: the script would be too large, or would carry what it must not.
    """
    competition, options = request.competition, request.options
    name = f"kit {competition.name.replace('_', '-')} {request.recipe_name.replace('_', '-')}"
    title = name if part == 1 else f"{name} part {part}"
    words = kernel_words(request)
    seconds = int(options.get("time_limit") or 0)
    facts = {
        "competition": competition.name, "slug": competition.slug, "sample": competition.sample,
        "recipe": request.recipe_name, "words": list(words), "seconds": seconds,
        "commit": git_commit(ROOT),
    }  # fmt: skip
    files = code_of(competition.name)
    check_secrets(files, secrets_of(surroundings()))
    command = shlex.join(["kit", competition.name, "run", "--recipe", request.recipe_name, *words])
    text = bundle(f"{competition.title}: {command}", facts, files)
    gpu = options.get("machine") or (NO_GPU if request.recipe.device == "cpu" else T4S)
    kernel = Kernel(
        slug=slug_of(title), title=title, text=text,
        machine="" if gpu == NO_GPU else gpu, internet=bool(options.get("internet")),
        competitions=(competition.slug,),
        datasets=tuple(f"{OWNER}/{each}" for each in datasets), kernels=tuple(sources),
        docker_pin=options.get("docker_pin") or "original",
        docker_image=options.get("docker_image") or "", seconds=seconds,
    )  # fmt: skip
    folder = request.runs / KERNELS / kernel.slug
    write_text(folder / SCRIPT, text)
    write_json(folder / METADATA, metadata(kernel))
    return Made(folder, kernel, words)


def kernel_words(request: Request) -> tuple[str, ...]:
    """The typed words, but those that name files of this machine: the attached inputs bring these.

    Raises:
        ValueError: the recipe is impossible.
    """
    elsewhere = {each.field for each in needs(request.recipe) if each.is_path}
    words = [word for word in request.words if word.partition("=")[0] not in elsewhere]
    return (*words, *(["--accept-code"] if request.options.get("accept_code") else []))


def metadata(kernel: Kernel) -> dict[str, Any]:
    """`kernel-metadata.json` as the official client's `kaggle kernels push` reads it, in full."""
    return {
        "id": f"{OWNER}/{kernel.slug}", "title": kernel.title, "code_file": SCRIPT,
        "language": "python", "kernel_type": "script", "is_private": kernel.private,
        "enable_gpu": bool(kernel.machine), "enable_tpu": False,
        "enable_internet": kernel.internet, "machine_shape": kernel.machine,
        "competition_sources": list(kernel.competitions),
        "dataset_sources": list(kernel.datasets), "kernel_sources": list(kernel.kernels),
        "model_sources": [], "keywords": [], "docker_image": kernel.docker_image,
        "docker_image_pinning_type": kernel.docker_pin,
    }  # fmt: skip
