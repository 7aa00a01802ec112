"""Build a kernel from a request: the script and kernel-metadata.json, in a folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from common.kaggle.client.kernels import Kernel, slug_of
from common.kaggle.credential import client_environment, known_secrets
from common.kaggle.machines import AN_IMAGE, LONGEST_S, NO_GPU, PINS, T4S
from common.kaggle.protocol import LONGEST_TITLE
from common.runs import fingerprint
from common.storage import write_json, write_text
from common.workflow.options import flag
from common.workflow.request import Request
from kernels.build.attachments import dataset_name, needs
from kernels.build.bundle import bundle, check_secrets, code_of

KERNELS = "kernels"  # below the runs
SCRIPT, NOTEBOOK, METADATA = "kernel.py", "kernel.ipynb", "kernel-metadata.json"
WHEEL_HELP = "a wheel to attach beside, such as timm==1.0.27; may be given several times"
OWNER = "INSERT_YOUR_NAME"  # in the metadata; when it is pushed, the account's is known


@dataclass(frozen=True)
class Shape:
    """The flags that shape a kernel."""

    time_limit: int | None = flag("seconds; it stops in order before (43200)", metavar="S")
    machine: str | None = flag(
        "accelerator; default: NvidiaTeslaT4 (two of them), none with device=cpu"
    )
    internet: bool = flag("with the internet on; default: off", False)
    docker_pin: str | None = flag("of Kaggle's image; default: original", choices=PINS)
    docker_image: str | None = flag(f"an image of Kaggle's, such as {AN_IMAGE}")
    wheel: tuple[str, ...] = flag(WHEEL_HELP, (), metavar="SPEC")
    notebook: bool = flag("of --predict: push it as a notebook, and not as a script", False)

    def typed(self) -> list[str]:
        """The flags as they would be typed, those left out that have their defaults."""
        words: list[str] = []
        for name, value in self.given().items():
            flag_ = f"--{name.replace('_', '-')}"
            each = value if isinstance(value, tuple) else (value,)
            words += [flag_] if value is True else [w for one in each for w in (flag_, str(one))]
        return words

    def given(self) -> dict[str, Any]:
        """Every flag that was given a value."""
        values = {each.name: getattr(self, each.name) for each in fields(Shape)}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class BuiltKernel:
    """A kernel on disk, ready to be proven and pushed.

    Attributes:
        folder: `runs/kernels/<slug>`.
        key: a digest of all that shapes it: the script, its settings, what is attached.
        source: the kernel version whose run it resumes, as for `build_kernel`; None: a new run.
        shape: the flags that shape it.
    """

    folder: Path
    kernel: Kernel
    key: str
    source: Mapping[str, Any] | None
    shape: Shape
    request: Request

    @property
    def part(self) -> int:
        """1, or its number among those that went on where others ran out of time."""
        return self.source["part"] + 1 if self.source else 1

    @property
    def script(self) -> Path:
        """The very file that is run here and pushed."""
        return self.folder / (NOTEBOOK if self.kernel.notebook else SCRIPT)

    def typed(self, verb: str, *more: str) -> str:
        """The verb with the recipe, the words and the flags that made this kernel, to be typed."""
        return self.request.command(verb, *self.shape.typed(), *more)


def build_kernel(
    request: Request,
    shape: Shape,
    files: Iterable[str],
    *,
    source: Mapping[str, Any] | None,
    online: bool,
) -> BuiltKernel:
    """Write the script and `kernel-metadata.json` of a request.

    Args:
        files: names of what the recipe needs beside the data; they carry digests of their content.
        source: the kernel version whose run it resumes: `owner`, `slug`, `version`, `part`, and the
            `run`'s name there.
        online: are the files to be had over the internet, so that no dataset is attached?

    Raises:
        KitError: the script would be too large, or would carry what it must not.
    """
    competition = request.competition
    part = source["part"] + 1 if source else 1
    name = f"kit {competition.name.replace('_', '-')} {request.recipe_name.replace('_', '-')}"
    title = title_of(name, "" if part == 1 else f" part {part}")
    facts = facts_of(request, shape) | ({"goes_on": source["run"]} if source else {})
    code = code_of(competition.name)
    check_secrets(
        {**code, "the recipe's words": repr(facts).encode()}, known_secrets(client_environment())
    )
    command = replace(request, data=None, runs=Path("runs")).command("run")
    text = bundle(f"{competition.title}: {command}", facts, code)
    gpu = shape.machine or (NO_GPU if request.recipe.device == "cpu" else T4S)
    attached = [dataset_name(competition.slug)[0]] if files and not online else []
    kernel = Kernel(
        slug=slug_of(title),
        title=title,
        text=text,
        machine="" if gpu == NO_GPU else gpu,
        internet=shape.internet,
        competitions=(competition.slug,),
        datasets=tuple(f"{OWNER}/{each}" for each in attached),
        kernels=(f"{source['owner']}/{source['slug']}",) if source else (),
        docker_pin=shape.docker_pin or "original",
        docker_image=shape.docker_image or "",
        seconds=shape.time_limit or 0,
    )
    folder = request.runs / KERNELS / kernel.slug
    write_text(folder / SCRIPT, text)
    write_json(folder / METADATA, metadata(kernel))
    shaping = [text, metadata(kernel), kernel.seconds, sorted(files), source and source["version"]]
    return BuiltKernel(folder, kernel, fingerprint(*shaping), source, shape, request)


def title_of(name: str, ending: str = "") -> str:
    """A kernel's title, which Kaggle lets have 50 characters: a longer one ends in its digest."""
    if len(name + ending) <= LONGEST_TITLE:
        return name + ending
    ending = f" {fingerprint(name)[:6]}{ending}"
    return name[: LONGEST_TITLE - len(ending)].rstrip(" -") + ending


def facts_of(request: Request, shape: Shape) -> dict[str, Any]:
    """What the script is told: plain values, without a place of this machine."""
    competition = request.competition
    return {
        "competition": competition.name,
        "slug": competition.slug,
        "sample": competition.sample,
        "recipe": request.recipe_name,
        "words": list(kernel_words(request)),
        "flags": ["--accept-code"] if request.accept_code else [],
        "seconds": shape.time_limit or LONGEST_S,
    }


def kernel_words(request: Request) -> tuple[str, ...]:
    """The typed words, but those that name files of this machine: the attached inputs bring these.

    Raises:
        KitError: the recipe is impossible.
    """
    elsewhere = {each.field for each in needs(request.recipe) if each.is_path}
    return tuple(word for word in request.words if word.partition("=")[0] not in elsewhere)


def metadata(kernel: Kernel) -> dict[str, Any]:
    """`kernel-metadata.json` as the official client's `kaggle kernels push` reads it, in full."""
    return {
        "id": f"{OWNER}/{kernel.slug}",
        "title": kernel.title,
        "code_file": NOTEBOOK if kernel.notebook else SCRIPT,
        "language": "python",
        "kernel_type": "notebook" if kernel.notebook else "script",
        "is_private": kernel.private,
        "enable_gpu": bool(kernel.machine),
        "enable_tpu": False,
        "enable_internet": kernel.internet,
        "machine_shape": kernel.machine,
        "competition_sources": list(kernel.competitions),
        "dataset_sources": list(kernel.datasets),
        "kernel_sources": list(kernel.kernels),
        "model_sources": [],
        "keywords": [],
        "docker_image": kernel.docker_image,
        "docker_image_pinning_type": kernel.docker_pin,
    }
