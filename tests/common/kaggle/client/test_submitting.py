from pathlib import Path
from zipfile import ZipFile

import pytest

from common.kaggle import client
from common.kaggle.client import KaggleError
from common.kaggle.client.download import zip_fault
from common.kaggle.server.host import Fault, Host


def test_a_download_is_the_competitions_files_under_the_slugs_name(
    host: Host, files: Path, tmp_path: Path
) -> None:
    found = client.download("petals", tmp_path / "data", environment=host.environment)

    assert found == tmp_path / "data" / "petals.zip"
    assert [path.name for path in found.parent.iterdir()] == ["petals.zip"]
    with ZipFile(found) as opened:
        assert sorted(opened.namelist()) == ["sample.csv", "train/a b.png"]
        assert opened.read("train/a b.png") == (files / "train" / "a b.png").read_bytes()


def test_a_request_refused_for_good_is_not_repeated(host: Host, tmp_path: Path) -> None:
    host.faults.add(Fault(method="DownloadDataFiles", status=404))
    with pytest.raises(KaggleError, match="404: A fault made on purpose"):
        client.download("petals", tmp_path, environment=host.environment)


def test_a_download_that_cannot_be_written_says_so(host: Host, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(KaggleError, match="name another place"):
        client.download("petals", tmp_path / "data", environment=host.environment)


def test_the_score_of_a_submission_is_the_hosts(host: Host, submission: Path) -> None:
    environment = host.environment
    ref = client.submit("petals", submission, "first", environment=environment)
    found = client.wait("petals", ref, environment=environment)

    assert (found.ref, found.status, found.file) == (ref, "COMPLETE", "submission.csv")
    assert (found.public, found.private) == (0.75, 0.375)
    assert found.description.endswith("] first")
    assert client.submissions("petals", environment=environment) == [found]
    # The oldest client that is supported cannot ask.
    assert client.allowed_today("petals", environment=environment) in (1, None)


def test_a_bad_file_is_refused_with_the_hosts_own_reason(host: Host, submission: Path) -> None:
    submission.write_text("bad", encoding="utf-8")
    ref = client.submit("petals", submission, "second", environment=host.environment)
    with pytest.raises(KaggleError, match="Submission must have 418 rows"):
        client.wait("petals", ref, environment=host.environment)


def test_waiting_ends_at_its_time_limit(host: Host, submission: Path) -> None:
    ref = client.submit("petals", submission, "m", environment=host.environment)
    host._submissions.entry(ref).status = "PENDING"
    with pytest.raises(KaggleError, match=f"submission {ref} to petals is not scored after"):
        client.wait("petals", ref, timeout_s=0.1, environment=host.environment)


def test_rules_not_accepted_name_their_page(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError, match="You must accept this competition's rules") as caught:
        client.download("unsigned", tmp_path, environment=host.environment)
    assert "https://www.kaggle.com/competitions/unsigned/rules" in str(caught.value)


def test_an_unknown_slug_names_the_nearest_known(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError, match=r"'competitions\.participate' was denied") as caught:
        client.download("petal", tmp_path, environment=host.environment)
    assert "did you mean petals?" in str(caught.value)
    with pytest.raises(KaggleError, match=r"check the spelling.*/competitions/other/rules"):
        client.submissions("other", environment=host.environment)


def test_without_a_credential_the_error_says_where_to_get_one(host: Host, tmp_path: Path) -> None:
    nobody = {**host.environment, "KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    with pytest.raises(KaggleError, match=r"kaggle\.com/settings"):
        client.download("petals", tmp_path, environment=nobody)


def test_an_unreachable_server_is_a_sentence(host: Host) -> None:
    unreachable = {**host.environment, "http_proxy": "http://127.0.0.1:9"}
    with pytest.raises(KaggleError, match=r"could not be reached .*refused"):
        client.submissions("petals", environment=unreachable)


def test_an_address_in_place_of_a_slug_is_refused_at_once(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError, match="the last part of the address"):
        client.download("https://kaggle.com/c/petals", tmp_path, environment=host.environment)


def test_a_refused_download_leaves_nothing_behind(host: Host, tmp_path: Path) -> None:
    with pytest.raises(KaggleError):
        client.download("petal", tmp_path / "data", environment=host.environment)
    assert list((tmp_path / "data").iterdir()) == []


def test_an_archive_with_one_wrong_byte_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as opened:
        opened.writestr("a.txt", "contents")
    assert zip_fault(path) == ""
    path.write_bytes(path.read_bytes().replace(b"contents", b"c0ntents"))
    assert "a.txt" in zip_fault(path)
