"""A kernel all the way: pushed, followed, its log, its output, its submission."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_kernel import kernel, run_kernel

from common.kaggle import client
from common.kaggle.client import kernels
from common.kaggle.client.kernel_status import lines_of
from common.kaggle.client.kernels import KernelError, Line
from common.kaggle.server.faults import Fault, Faults
from common.kaggle.server.host import Host, Hosted
from common.kaggle.server.kernel_files import KernelOutputs
from common.kaggle.server.kernels import WORKING, KernelStore

MANY = """
import json, os
from pathlib import Path
inputs = json.loads(os.environ["INPUTS"])
Path("submission.csv").write_text("0.75")
for number in range(230):
    place = Path(f"run/fold{number % 3}/{number:03} ü.txt")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(str(number))
Path("seen.json").write_text(json.dumps([inputs, os.environ["INTERNET"]]))
print("epoch 1")
print("epoch 2")
"""


@pytest.fixture
def host(tmp_path: Path, files: Path) -> Iterator[Host]:
    hosted = Hosted(
        slug="petals",
        title="Petals",
        files=files,
        metric="accuracy",
        code_only=True,
        score=lambda path: (float(path.read_text()), 0.5),
    )
    with Host([hosted], folder=tmp_path / "host", run_kernel=run_kernel) as running:
        yield running


@pytest.mark.slow
def test_what_a_kernel_wrote_comes_back_page_after_page(
    host: Host, files: Path, tmp_path: Path
) -> None:
    environment = host.environment
    pushed = kernels.push(kernel(MANY), environment=environment)
    assert (pushed.owner, pushed.slug, pushed.version) == ("you", "petals-by-the-number", 1)
    assert pushed.url.endswith("/code/you/petals-by-the-number")
    assert kernels.follow(pushed, environment=environment).status == "COMPLETE"
    assert kernels.log(pushed, environment=environment) == [
        Line("stdout", 0.5, "epoch 1"),
        Line("stdout", 0.5, "epoch 2"),
    ]

    found = kernels.fetch_output(pushed, tmp_path / "output", environment=environment)
    assert len(found) == 232
    assert (tmp_path / "output" / "run" / "fold1" / "229 ü.txt").read_text() == "229"
    inputs, internet = json.loads((tmp_path / "output" / "seen.json").read_text())
    assert (inputs, internet) == ({"competitions/petals": str(files)}, "False")
    assert not list(tmp_path.glob(".output*"))
    host.faults.clear()
    calls_nothing = {**environment, "http_proxy": "http://127.0.0.1:9"}
    assert kernels.fetch_output(pushed, tmp_path / "output", environment=calls_nothing) == found

    client.check_can_submit(
        "petals", client.competition_status("petals", environment=environment), from_kernel=True
    )
    ref = kernels.submit_kernel(
        "petals", pushed, "submission.csv", "by kernel", environment=environment
    )
    assert client.wait("petals", ref, environment=environment).public == 0.75
    assert [entry.file for entry in host._submissions.entries("petals")] == ["submission.csv"]


def test_a_kernel_that_fails_tells_the_reason_and_the_last_lines_of_its_log(host: Host) -> None:
    text = "for number in range(40):\n    print('line', number)\nraise SystemExit('no such column')"
    pushed = kernels.push(kernel(text), environment=host.environment)
    with pytest.raises(KernelError) as caught:
        kernels.follow(pushed, environment=host.environment)
    said = str(caught.value).splitlines()
    assert said[0] == (
        "version 1 of you/petals-by-the-number failed: Your notebook threw an exception; what it "
        f"printed last ({pushed.url}):"
    )
    assert said[1:] == [*(f"line {number}" for number in range(26, 40)), "no such column"]
    assert len(caught.value.log) == 41


@pytest.mark.slow
def test_a_kernel_that_takes_too_long_is_stopped_and_says_so(host: Host) -> None:
    endless = kernel("import time\ntime.sleep(60)", seconds=1)
    pushed = kernels.push(endless, environment=host.environment)
    with pytest.raises(
        KernelError, match="failed: Your notebook exceeded 1 seconds; it printed nothing"
    ):
        kernels.follow(pushed, environment=host.environment)


def test_waiting_for_a_kernel_shows_it_and_ends_at_its_time_limit(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = kernels.push(kernel("import time\ntime.sleep(60)"), environment=host.environment)
    with pytest.raises(client.KaggleError, match=r"is running after \d+ s; the same command waits"):
        kernels.follow(pushed, timeout_s=0.1, environment=host.environment)
    assert re.search(
        r"^version 1 of you/petals-by-the-number \(\d+ s\) is running$",
        capsys.readouterr().err,
        re.MULTILINE,
    )


def cut_off(marker: Path) -> str:
    """A script that ends when it runs for the second time only; it prints what it finds."""
    return (
        "import time\nfrom pathlib import Path\n"
        "print(sorted(map(str, Path().iterdir())), flush=True)\n"
        f"marker = Path({str(marker)!r})\n"
        "if not marker.exists():\n"
        "    Path('left').touch()\n    marker.touch()\n    time.sleep(60)\n"
    )


def wait_for(marker: Path) -> None:
    end = time.monotonic() + 30
    while not marker.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_a_host_that_closes_stops_its_kernel_and_the_next_one_runs_it_again(
    tmp_path: Path, files: Path
) -> None:
    hosted = Hosted(
        slug="petals", title="P", files=files, metric="accuracy", score=lambda _: (1, 1)
    )
    settings = {"folder": tmp_path / "host", "run_kernel": run_kernel}
    with Host([hosted], **settings) as host:  # type: ignore[arg-type]
        stopped = kernels.push(kernel(cut_off(tmp_path / "m")), environment=host.environment)
        other = kernel("print('ran')", slug="another", title="Another")
        waits = kernels.push(other, environment=host.environment)
        assert kernels.session(waits, environment=host.environment).status == "QUEUED"
        wait_for(tmp_path / "m")
    with Host([hosted], **settings) as host:  # type: ignore[arg-type]
        kernels.follow(stopped, environment=host.environment)
        kernels.follow(waits, environment=host.environment)
        assert kernels.log(waits, environment=host.environment)[0].text == "ran"


@pytest.mark.parametrize("killed", [False, True])
def test_a_version_that_was_cut_off_runs_anew_in_an_empty_folder(
    tmp_path: Path, killed: bool
) -> None:
    place, marker = tmp_path / "kernels", tmp_path / "m"
    submissions = KernelStore(place, {}, Faults(), run_kernel)
    first = submissions.save("one", "One", cut_off(marker), [], {})
    wait_for(marker)
    running = (place / "kernels.json").read_text()
    submissions.close()
    assert (first.status, first.failure) == ("QUEUED", "")
    assert (submissions.place(first) / WORKING / "left").exists()
    if killed:  # what a process that cannot close leaves behind
        assert '"RUNNING"' in running
        (place / "kernels.json").write_text(running)

    again = KernelStore(place, {}, Faults(), run_kernel)
    again._runner.shutdown(wait=True)
    version = again.version("you", "one")
    assert (version.status, version.failure) == ("COMPLETE", "")
    assert [line.text for line in lines_of(again.log(version))] == ["[]"]
    assert KernelOutputs(again).files(version) == []


def test_a_kernel_reads_the_newest_output_of_another_and_a_dataset(
    tmp_path: Path, files: Path, host: Host
) -> None:
    first = "from pathlib import Path\nPath('weights').write_text('first')"
    submissions = KernelStore(
        tmp_path / "kernels",
        host._competitions,
        host.faults,
        run_kernel,
        dataset_folder=lambda owner, slug: files if (owner, slug) == ("ann", "set") else None,
    )
    reads = (
        "import json, os\nfrom pathlib import Path\ninputs = json.loads(os.environ['INPUTS'])\n"
        "text = Path(inputs['notebooks/you/one'], 'weights').read_text()\n"
        "Path('out').write_text(text + str(len(os.listdir(inputs['datasets/ann/set']))))"
    )
    submissions.save("one", "One", first, [], {})
    two = submissions.save("two", "Two", reads, ["notebooks/you/one", "datasets/ann/set"], {})
    submissions._runner.shutdown(wait=True)
    assert two.status == "COMPLETE"
    assert KernelOutputs(submissions).file(two, "out").read_text() == "first2"


def test_a_version_that_is_not_shown_at_once_is_followed_all_the_same(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = kernels.push(kernel("print()"), environment=host.environment)
    host.faults.add(Fault(method="GetKernelSessionStatus", status=404, times=2))
    assert kernels.follow(pushed, environment=host.environment).status == "COMPLETE"
    assert "is not shown yet; looking again" in capsys.readouterr().err
