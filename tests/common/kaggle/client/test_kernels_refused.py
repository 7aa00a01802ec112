"""What is refused about a kernel, and the sentence for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_kernel import kernel, run_kernel

from common.kaggle.child.failure import OperationError
from common.kaggle.child.kernel_files import safe
from common.kaggle.client import KaggleError, kernel_push, kernels
from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.client.kernels import Pushed
from common.kaggle.server.host import Host, Hosted
from common.kaggle.server.kernel_api import KernelService
from common.kaggle.server.wire import RefusedError

ANSWER = {"ref": "/code/you/x", "url": "", "version": 3, "error": "", "invalid": {}}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("refusing")
    (folder / "files").mkdir()
    hosted = Hosted(
        slug="petals", title="P", files=folder / "files", metric="accuracy", score=lambda _: (1, 1)
    )
    unsigned = replace(hosted, slug="unsigned", entered=False)
    with Host([hosted, unsigned], folder=folder / "host", run_kernel=run_kernel) as running:
        yield running


def refusal(host: Host, given: kernels.Kernel) -> str:
    with pytest.raises(KaggleError) as caught:
        kernels.push(given, environment=host.environment)
    return str(caught.value)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"text": "#" * 900_001},
            "pushing petals-by-the-number: its script has 900,001 bytes, and more than 900,000 are "
            "not safe to push: Kaggle refuses 1 MB; move data out of it, into a dataset",
        ),
        (
            {"title": "abc", "slug": "abc"},
            "pushing abc: its title 'abc' has 3 characters, and Kaggle wants 5 or more: choose a "
            "longer one",
        ),
        (
            {"slug": "petals"},
            "pushing petals: Kaggle makes the slug of the title, and 'Petals by the number' gives "
            "petals-by-the-number: use that slug, or change the title",
        ),
    ],
)
def test_what_cannot_go_well_is_refused_before_any_call(
    facts: dict[str, str], sentence: str
) -> None:
    with pytest.raises(KaggleError) as caught:
        kernels.push(replace(kernel("1"), **facts), environment={"http_proxy": "unused"})
    assert str(caught.value) == sentence


def test_another_owner_is_refused_in_words(host: Host) -> None:
    assert refusal(host, kernel("1", slug="ann/petals-by-the-number")) == (
        "pushing ann/petals-by-the-number: you are signed in as you, and a kernel is pushed under "
        "its owner's name: write you/petals-by-the-number, or sign in as ann"
    )


def test_a_kernel_that_runs_without_its_sources_is_no_success(host: Host) -> None:
    lacking = kernel(
        "1", competitions=("petals", "unsigned"), datasets=("ann/set",), kernels=("you/none",)
    )
    url = "https://www.kaggle.com/code/you/petals-by-the-number"
    assert refusal(host, lacking) == (
        "pushing you/petals-by-the-number: version 1 was made and runs, but without the dataset "
        "ann/set (misspelt, not ready yet, or private to another account), the competition "
        "unsigned (misspelt, or its rules are to be accepted at "
        "https://www.kaggle.com/competitions/unsigned/rules) and the kernel you/none (misspelt, "
        f"not ready yet, or private to another account); cancel it at {url}, then push again"
    )


def test_a_host_that_runs_no_kernels_says_so(tmp_path: Path) -> None:
    with Host([], folder=tmp_path) as host:
        assert refusal(host, kernel("1")) == (
            "pushing you/petals-by-the-number: Kaggle refused (400: This host was started without "
            "anything that runs kernels)"
        )


def test_an_error_in_the_answer_is_none_other_than_a_refusal() -> None:
    with pytest.raises(KaggleError, match=r"Kaggle refused it \(No permission\); no version was m"):
        kernel_push.pushed_version({**ANSWER, "error": "No permission."}, "you/x")
    with pytest.raises(
        KaggleError, match="names no version, so that nothing may run; look at http"
    ):
        kernel_push.pushed_version({**ANSWER, "version": 0}, "you/x")
    with pytest.raises(KaggleError, match=r"without the tag z \(Kaggle knows none of that name\)"):
        kernel_push.pushed_version({**ANSWER, "invalid": {"tag": ["z"]}}, "you/x")


def test_the_name_that_kaggle_gives_counts(capsys: pytest.CaptureFixture[str]) -> None:
    found = kernel_push.pushed_version({**ANSWER, "ref": "/code/you/x-2"}, "you/x")
    assert found == Pushed("you", "x-2", 3, "https://www.kaggle.com/code/you/x-2")
    assert "Kaggle calls you/x you/x-2: that name counts" in capsys.readouterr().err


def test_a_kernel_that_is_not_there_is_a_sentence(host: Host, tmp_path: Path) -> None:
    gone = Pushed("you", "gone", 1, "")
    sentence = (
        r"you/gone: Kaggle refused \(403: Permission 'kernels\.get' was denied\); is its name missp"
    )
    for asked in (
        lambda: kernels.session(gone, environment=host.environment),
        lambda: kernels.fetch_output(gone, tmp_path / "out", environment=host.environment),
    ):
        with pytest.raises(KaggleError, match=sentence):
            asked()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "", "C:x", "a\\..\\x", "."])
def test_a_name_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(OperationError, match="a file named"):
        safe(name)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(
        KaggleError, match="holds something else: delete that folder, or name anoth"
    ):
        kernels.fetch_output(Pushed("you", "x", 1, ""), tmp_path)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_what_is_sent_leaves_nothing_to_the_clients_defaults() -> None:
    found = kernel_push.fields(kernel("1", machine="NvidiaTeslaT4", seconds=60), "you/x")
    assert {name: found[name] for name in found if name.startswith(("enable", "is_"))} == {
        "enable_gpu": True,
        "enable_tpu": False,
        "enable_internet": False,
        "is_private": True,
    }
    assert (found["machine_shape"], found["session_timeout_seconds"]) == ("NvidiaTeslaT4", 60)
    assert "session_timeout_seconds" not in kernel_push.fields(kernel("1"), "you/x")


def test_the_internet_is_off_on_the_wire_unless_asked_for(host: Host) -> None:
    pushed = kernels.push(kernel("1"), environment=host.environment)
    request = host._kernels.version("you", pushed.slug).request
    told = {name: request[name] for name in ("isPrivate", "enableInternet", "enableGpu")}
    assert told == {"isPrivate": True, "enableInternet": False, "enableGpu": False}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"newTitle": "abc"}, "Title must be at least 5 characters"),
        ({"newTitle": "Another title"}, "does not resolve to the slug x-y-z, but to another-title"),
        ({"slug": "ann/x-y-z"}, "Permission 'kernels.update' was denied on ann/x-y-z"),
        ({"language": "r"}, "Python scripts and notebooks only"),
        ({"kernelType": "notebook"}, "The notebook cannot be read, or names no kernelspec"),
    ],
)
def test_the_host_answers_an_error_as_the_site_does(
    host: Host, change: dict[str, str], said: str
) -> None:
    request: dict[str, Any] = {
        "slug": "you/x-y-z",
        "newTitle": "X y z",
        "text": "1",
        "language": "python",
        "kernelType": "script",
        **change,
    }
    service = KernelService(host._competitions, host._submissions, host._kernels, host._outputs)
    assert said in service.save_kernel(request)["error"]
    with pytest.raises(RefusedError, match="The kernel source must be less than 1 megabytes in si"):
        service.save_kernel({**request, "text": "é" * 500_000})


def test_a_megabyte_reaches_the_host_and_is_refused_with_its_reason(host: Host) -> None:
    large = {**kernel_push.fields(kernel("1"), "you/petals-by-the-number"), "text": "é" * 600_000}
    with pytest.raises(RemoteError, match=r"must be less than 1 megabytes in size\."):
        ask({"operation": "kernel_push", "fields": large}, environment=host.environment)
