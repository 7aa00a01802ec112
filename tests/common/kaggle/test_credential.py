import json
from pathlib import Path

import pytest

from common.kaggle.client import Credential, credential

SECRET = "a-secret-that-stays-one"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".kaggle").mkdir()
    return tmp_path


def found(home: Path, **variables: str) -> Credential | None:
    bare = {"HOME": str(home), "KAGGLE_CONFIG_DIR": "", "KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    return credential(environment={**bare, "XDG_CONFIG_HOME": "", **variables})


def write(home: Path, name: str, **values: str) -> Path:
    path = home / ".kaggle" / name
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_without_any_there_is_none(home: Path) -> None:
    assert found(home) is None


def test_each_credential_gives_way_to_the_one_the_client_prefers(home: Path) -> None:
    path = write(home, "credentials.json", refresh_token=SECRET, username="ann")
    assert found(home) == Credential("OAuth login", str(path), "ann")

    path = write(home, "kaggle.json", username="ben", key=SECRET)
    assert found(home) == Credential("API key", str(path), "ben")

    named = found(home, KAGGLE_USERNAME="cas", KAGGLE_KEY=SECRET)
    variables = "the environment variables KAGGLE_USERNAME and KAGGLE_KEY"
    assert named == Credential("API key", variables, "cas")

    token = home / ".kaggle" / "access_token"
    token.write_text(SECRET, encoding="utf-8")
    assert found(home, KAGGLE_USERNAME="cas", KAGGLE_KEY=SECRET) == Credential(
        "access token", str(token)
    )
    source = "the environment variable KAGGLE_API_TOKEN"
    assert found(home, KAGGLE_API_TOKEN=SECRET) == Credential("access token", source)


def test_half_a_key_is_no_credential(home: Path) -> None:
    assert found(home, KAGGLE_USERNAME="ann") is None


def test_a_name_from_a_variable_and_a_key_from_a_file_name_both(home: Path) -> None:
    path = write(home, "kaggle.json", username="ben", key=SECRET)
    named = found(home, KAGGLE_USERNAME="ann")
    assert named == Credential("API key", f"KAGGLE_USERNAME and {path}", "ann")


def test_the_configuration_folder_that_is_named_counts(home: Path, tmp_path: Path) -> None:
    write(home, "kaggle.json", username="ben", key=SECRET)
    other = tmp_path / "other"
    other.mkdir()
    (other / "kaggle.json").write_text('{"username": "eva", "key": "k"}', encoding="utf-8")
    named = found(home, KAGGLE_CONFIG_DIR=str(other))
    assert named is not None
    assert named.username == "eva"


def test_a_token_variable_may_name_a_file(home: Path) -> None:
    path = home / "token"
    path.write_text(SECRET, encoding="utf-8")
    named = found(home, KAGGLE_API_TOKEN=str(path))
    assert named is not None
    assert named.source == "the file that KAGGLE_API_TOKEN names"


def test_a_broken_file_is_passed_over(home: Path) -> None:
    (home / ".kaggle" / "kaggle.json").write_text("{", encoding="utf-8")
    assert found(home) is None


def test_the_secret_is_never_shown(home: Path) -> None:
    write(home, "kaggle.json", username="ben", key=SECRET)
    assert SECRET not in repr(found(home))
    assert SECRET not in repr(found(home, KAGGLE_API_TOKEN=SECRET))
