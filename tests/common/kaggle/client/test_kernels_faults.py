"""Every way a kernel's calls go wrong: what is shown, what is left, how often it was pushed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_host import send
from toy_kernel import kernel, run_kernel

from common.kaggle import client
from common.kaggle.child.transfer import CHUNK
from common.kaggle.client import kernels
from common.kaggle.client.kernels import Pushed
from common.kaggle.client.send_once import UnsureError
from common.kaggle.server.host import FOREVER, Fault, Host, Hosted

WRITES = """
from pathlib import Path
Path("submission.csv").write_text("0.75")
Path("weights.bin").write_bytes(bytes(range(256)) * 1000)
"""
SIZE = 256_000


@pytest.fixture
def now() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
def host(tmp_path: Path, files: Path, now: list[float]) -> Iterator[Host]:
    hosted = Hosted(
        slug="petals", title="Petals", files=files, metric="accuracy", code_only=True,
        score=lambda path: (float(path.read_text()), 0.5),
    )  # fmt: skip
    with Host(
        [hosted], folder=tmp_path / "host", run_kernel=run_kernel, clock=lambda: now[0]
    ) as running:
        yield running


@pytest.fixture
def pushed(host: Host) -> Pushed:
    """A kernel that has run, without the client."""
    version = host._kernels.save("petals-by-the-number", "T", WRITES, [], {"language": "python"})
    host._kernels._runner.submit(lambda: None).result()
    assert version.status == "COMPLETE"
    return Pushed("you", version.slug, 1, "https://www.kaggle.com/code/you/petals-by-the-number")


def versions(host: Host) -> int:
    return len(host._kernels._versions)


@pytest.mark.slow
def test_trouble_on_every_call_is_waited_out(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = host.environment
    host.faults.add(Fault(method="GetKernel", status=503), Fault(method="SaveKernel", status=429))
    pushed = kernels.push(kernel(WRITES), environment=environment)
    host.faults.add(Fault(method="GetKernelSessionStatus", status=429, message="Too many"))
    kernels.follow(pushed, environment=environment)
    host.faults.add(
        Fault(method="ListKernelSessionOutput", status=503), Fault(method="GET", status=503)
    )
    kernels.fetch_output(pushed, tmp_path / "out", environment=environment)
    host.faults.add(Fault(method="CreateCodeSubmission", status=503))
    kernels.submit_kernel("petals", pushed, "submission.csv", "m", environment=environment)

    shown = capsys.readouterr().err
    assert "pushing petals-by-the-number: 503 A fault made on purpose; trying again in 0 s" in shown
    assert "pushing you/petals-by-the-number: 429 A fault made on purpose; trying again" in shown
    assert "asking about you/petals-by-the-number: 429 Too many; trying again" in shown
    assert "fetching the output of you/petals-by-the-number: 503 A fault" in shown
    assert versions(host) == len(host._submissions.entries("petals")) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".kaggle-output.json", "submission.csv", "weights.bin",
    ]  # fmt: skip


def test_a_lost_answer_pushes_one_version_only(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    kernels.push(kernel(WRITES), environment=host.environment)
    host.faults.add(Fault(method="SaveKernel"))
    again = kernels.push(kernel(WRITES), environment=host.environment)  # the very same text
    assert "it arrived: version 2 of you/petals-by-the-number" in capsys.readouterr().err
    assert (again.version, versions(host)) == (2, 2)


def test_a_lost_answer_that_had_named_a_missing_source_is_no_success(host: Host) -> None:
    host.faults.add(Fault(method="SaveKernel"))
    with pytest.raises(client.KaggleError, match="runs, but without the competition nothing "):
        kernels.push(kernel(WRITES, competitions=("nothing",)), environment=host.environment)
    assert versions(host) == 1


def test_a_503_that_saved_nothing_is_pushed_again(host: Host) -> None:
    host.faults.add(Fault(method="SaveKernel", status=503))
    assert kernels.push(kernel(WRITES), environment=host.environment).version == 1
    assert versions(host) == 1


def test_a_gateway_that_gave_up_is_no_reason_to_push_again(host: Host) -> None:
    host.faults.add(Fault(method="SaveKernel", status=504, message="Gateway timeout"))
    with pytest.raises(UnsureError) as caught:
        kernels.push(kernel(WRITES), environment=host.environment)
    assert str(caught.value) == (
        "pushing you/petals-by-the-number: 504 Gateway timeout, and it is not in the list of "
        "versions so far: cannot tell whether it arrived, and nothing was sent again; the same "
        "command looks once more first (or look at "
        "https://www.kaggle.com/code/you/petals-by-the-number)"
    )
    assert versions(host) == 0


def test_a_push_that_nobody_could_be_sure_of_is_found_by_the_next_call(host: Host) -> None:
    noted: list[int | None] = []

    def sending(newest: int | None) -> None:
        noted.append(newest)
        host.faults.add(Fault(method="SaveKernel"))
        host.faults.add(Fault(method="GetKernel", status=503, times=FOREVER))

    with pytest.raises(UnsureError, match="the list of versions cannot be read"):
        kernels.push(kernel(WRITES), sending=sending, environment=host.environment)
    host.faults.clear()
    since = {"newest": noted[0]}
    again = kernels.push(
        kernel(WRITES), since=since, sending=noted.append, environment=host.environment
    )
    assert (again.version, versions(host), noted) == (1, 1, [None])


@pytest.mark.parametrize(("newest", "text"), [(1, WRITES), (None, "print('another')")])
def test_a_version_that_is_no_newer_or_says_something_else_is_not_taken_for_the_one_cut_off(
    host: Host, newest: int | None, text: str
) -> None:
    host._kernels.save("petals-by-the-number", "T", WRITES, [], {"language": "python"})
    noted: list[int | None] = []
    host.faults.add(Fault(method="SaveKernel", status=503))  # two attempts, and one note
    made = kernels.push(
        kernel(text), since={"newest": newest}, sending=noted.append, environment=host.environment
    )
    assert (made.version, versions(host), noted) == (2, 2, [1])


def test_a_version_that_lacks_something_is_not_taken_for_ever(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host._kernels.save("petals-by-the-number", "T", WRITES, [], {"language": "python"})
    made = kernels.push(kernel(WRITES), since={"newest": None}, environment=host.environment)
    assert (made.version, versions(host)) == (2, 2)
    assert "but it lacks something: cancel it at https" in capsys.readouterr().err


def test_a_lost_answer_submits_once(host: Host, pushed: Pushed) -> None:
    host.faults.add(Fault(method="CreateCodeSubmission"))
    ref = kernels.submit_kernel(
        "petals", pushed, "submission.csv", "m", environment=host.environment
    )
    assert [entry.ref for entry in host._submissions.entries("petals")] == [ref]


def test_an_address_that_has_expired_is_asked_for_anew(
    host: Host, pushed: Pushed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GET", status=403))
    kernels.fetch_output(pushed, tmp_path / "out", environment=host.environment)
    assert (tmp_path / "out" / "submission.csv").read_text() == "0.75"
    assert "A fault" not in capsys.readouterr().err  # the call itself went on


def test_an_address_is_good_for_a_while_and_for_its_own_file(
    host: Host, pushed: Pushed, now: list[float]
) -> None:
    version = host._kernels.version("you", pushed.slug)
    target = host._outputs.address(version, "submission.csv")
    assert send(host, "GET", target)[1] == b"0.75"
    assert send(host, "GET", target.replace("submission.csv", "weights.bin"))[0].status == 403
    now[0] += 3600
    assert send(host, "GET", target)[0].status == 403


def test_a_store_that_refuses_for_ever_leaves_no_folder(
    host: Host, pushed: Pushed, tmp_path: Path
) -> None:
    host.faults.add(Fault(method="GET", status=403, times=FOREVER))
    with pytest.raises(client.KaggleError, match=r"store gave 403 A fault.*what has arrived is ke"):
        kernels.fetch_output(pushed, tmp_path / "out", environment=host.environment)
    assert not (tmp_path / "out").exists()


def test_output_that_is_cut_is_gone_on_with_and_what_was_whole_is_not_fetched_again(
    host: Host, pushed: Pushed, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    host.faults.add(Fault(method="GET", cut_at=150_000, times=FOREVER))
    with pytest.raises(client.KaggleError, match=r"131,072 of 256,000 bytes are here, aga"):
        kernels.fetch_output(pushed, out, environment=host.environment)
    assert not out.exists()
    kept = [path.name for path in (tmp_path / ".out.part" / "files").iterdir()]
    assert kept == ["submission.csv"]

    host.faults.clear()
    host.faults.add(Fault(method="GET", ranged=True, corrupt_at=0))  # met by a Range alone
    host.faults.add(Fault(method="GET", ranged=False, times=2, slow_s=0.01))
    kernels.fetch_output(pushed, out, environment=host.environment)
    assert host.faults.take("GET", ranged=True) is None
    assert host.faults.take("GET", ranged=False) is not None  # one request, for weights.bin
    assert (out / "weights.bin").read_bytes() == bytes(range(256)) * 1000
    assert 150_000 // CHUNK * CHUNK == 131_072


def test_a_wrong_byte_is_found_and_that_file_fetched_again(
    host: Host, pushed: Pushed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GET", corrupt_at=200_000))  # submission.csv is too short
    host.faults.add(Fault(method="GET", corrupt_at=200_000))
    kernels.fetch_output(pushed, tmp_path / "out", environment=host.environment)
    assert "a damaged weights.bin (its MD5 is " in capsys.readouterr().err
    assert (tmp_path / "out" / "weights.bin").stat().st_size == SIZE


def test_an_error_page_with_status_200_is_not_taken_for_the_file(
    host: Host, tmp_path: Path
) -> None:
    page = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>ExpiredToken</Code></Error>"
    text = f"from pathlib import Path\nPath('submission.csv').write_text({page!r})"
    version = host._kernels.save("page", "T", text, [], {})
    host._kernels._runner.submit(lambda: None).result()
    with pytest.raises(client.KaggleError, match=r"gave an error page in place of submission\.csv"):
        kernels.fetch_output(
            Pushed("you", version.slug, 1, ""), tmp_path / "out", environment=host.environment
        )
    assert not (tmp_path / "out").exists()


def test_a_run_that_fails_on_purpose_or_is_slow(host: Host) -> None:
    host.faults.add(Fault(method="Kernel", message="Maximum GPU quota"))
    host.faults.add(Fault(method="Kernel", slow_s=0.5))
    refused = kernels.push(kernel(WRITES), environment=host.environment)
    other = kernel(WRITES, slug="another", title="Another")
    slow = kernels.push(other, environment=host.environment)
    with pytest.raises(
        kernels.KernelError, match=r"version 1 of .* failed: Maximum GPU quota; it printed nothing"
    ):
        kernels.follow(refused, environment=host.environment)
    assert kernels.follow(slow, environment=host.environment).status == "COMPLETE"
