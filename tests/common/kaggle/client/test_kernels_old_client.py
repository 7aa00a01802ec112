"""A client as old as kaggle 2.0.2, which cannot name a version of a kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_kernel import kernel, run_kernel

from common.kaggle.client import KaggleError, kernels
from common.kaggle.server.host import Host, Hosted

# Run by Python as the client's process starts: the newer package without the newer fields.
OLDER = """
from kagglesdk.kernels.types import kernels_api_service as types

for name, field in {fields}:
    if hasattr(getattr(types, name), field):
        delattr(getattr(types, name), field)
"""
NO_LABEL = [
    ("ApiGetKernelSessionStatusRequest", "version_label"),
    ("ApiListKernelSessionOutputRequest", "version_label"),
]
NO_NUMBER = ("ApiKernelMetadata", "current_version_number")
WRITES = "from pathlib import Path\nPath('out').write_text('1')\nprint('ran')"


@pytest.fixture
def host(tmp_path: Path, files: Path) -> Iterator[Host]:
    hosted = Hosted(
        slug="petals", title="P", files=files, metric="accuracy", score=lambda _: (1, 1)
    )
    with Host([hosted], folder=tmp_path / "host", run_kernel=run_kernel) as running:
        yield running


def older(host: Host, folder: Path, fields: list[tuple[str, str]]) -> dict[str, str]:
    """The host's environment, for a client that has none of these fields."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OLDER.format(fields=fields), encoding="utf-8")
    return {**host.environment, "PYTHONPATH": str(folder)}


@pytest.mark.slow
def test_the_newest_version_is_followed_and_fetched_and_an_older_one_is_refused_in_words(
    host: Host, tmp_path: Path
) -> None:
    environment = older(host, tmp_path / "older", NO_LABEL)
    pushed = kernels.push(kernel(WRITES), environment=environment)
    assert kernels.follow(pushed, environment=environment).status == "COMPLETE"
    assert [line.text for line in kernels.log(pushed, environment=environment)] == ["ran"]
    found = kernels.fetch_output(pushed, tmp_path / "out", environment=environment)
    assert [path.name for path in found] == ["out"]

    host._kernels.save(pushed.slug, "T", "print('another')", [], {})
    for asked in (
        lambda: kernels.follow(pushed, environment=environment),
        lambda: kernels.log(pushed, environment=environment),
        lambda: kernels.fetch_output(pushed, tmp_path / "more", environment=environment),
    ):
        with pytest.raises(KaggleError) as caught:
            asked()
        assert str(caught.value) == (
            "the installed kaggle package cannot ask about version 1 of you/petals-by-the-number, "
            "only about the newest; run: pip install -U kaggle"
        )
    assert not (tmp_path / "more").exists()


def test_a_client_that_cannot_tell_the_newest_version_either_is_refused(
    host: Host, tmp_path: Path
) -> None:
    environment = older(host, tmp_path / "older", [*NO_LABEL, NO_NUMBER])
    version = host._kernels.save("petals-by-the-number", "T", WRITES, [], {})
    with pytest.raises(KaggleError, match="only about the newest; run: pip install -U kaggle"):
        kernels.session(kernels.Pushed("you", version.slug, 1, ""), environment=environment)
