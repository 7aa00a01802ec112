"""Push a kernel version at most once; an error unless it runs with all its inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.client.errors import SITE, KaggleError
from common.kaggle.client.kernel_push_recovery import arrived, find_earlier_push
from common.kaggle.client.retry import Environment, call, explain_failure
from common.kaggle.client.send_once import send_at_most_once
from common.kaggle.client.waiting import silence_s
from common.kaggle.machines import kernel_fault
from common.kaggle.protocol import LONGEST_TITLE, SHORTEST_TITLE, slug_of
from common.progress import say

LARGEST = 900_000  # bytes of a script; the site refuses 1 MB
PUSHING = "pushing"
KIND = "kernel"  # what a slug names here


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A script and what it is to run with.

    Attributes:
        slug: "slug", or "owner/slug"; what `slug_of(title)` gives.
        text: the script, or a notebook's JSON.
        machine: Kaggle's name of it, "NvidiaTeslaT4"; "" for one without an accelerator.
        competitions, datasets, kernels: a competition's slug; "owner/slug" each.
        docker_pin: "original" or "latest".
        docker_image: one of Kaggle's by its name; "" for what `docker_pin` says.
        seconds: time limit; 0 for the site's own.
    """

    slug: str
    title: str
    text: str
    machine: str = ""
    internet: bool = False
    competitions: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    docker_pin: str = "original"
    docker_image: str = ""
    seconds: int = 0
    private: bool = True
    notebook: bool = False

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """What is mounted, by kind."""
        return {
            "competition": self.competitions, "dataset": self.datasets, "kernel": self.kernels,
            "model": (),
        }  # fmt: skip


@dataclass(frozen=True)
class Pushed:
    """One version of a kernel on the site."""

    owner: str
    slug: str
    version: int
    url: str

    @property
    def name(self) -> str:
        """ "owner/slug"."""
        return f"{self.owner}/{self.slug}"


def push(
    kernel: Kernel, *, since: Mapping[str, int | None] | None = None,
    sending: Callable[[int | None], None] | None = None, insist: bool = False,
    environment: Environment = None,
) -> Pushed:  # fmt: skip
    """Make a version of a kernel on Kaggle, which then runs.

    Args:
        since: of an earlier call that was cut off while it pushed this kernel, what `sending` was
            told, as `newest`, and `sent`, when that was, in seconds since the epoch: a newer
            version of the same text is what it pushed, and is taken unless it runs without
            something that it needs. Without `sent`, it is not waited for.
        sending: called once, right before the version is first asked for, with the newest one
            that is there by then; None: there is no kernel yet.
        insist: push although nobody can tell whether the earlier call did.

    Raises:
        UnsureError: it cannot be known yet whether a version was made.
        KaggleError: none was made, or it runs without something that it needs.
    """
    check(kernel)
    given, _, slug = kernel.slug.rpartition("/")
    looking = {"operation": "kernel", "slug": slug}
    before = call(looking, PUSHING, environment, what=KIND)
    owner = before["owner"]
    if given and given != owner:
        raise KaggleError(
            f"pushing {kernel.slug}: you are signed in as {owner}, and a kernel is pushed under "
            f"its owner's name: write {owner}/{slug}, or sign in as {given}"
        )
    name = f"{owner}/{slug}"
    if since is not None:
        then = {"version": since["newest"]}
        found, before = find_earlier_push(
            lambda: call(looking, PUSHING, environment, what=KIND),
            lambda now: arrived(kernel.text, kernel.sources, then, now),
            since.get("sent") or 0.0, insist=insist,
        )  # fmt: skip
        if found is not None:
            if not any(found["invalid"].values()):
                return pushed_version(found, name)
            say(f"but it lacks something: cancel it at {SITE}/code/{name}; it is pushed once more")
    if sending is not None:
        sending(before["version"] or None)
    answer = _pushed(kernel, name, before, looking, environment)
    return pushed_version(answer, name)


def _pushed(
    kernel: Kernel, name: str, before: Mapping[str, Any], looking: Mapping[str, Any],
    environment: Environment,
) -> dict[str, Any]:  # fmt: skip
    """Kaggle's answer to the push, made up of what is there then where it was lost."""
    request = {"operation": "kernel_push", "slug": name, "fields": fields(kernel, name)}

    def send() -> dict[str, Any]:
        answer = dict(ask(request, environment=environment, patience_s=silence_s()))
        if not (answer["version"] or answer["error"]):
            raise RemoteError("other", "Kaggle's answer named no version")
        return answer

    def find() -> dict[str, Any] | None:
        now = call(looking, "looking for", environment, what=KIND)
        return arrived(kernel.text, kernel.sources, before, now)

    def refused(failure: RemoteError) -> KaggleError:
        return explain_failure(failure, name, PUSHING, environment, what=KIND)

    return send_at_most_once(
        f"{PUSHING} {name}", send, find, refused=refused, arrived="arrived",
        place="the list of versions",
        advice=f"the same command looks once more first (or look at {SITE}/code/{name})",
        certain=False,
    )  # fmt: skip


