import os
import subprocess
import sys

import pytest
import requests

from common.kaggle.child import main
from common.kaggle.client.child_process import RemoteError, ask
from common.kaggle.server.host import Host


def test_an_access_token_is_enough(host: Host) -> None:
    key = host.environment["KAGGLE_KEY"]
    nameless = {"KAGGLE_API_TOKEN": key, "KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    variables = {**host.environment, **nameless}
    assert ask({"operation": "whoami"}, environment=variables) == {
        "username": "you",
        "method": "ACCESS_TOKEN",
    }


def test_a_server_that_never_answers_is_given_up(host: Host) -> None:
    with pytest.raises(RemoteError) as caught:
        ask({"operation": "whoami"}, environment=host.environment, patience_s=0.02)
    assert caught.value.kind == "timeout"


def test_the_guard_refuses_the_real_endpoint_before_the_client_is_imported(host: Host) -> None:
    for astray in ({"KAGGLE_API_ENVIRONMENT": ""}, {"http_proxy": "", "HTTP_PROXY": ""}):
        with pytest.raises(RemoteError) as caught:
            ask({"operation": "whoami"}, environment={**host.environment, **astray})
        assert caught.value.kind == "guard"


def test_the_process_of_every_test_is_guarded() -> None:
    assert os.environ["KIT_LOOPBACK_ONLY"] == "1"
    code = "import kaggle; print(kaggle.api.build_kaggle_client().http_client()._endpoint)"
    named = {**os.environ, "KAGGLE_USERNAME": "you", "KAGGLE_KEY": "any"}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=named
    )
    assert out.stdout.splitlines()[-1] == "http://localhost"


def test_a_message_that_quotes_the_key_is_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        raise RuntimeError("header was Basic 1234-5678")

    monkeypatch.setenv("KAGGLE_KEY", "1234-5678")
    monkeypatch.setattr(main, "signed_in", failing)
    answer = main.answer({"operation": "whoami"})
    assert answer["error"]["reason"] == "header was Basic ***"


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": 400, "message": "Too big", "status": "INVALID_ARGUMENT"}}',
        b'{"code": 400, "message": "Too big"}',
    ],
)
def test_the_servers_reason_is_read_in_both_shapes(body: bytes) -> None:
    response = requests.Response()
    response.status_code, response._content = 400, body
    response.headers["Retry-After"] = "7"
    error = requests.HTTPError("400 Client Error", response=response)
    assert main.error_json(error) == {
        "kind": "http",
        "status": 400,
        "reason": "Too big",
        "retry_after": 7,
    }
