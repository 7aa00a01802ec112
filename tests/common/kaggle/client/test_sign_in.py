"""Who one is taken for, what is said when that is refused, and where no secret ever shows."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.kaggle import client
from common.kaggle.client import KaggleError
from common.kaggle.server.host import Fault, Host

ROOT = Path(__file__).parents[4]
SECRETS = ("not-the-right-key", "stale-token")


def refusal(host: Host, **variables: str) -> str:
    with pytest.raises(KaggleError) as caught:
        client.submissions("petals", environment={**host.environment, **variables})
    sentence = str(caught.value)
    for secret in (*SECRETS, host.environment["KAGGLE_KEY"]):
        assert secret not in sentence
    return sentence


def test_a_wrong_key_names_where_it_came_from(host: Host) -> None:
    assert refusal(host, KAGGLE_KEY="not-the-right-key") == (
        "asking about petals: Kaggle did not accept the API key of you from the environment "
        "variables KAGGLE_USERNAME and KAGGLE_KEY (401: Unauthenticated): it is wrong or has "
        "expired; create a new one at https://www.kaggle.com/settings, or remove it if another "
        "was meant"
    )


def test_a_wrong_key_from_a_file_names_the_file(host: Host) -> None:
    path = Path(host.environment["KAGGLE_CONFIG_DIR"]) / "kaggle.json"
    path.write_text(json.dumps({"username": "ann", "key": "not-the-right-key"}), encoding="utf-8")
    said = refusal(host, KAGGLE_USERNAME="", KAGGLE_KEY="")
    assert f"the API key of ann from {path} (401: Unauthenticated)" in said


def test_a_kaggle_json_that_holds_no_key_is_named(host: Host) -> None:
    path = Path(host.environment["KAGGLE_CONFIG_DIR"]) / "kaggle.json"
    path.write_text('{"username": "ann", ', encoding="utf-8")
    said = refusal(host, KAGGLE_USERNAME="", KAGGLE_KEY="")
    assert said.startswith(f"{path} holds no username and key, so there is no Kaggle credential")


def test_a_stale_token_is_named_with_the_good_key_it_hides(host: Host) -> None:
    said = refusal(host, KAGGLE_API_TOKEN="stale-token")
    assert "did not accept the access token from the environment variable KAGGLE_API_TOKEN" in said
    assert (
        "which hides the API key of you from the environment variables KAGGLE_USERNAME and "
        "KAGGLE_KEY: remove that token to sign in with the key" in said
    )


def test_a_stale_token_in_a_file_beside_a_good_key_is_named_too(host: Host) -> None:
    path = Path(host.environment["HOME"]) / ".kaggle" / "access_token"
    path.parent.mkdir()
    path.write_text("stale-token", encoding="utf-8")
    said = refusal(host)
    assert f"the access token from {path}" in said
    assert "which hides the API key of you" in said


def test_a_token_that_the_site_answers_with_401_is_a_sentence_and_no_traceback(host: Host) -> None:
    host.faults.add(Fault(method="IntrospectToken", status=401, times=3))
    said = refusal(host, KAGGLE_API_TOKEN="stale-token", KAGGLE_USERNAME="", KAGGLE_KEY="")
    assert "did not accept the access token from the environment variable" in said


def test_a_server_that_quotes_the_key_is_not_quoted(host: Host) -> None:
    key = host.environment["KAGGLE_KEY"]
    header = base64.b64encode(f"you:{key}".encode()).decode()
    host.faults.add(Fault(method="ListSubmissions", status=400, message=f"no: {key} {header}"))
    assert "(400: no: *** ***)" in refusal(host)


def kit(host: Host, folder: Path, *words: str, **variables: str) -> tuple[int, str]:
    changed = {**os.environ, **host.environment, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "kit", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={name: value for name, value in changed.items() if value},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_command_line_ends_with_a_sentence_and_not_with_0(host: Host, tmp_path: Path) -> None:
    nobody = {"KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    code, shown = kit(host, tmp_path, "cifar10", "download", **nobody)
    assert (code, shown.count("\n")) == (1, 1)
    assert shown.startswith("kit: no Kaggle credential was found: create an API token at https://")

    code, shown = kit(host, tmp_path, "cifar10", "download", KAGGLE_KEY="not-the-right-key")
    assert (code, shown.count("\n")) == (1, 1)
    assert "did not accept the API key of you" in shown
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert written == []


def test_no_secret_is_in_anything_shown_or_written(
    host: Host, submission: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = {**host.environment, "VERBOSE": "true"}  # makes the client print its headers
    ref = client.submit("petals", submission, "m", environment=loud)
    found = client.wait("petals", ref, environment=loud)
    client.download("petals", tmp_path / "data", environment=loud)
    shown = capfd.readouterr()
    key = host.environment["KAGGLE_KEY"]
    header = base64.b64encode(f"you:{key}".encode()).decode()
    text = shown.out + shown.err + repr(found) + repr(client.credential(environment=loud))
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (key, header):
        assert secret not in text
        assert not any(secret.encode() in data for data in written)
