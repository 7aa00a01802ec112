"""A kernel all the way: pushed, followed, its log, its output, its submission."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_kernel import kernel, run_kernel

from common.kaggle import client, kernels
from common.kaggle.host import Host, Hosted
from common.kaggle.kernel_desk import KernelDesk
from common.kaggle.kernel_shelf import KernelShelf
from common.kaggle.kernels import KernelError, Line

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
        slug="petals", title="Petals", files=files, metric="accuracy", code_only=True,
        score=lambda path: (float(path.read_text()), 0.5),
    )  # fmt: skip
    with Host([hosted], folder=tmp_path / "host", run_kernel=run_kernel) as running:
        yield running


def test_what_a_kernel_wrote_comes_back_page_after_page(
    host: Host, files: Path, tmp_path: Path
) -> None:
    environment = host.environment
    pushed = kernels.push(kernel(MANY), environment=environment)
    assert (pushed.owner, pushed.slug, pushed.version) == ("you", "petals-by-the-number", 1)
    assert pushed.url.endswith("/code/you/petals-by-the-number")
    assert kernels.follow(pushed, environment=environment).status == "COMPLETE"
    assert kernels.log(pushed, environment=environment) == [
        Line("stdout", 0.5, "epoch 1"), Line("stdout", 0.5, "epoch 2"),
    ]  # fmt: skip

    found = kernels.fetch_output(pushed, tmp_path / "output", environment=environment)
    assert len(found) == 232
    assert (tmp_path / "output" / "run" / "fold1" / "229 ü.txt").read_text() == "229"
    inputs, internet = json.loads((tmp_path / "output" / "seen.json").read_text())
    assert (inputs, internet) == ({"competitions/petals": str(files)}, "False")
    assert not list(tmp_path.glob(".output*"))
    host.faults.clear()
    calls_nothing = {**environment, "http_proxy": "http://127.0.0.1:9"}
    assert kernels.fetch_output(pushed, tmp_path / "output", environment=calls_nothing) == found

    client.allow("petals", client.standing("petals", environment=environment), from_kernel=True)
    ref = kernels.submit_kernel(
        "petals", pushed, "submission.csv", "by kernel", environment=environment
    )
    assert client.wait("petals", ref, environment=environment).public == 0.75
    assert [entry.file for entry in host._desk.entries("petals")] == ["submission.csv"]


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
        capsys.readouterr().err, re.MULTILINE,
    )  # fmt: skip


def test_a_host_that_closes_stops_its_kernel_and_remembers_the_others(
    tmp_path: Path, files: Path
) -> None:
    hosted = Hosted(
        slug="petals", title="P", files=files, metric="accuracy", score=lambda _: (1, 1)
    )
    settings = {"folder": tmp_path / "host", "run_kernel": run_kernel}
    with Host([hosted], **settings) as host:  # type: ignore[arg-type]
        endless = kernel("import time\ntime.sleep(60)")
        kernels.push(endless, environment=host.environment)
        waits = kernels.push(kernel("print('ran')"), environment=host.environment)
        assert kernels.session(waits, environment=host.environment).status == "QUEUED"
    with Host([hosted], **settings) as host:  # type: ignore[arg-type]
        assert host._kernels.version("you", waits.slug, "v1").status == "CANCEL_ACKNOWLEDGED"
        kernels.follow(waits, environment=host.environment)
        assert kernels.log(waits, environment=host.environment)[0].text == "ran"


def test_a_kernel_reads_the_newest_output_of_another_and_a_dataset(
    tmp_path: Path, files: Path, host: Host
) -> None:
    first = "from pathlib import Path\nPath('weights').write_text('first')"
    desk = KernelDesk(
        tmp_path / "kernels", host._competitions, host.faults, run_kernel,
        dataset_folder=lambda owner, slug: files if (owner, slug) == ("ann", "set") else None,
    )  # fmt: skip
    reads = (
        "import json, os\nfrom pathlib import Path\ninputs = json.loads(os.environ['INPUTS'])\n"
        "text = Path(inputs['notebooks/you/one'], 'weights').read_text()\n"
        "Path('out').write_text(text + str(len(os.listdir(inputs['datasets/ann/set']))))"
    )
    desk.save("one", "One", first, [], {})
    two = desk.save("two", "Two", reads, ["notebooks/you/one", "datasets/ann/set"], {})
    desk._runner.shutdown(wait=True)
    assert two.status == "COMPLETE"
    assert KernelShelf(desk).file(two, "out").read_text() == "first2"
