"""A private dataset through the real client: made, listed, changed, and every way it goes wrong."""

from pathlib import Path

import pytest

from common.kaggle.client import KaggleError
from common.kaggle.client.datasets import publish, settled
from common.kaggle.client.send_once import UnsureError
from common.kaggle.server.datasets import DatasetStore
from common.kaggle.server.host import FOREVER, Fault, Host
from common.kaggle.server.uploads import Uploads
from common.kaggle.server.wire import RefusedError

SLUG, TITLE = "petals-kit-inputs", "Petals kit inputs"
MODEL, MANIFEST = "1a-model.safetensors", "2b-manifest.json"


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "inputs"
    folder.mkdir()
    contents = {MODEL: bytes(range(256)) * 40, MANIFEST: b"{}"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.kaggle.server.datasets.PREPARING_S", 0.0)


def published(host: Host, files: dict[str, Path], notes: str = "first") -> str:
    pending = host._folder / "publishing.json"
    return publish(SLUG, TITLE, files, notes, pending=pending, environment=host.environment)


def held(host: Host) -> dict[str, bytes]:
    """What a kernel would see."""
    folder = host._datasets.dataset_folder("you", SLUG)
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder else {}


def only(inputs: dict[str, Path]) -> dict[str, Path]:
    return {MODEL: inputs[MODEL]}


def versions(host: Host) -> list[int]:
    kept = host._datasets._kept.get(SLUG)
    return [version.number for version in kept.versions] if kept else []


@pytest.mark.slow
def test_a_dataset_is_made_private_listed_and_changed_in_one_version(
    host: Host,
    inputs: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert settled(SLUG, environment=host.environment).status == ""
    status, first = DatasetStore.status, iter(["BLOBS_RECEIVED"])
    monkeypatch.setattr(DatasetStore, "status", lambda *words: next(first, status(*words)))
    assert published(host, inputs) == f"you/{SLUG}"
    assert "is being prepared: BLOBS_RECEIVED" in capsys.readouterr().err
    assert held(host) == {name: path.read_bytes() for name, path in inputs.items()}
    kept = host._datasets.kept(SLUG)
    assert (kept.title, kept.private) == (TITLE, True)

    inputs[MANIFEST].write_bytes(b"{1}")
    host.faults.add(Fault(method="CreateDatasetVersion"))  # made, and the answer is lost
    published(host, inputs, "second")
    found = settled(SLUG, environment=host.environment)
    assert found.files == {MODEL: 10_240, MANIFEST: 3}
    assert "it was made" in capsys.readouterr().err
    assert [version.notes for version in kept.versions] == ["", "second"]
    again = DatasetStore(host._folder, "you", Uploads(host._folder / "uploads"), host.faults)
    assert again.dataset_folder("you", SLUG) == host._datasets.dataset_folder("you", SLUG)
    assert again.dataset_folder("another", SLUG) is None


@pytest.mark.slow
def test_faults_that_pass_end_in_one_whole_version(
    host: Host, inputs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(
        Fault(method="PUT", cut_at=40),
        Fault(method="StartBlobUpload", status=503),
        Fault(method="CreateDataset", status=503),
        Fault(method="CreateDataset"),
        Fault(method="ListDatasetFiles", status=429),
    )
    assert published(host, only(inputs)) == f"you/{SLUG}"
    assert f"it was made: you/{SLUG}" in capsys.readouterr().err
    assert held(host) == {MODEL: inputs[MODEL].read_bytes()}
    assert versions(host) == [1]


def test_an_upload_that_was_cut_goes_on_from_the_bytes_that_have_arrived(
    host: Host, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int | None, int]] = []
    receive = Uploads.receive

    def noted(self: Uploads, token: str, first: int | None, stream: object, length: int) -> object:
        taken.append((first, length))
        return receive(self, token, first, stream, length)  # type: ignore[arg-type]

    monkeypatch.setattr(Uploads, "receive", noted)
    host.faults.add(Fault(method="PUT", cut_at=4_000, status=503))
    published(host, only(inputs))
    assert taken == [(0, 4_000), (None, 0), (4_000, 6_240)]
    assert held(host) == {MODEL: bytes(range(256)) * 40}


def test_a_file_that_is_refused_makes_no_version_and_is_named(
    host: Host, inputs: dict[str, Path]
) -> None:
    host.faults.add(Fault(method="PUT", status=403, times=FOREVER))
    sentence = rf"uploading {MODEL} to the dataset {SLUG}: .*; the dataset is as it was"
    with pytest.raises(KaggleError, match=sentence):
        published(host, inputs)
    assert versions(host) == []


def test_a_version_that_cannot_be_prepared_leaves_the_one_before_and_says_so(
    host: Host, inputs: dict[str, Path]
) -> None:
    host._datasets.create(SLUG, TITLE, [], private=True)
    before = held(host)
    host.faults.add(Fault(method="Prepare"))
    with pytest.raises(KaggleError, match=rf"could not prepare the dataset you/{SLUG} .FAILED"):
        published(host, only(inputs))
    assert versions(host) == [1, 2]
    assert held(host) == before


def test_a_version_made_without_a_file_is_noticed(
    host: Host, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = DatasetStore._files
    monkeypatch.setattr(DatasetStore, "_files", lambda self, tokens: files(self, tokens)[1:])
    with pytest.raises(KaggleError, match=f"was made without {MODEL}, or"):
        published(host, inputs)


def test_a_refusal_in_the_answer_is_an_error_with_its_reason(
    host: Host, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatasetStore, "has", lambda *_: True)
    with pytest.raises(KaggleError, match=rf"{SLUG}: Kaggle refused .*already in use"):
        published(host, only(inputs))
    with pytest.raises(KaggleError, match="must be between 6 and 50 characters"):
        pending = host._folder / "publishing.json"
        publish(SLUG, "P", only(inputs), "", pending=pending, environment=host.environment)


def test_where_no_list_of_files_is_to_be_had_a_ready_dataset_is_taken_as_sent(
    host: Host, inputs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="ListDatasetFiles", status=501, times=FOREVER))
    assert published(host, inputs) == f"you/{SLUG}"
    assert "the list of its files cannot be had: they are taken as sent" in capsys.readouterr().err
    assert settled(SLUG, environment=host.environment).files is None


@pytest.mark.slow
def test_a_dataset_that_is_shown_late_is_not_made_again(
    host: Host, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatasetStore, "status", lambda *_: refused_as_absent())
    host.faults.add(Fault(method="CreateDataset"))
    with pytest.raises(UnsureError, match="cannot tell whether it was made, and nothing was sent"):
        published(host, only(inputs))
    monkeypatch.undo()
    assert published(host, only(inputs)) == f"you/{SLUG}"
    assert versions(host) == [1]
    assert not (host._folder / "publishing.json").exists()


def refused_as_absent() -> str:
    raise RefusedError(403, "Permission 'datasets.get' was denied")
