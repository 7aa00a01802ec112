import json
from pathlib import Path

import pytest

from common.kaggle.client import Credential, credential
from common.kaggle.credential_faults import credential_fault, warn_if_readable

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


TOKEN, KEY = "KGAT_0123456789abcdef0123456789abcdef", "0123456789abcdef" * 2
PAIR = {"username": "ann", "key": KEY}
PLAIN = "which the Kaggle client does not read: save it as UTF-8 text without a mark"


def fault(home: Path, **variables: str) -> str:
    bare = dict.fromkeys(
        ("KAGGLE_CONFIG_DIR", "KAGGLE_USERNAME", "KAGGLE_KEY", "XDG_CONFIG_HOME"), ""
    )
    said = credential_fault({**bare, "HOME": str(home), **variables})
    assert not any(secret in said for secret in (KEY, TOKEN))
    return said.replace(str(home), "~")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("kaggle.json", json.dumps(PAIR), ""),
        ("access_token", TOKEN + "\n", ""),
        ("kaggle.json", json.dumps({**PAIR, "key": TOKEN}), "the key in ~/.kaggle/kaggle.json is an API tok"),
        ("kaggle.json", json.dumps({"token": TOKEN}), "holds an API token, which belongs alone in ~/.kaggle/ac"),
        ("kaggle.json", json.dumps({"key": KEY}), "~/.kaggle/kaggle.json holds no username, so there is no"),
        ("kaggle.json", json.dumps({**PAIR, "key": 5}), "kaggle.json is no text: write the key in quotes"),
        ("kaggle.json", json.dumps({**PAIR, "key": f"{KEY}\n"}), "the key in ~/.kaggle/kaggle.json has a line b"),
        ("kaggle.json", json.dumps({**PAIR, "username": "a@b.org"}), "is an e-mail address: write the last part"),
        ("kaggle.json", "", "~/.kaggle/kaggle.json is empty, so there is no Kaggle credential: create an API"),
        ("kaggle.json", json.dumps(PAIR).encode("utf-16"), f"~/.kaggle/kaggle.json is UTF-16 text, {PLAIN}"),
        ("kaggle.json", json.dumps(PAIR).encode("utf-8-sig"), f"begins with a byte order mark, {PLAIN}"),
        ("access_token", TOKEN.encode("utf-16"), f"~/.kaggle/access_token is UTF-16 text, {PLAIN}"),
        ("access_token", TOKEN.encode("utf-8-sig"), f"begins with a byte order mark, {PLAIN}"),
        ("access_token", json.dumps(PAIR), "~/.kaggle/access_token holds the JSON of a kaggle.json and no"),
        ("access_token", f"KAGGLE_API_TOKEN={TOKEN}", "the token in ~/.kaggle/access_token has characters that"),
        ("access_token", "\n", "~/.kaggle/access_token is empty: put a token from"),
        ("kaggle.json.txt", json.dumps(PAIR), "~/.kaggle/kaggle.json.txt is not read, but ~/.kaggle/kaggle.json"),
        ("kaggle (1).json", json.dumps(PAIR), "~/.kaggle/kaggle (1).json is not read, but ~/.kaggle/kaggle."),
        ("../Downloads/kaggle.json", json.dumps(PAIR), "~/Downloads/kaggle.json is not read, but ~/.kaggle/kag"),
        ("access_token (1).txt", TOKEN, "(1).txt is not read, but ~/.kaggle/access_token: move it there"),
    ],
)  # fmt: skip
def test_each_file_that_cannot_work_is_told_by_a_sentence_of_its_own(
    home: Path, name: str, content: str | bytes, said: str
) -> None:
    path = home / ".kaggle" / name
    (home / "Downloads").mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert said in fault(home)
    assert bool(fault(home)) == bool(said)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KAGGLE_USERNAME": "ann", "KAGGLE_KEY": KEY}, ""),
        ({"KAGGLE_API_TOKEN": TOKEN}, ""),
        ({"KAGGLE_USERNAME": "ann", "KAGGLE_KEY": TOKEN}, "KAGGLE_KEY is an API token of the new kind, and"),
        ({"KAGGLE_KEY": TOKEN}, "KAGGLE_KEY is an API token of the new kind, and no key: set it as KAGGLE_API_TO"),
        ({"KAGGLE_USERNAME": "ann"}, "KAGGLE_USERNAME is set without KAGGLE_KEY, so there is no Kaggle cred"),
        ({"KAGGLE_KEY": KEY}, "KAGGLE_KEY is set without KAGGLE_USERNAME, so"),
        ({"KAGGLE_USERNAME": "ann", "KAGGLE_KEY": f'"{KEY}"'}, "KAGGLE_KEY has quotes around it: write it alone"),
        ({"KAGGLE_USERNAME": "ann", "KAGGLE_KEY": f"{KEY} "}, "KAGGLE_KEY has blanks in it"),
        ({"KAGGLE_USERNAME": "a@b.org", "KAGGLE_KEY": KEY}, "KAGGLE_USERNAME is an e-mail address"),
        ({"KAGGLE_API_TOKEN": json.dumps(PAIR)}, "KAGGLE_API_TOKEN holds the JSON of a kaggle.json and no token"),
        ({"KAGGLE_API_TOKEN": f"{TOKEN}\r"}, "KAGGLE_API_TOKEN has a line break in it"),
        ({"KAGGLE_API_TOKEN": "~/.kaggle/access_token"}, "KAGGLE_API_TOKEN names a file that is not there"),
        ({"KAGGLE_API_TOKEN": "eyJ" + "a" * 300}, "KAGGLE_API_TOKEN is too long for the Kaggle client there"),
    ],
)  # fmt: skip
def test_each_variable_that_cannot_work_is_told_by_a_sentence_of_its_own(
    home: Path, variables: dict[str, str], said: str
) -> None:
    assert said in fault(home, **variables)
    assert bool(fault(home, **variables)) == bool(said)


def test_advice_names_the_folder_that_is_read(home: Path) -> None:
    other = home / "other"
    assert f"KAGGLE_CONFIG_DIR={other} names no folder that is there".replace(
        str(home), "~"
    ) in fault(home, KAGGLE_CONFIG_DIR=str(other))
    other.mkdir()
    place = "(or kaggle.json as ~/other/kaggle.json, the folder that KAGGLE_CONFIG_DIR names)"
    assert place in fault(home, KAGGLE_CONFIG_DIR=str(other))
    assert "(or kaggle.json as ~/.kaggle/kaggle.json)" in fault(home)
    write(home, "kaggle.json", **PAIR)
    assert (
        "~/.kaggle/kaggle.json is not read, but ~/other/kaggle.json, in the folder that"
        in fault(home, KAGGLE_CONFIG_DIR=str(other))
    )


def test_a_good_token_hides_whatever_lies_beside_it(home: Path) -> None:
    (home / ".kaggle" / "kaggle.json").write_bytes(b"\xff\xfe{")
    assert fault(home, KAGGLE_API_TOKEN=TOKEN, KAGGLE_USERNAME="ann") == ""


def test_a_file_that_others_can_read_is_remarked_on_once(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(home, "kaggle.json", **PAIR)
    for mode, told in ((0o600, 0), (0o644, 1)):
        path.chmod(mode)
        warn_if_readable.cache_clear()
        for _ in range(2):
            used = found(home)
            assert used is not None
            warn_if_readable(used)
        said = capsys.readouterr().err
        assert said.count(f"(mode {mode:o}): chmod 600 {path}") == told