def newest(slug: str, *, environment: Environment = None) -> int | None:
    """The number of the newest version of the account's kernel; 0: there is none.

    None: the installed client cannot tell.
    """
    found = call({"operation": "kernel", "slug": slug}, "asking about", environment, what=KIND)
    return None if found["version"] is None else int(found["version"])


def check(kernel: Kernel) -> None:
    """Refuse what Kaggle would refuse, or take for something else.

    Raises:
        KaggleError: the script is too large, the title does not fit, or a word means nothing there.
    """
    slug = kernel.slug.rpartition("/")[2]
    size = len(kernel.text.encode())
    if size > LARGEST:
        raise KaggleError(
            f"pushing {slug}: its script has {size:,} bytes, and more than {LARGEST:,} are not "
            "safe to push: Kaggle refuses 1 MB; move data out of it, into a dataset"
        )
    if not SHORTEST_TITLE <= len(kernel.title) <= LONGEST_TITLE:
        more = f"{SHORTEST_TITLE} or more: choose a longer one"
        less = f"{LONGEST_TITLE} at most: choose a shorter one"
        raise KaggleError(
            f"pushing {slug}: its title {kernel.title!r} has {len(kernel.title)} characters, and "
            f"Kaggle wants {more if len(kernel.title) < SHORTEST_TITLE else less}"
        )
    if slug_of(kernel.title) != slug:
        raise KaggleError(
            f"pushing {slug}: Kaggle makes the slug of the title, and {kernel.title!r} gives "
            f"{slug_of(kernel.title)}: use that slug, or change the title"
        )
    fault = kernel_fault(
        machine=kernel.machine, image=kernel.docker_image, pin=kernel.docker_pin,
        seconds=kernel.seconds, sources=kernel.sources,
    )  # fmt: skip
    if fault:
        raise KaggleError(f"pushing {slug}: {fault}")


def fields(kernel: Kernel, name: str) -> dict[str, Any]:
    """The request, in full: what is left out, the site or the client would fill in."""
    optional = {
        "machine_shape": kernel.machine,
        "docker_image": kernel.docker_image,
        "session_timeout_seconds": kernel.seconds,
    }
    return {
        "slug": name, "new_title": kernel.title, "text": kernel.text, "language": "python",
        "kernel_type": "notebook" if kernel.notebook else "script", "is_private": kernel.private,
        "enable_gpu": bool(kernel.machine), "enable_tpu": False,
        "enable_internet": kernel.internet, "docker_image_pinning_type": kernel.docker_pin,
        "category_ids": [],
        **{f"{kind}_data_sources": list(named) for kind, named in kernel.sources.items()},
        **{field: value for field, value in optional.items() if value},
    }  # fmt: skip


def pushed_version(answer: Mapping[str, Any], name: str) -> Pushed:
    """The version that Kaggle's answer to the push of `name` names.

    Raises:
        KaggleError: it names none, an error, or something that the kernel runs without.
    """
    if answer["error"]:
        raise KaggleError(
            f"pushing {name}: Kaggle refused it ({answer['error'].rstrip('.')}); no version was made"
        )
    owner, _, slug = (answer["ref"].strip("/") or name).removeprefix("code/").rpartition("/")
    url = answer["url"] or f"{SITE}/code/{owner}/{slug}"
    if not answer["version"]:
        raise KaggleError(
            f"pushing {name}: Kaggle's answer names no version, so that nothing may run; look at {url}"
        )
    if f"{owner}/{slug}" != name:
        say(f"Kaggle calls {name} {owner}/{slug}: that name counts from here on")
    missing = [
        _lacks(kind, source) for kind, named in answer["invalid"].items() for source in named
    ]
    if missing:
        raise KaggleError(
            f"pushing {name}: version {answer['version']} was made and runs, but without "
            f"{_joined(missing)}; cancel it at {url}, then push again"
        )
    return Pushed(owner, slug, int(answer["version"]), url)


def _lacks(kind: str, source: str) -> str:
    """A source that was not accepted, and why that may be."""
    if kind == "competition":
        rules = f"{SITE}/competitions/{source}/rules"
        return f"the competition {source} (misspelt, or its rules are to be accepted at {rules})"
    if kind == "tag":
        return f"the tag {source} (Kaggle knows none of that name)"
    return f"the {kind} {source} (misspelt, not ready yet, or private to another account)"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
