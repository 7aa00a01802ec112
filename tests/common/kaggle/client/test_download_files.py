"""Single files of a competition: by name, by pattern, resumed and tested."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from common.kaggle import client
from common.kaggle.child.transfer import CHUNK
from common.kaggle.client import KaggleError
from common.kaggle.server.host import FOREVER, Fault, Host


def test_names_and_patterns_bring_these_files_alone(host: Host, tmp_path: Path) -> None:
    data, names = tmp_path / "data", ["sample.csv", "train/*.png"]
    found = client.download_files("petals", names, data, environment=host.environment)
    assert found == [data / "sample.csv", data / "train/a b.png"]
    assert found[0].read_text() == "id,label\n1,x\n"
    assert found[1].read_bytes() == bytes(range(256)) * 40
    assert sorted(path for path in data.rglob("*") if path.is_file()) == sorted(found)


def test_a_pattern_that_fits_nothing_names_the_files_there_are(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError, match=r"has no file \*\.tif: it has sample.csv, train/a b.png"):
        client.download_files("petals", ["*.tif"], tmp_path, environment=host.environment)


def test_a_name_outside_the_folder_is_refused(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError, match="would lie outside"):
        client.download_files("petals", ["../x.csv"], tmp_path, environment=host.environment)


@pytest.mark.slow
def test_a_file_cut_for_ever_is_kept_as_a_part_and_gone_on_with(
    host: Host, files: Path, tmp_path: Path
) -> None:
    (files / "train/a b.png").write_bytes(bytes(range(256)) * 400)
    host.faults.add(Fault(method="GET", cut_at=3 * CHUNK // 2, times=FOREVER))
    data = tmp_path / "data"
    with pytest.raises(KaggleError, match="goes on from there"):
        client.download_files("petals", ["train/a b.png"], data, environment=host.environment)
    assert not (data / "train/a b.png").exists()
    assert (data / "train/.a b.png.part/a b.png").stat().st_size == CHUNK
    host.faults.clear()
    client.download_files("petals", ["train/a b.png"], data, environment=host.environment)
    assert (data / "train/a b.png").read_bytes() == bytes(range(256)) * 400


@pytest.mark.slow
def test_what_arrives_zipped_keeps_that_in_its_name(
    host: Host, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ZipFile(files / "labels.csv", "w") as archive:  # as the site sends large files
        archive.writestr("labels.csv", "id,label\n")
    (files / "labels.csv").rename(files / "sample.csv")
    for _ in range(2):
        found = client.download_files(
            "petals", ["sample.csv"], tmp_path, environment=host.environment
        )
        assert found == [tmp_path / "sample.csv.zip"]
    assert "there already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_name_that_is_not_there_is_named(host: Host, tmp_path: Path) -> None:
    with pytest.raises(
        KaggleError, match=r"petals has no file labels\.csv \(404\): the page of its"
    ):
        client.download_files("petals", ["labels.csv"], tmp_path, environment=host.environment)
    assert [*tmp_path.glob("**/labels*")] == []
