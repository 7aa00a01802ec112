"""What stands in the way to Kaggle, or answers in its place: said for what it is, and once."""

import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from common.kaggle import client
from common.kaggle.child.failure import _seconds, error_json
from common.kaggle.client import KaggleError
from common.kaggle.server.host import FOREVER, Fault, Host

pytestmark = pytest.mark.usefixtures("here")
LOGIN = "Airport WiFi - Sign in"
PORTAL = (
    "in place of Kaggle's answer came a page titled 'Airport WiFi - Sign in': a network's login page, or "
    "a proxy's, stands between; open any page in a browser, sign in there, then try again"
)
Act = Callable[[], object]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[Act], str]:
    """The sentence that an act ends with at once: nothing was tried again."""

    def sentence(act: Act) -> str:
        with pytest.raises(KaggleError) as caught:
            act()
        assert "trying again" not in capsys.readouterr().err
        return str(caught.value)

    return sentence


def test_a_login_page_is_said_for_what_it_is_in_place_of_any_answer(
    host: Host, submission: Path, tmp_path: Path, refused: Callable[[Act], str]
) -> None:
    def download() -> object:
        return client.download("petals", tmp_path / "data", environment=host.environment)

    def submit() -> object:
        return client.submit("petals", submission, "m", environment=host.environment)

    def ask() -> object:
        return client.submissions("petals", environment=host.environment)

    for method, act in [
        ("DownloadDataFiles", download), ("GET", download), ("PUT", submit),
        ("ListSubmissions", ask), ("StartSubmissionUpload", submit), ("CreateSubmission", submit),
    ]:  # fmt: skip
        host.faults.clear()
        host.faults.add(Fault(method=method, page=LOGIN, times=FOREVER))
        assert refused(act).endswith(PORTAL), method
    assert list((tmp_path / "data").iterdir()) == []
    host.faults.clear()
    assert client.submissions("petals", environment=host.environment) == []


def test_a_page_instead_of_a_refusal_is_given_by_its_title_and_not_taken_for_kaggles(
    host: Host, submission: Path, refused: Callable[[Act], str]
) -> None:
    for method in ("StartSubmissionUpload", "PUT"):
        host.faults.clear()
        host.faults.add(Fault(method=method, status=403, page="Gateway: blocked", times=FOREVER))
        said = refused(
            lambda: client.submit("petals", submission, "m", environment=host.environment)
        )
        assert (
            "a page titled 'Gateway: blocked' came with status 403, and Kaggle's own refus" in said
        )


def test_the_page_of_a_server_in_trouble_is_shortened_to_its_title(host: Host) -> None:
    host.faults.add(Fault(method="ListSubmissions", status=502, page="Bad Gateway", times=FOREVER))
    with pytest.raises(KaggleError, match=r"in trouble \(502: a page titled 'Bad Gateway'\); try"):
        client.submissions("petals", environment=host.environment)


@pytest.mark.parametrize("method", ["StartSubmissionUpload", "PUT", "CreateSubmission"])
def test_a_server_that_asks_for_an_hour_is_left_alone_and_the_hour_is_named(
    host: Host, submission: Path, refused: Callable[[Act], str], method: str
) -> None:
    host.faults.add(Fault(method=method, status=429, retry_after=3600, times=FOREVER))
    said = refused(lambda: client.submit("petals", submission, "m", environment=host.environment))
    assert re.search(r"left alone until \d\d:\d\d:\d\d UTC.* \(1 h 00 min\): try again then$", said)


def test_a_submission_that_may_count_is_looked_for_before_the_hour_is_named(
    host: Host, submission: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="CreateSubmission", status=503, retry_after=7200, times=FOREVER))
    with pytest.raises(KaggleError, match=r"\(2 h 00 min\): try again then"):
        client.submit("petals", submission, "m", environment=host.environment)
    assert "looking whether it counted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3600", 3600), ("1.5", 2), ("-5", 0), ("soon", 0), ("9" * 30, 10_000_000), ("", 0),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 10_000_000)],
)  # fmt: skip
def test_a_time_to_wait_is_read_as_seconds_or_as_a_date(header: str, seconds: int) -> None:
    assert _seconds(header) == seconds
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert 3590 < _seconds(format_datetime(in_an_hour, usegmt=True)) <= 3600


def test_a_refusal_without_a_reason_says_what_most_often_causes_it(
    host: Host, submission: Path, tmp_path: Path, refused: Callable[[Act], str]
) -> None:
    host.faults.add(Fault(method="CreateSubmission", status=400, message=""))
    said = refused(lambda: client.submit("petals", submission, "m", environment=host.environment))
    assert said == (
        "submitting to petals: Kaggle refused (400) and gave no reason; most often the day's submissions "
        "are used up, the deadline has passed, the rules are not accepted, or the file is not named as "
        "the competition wants it"
    )
    host.faults.add(Fault(method="DownloadDataFiles", status=400, message=""))
    said = refused(lambda: client.download("petals", tmp_path / "d", environment=host.environment))
    assert "(400) and gave no reason; most often the rules are not accepted, or" in said


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("htp://127.0.0.1:{port}", "{set} is no proxy's address: write it as http://HOST:PORT, or"),
        ("http://127.0.0.1:abc", "{set} is no proxy's address"),
        (
            "socks5://127.0.0.1:{port}",
            "{set} is a SOCKS proxy, which needs a further package; run: pip",
        ),
        (
            "https://127.0.0.1:{port}",
            "what answers at {set} speaks plain HTTP: write http:// in place",
        ),
    ],
)
def test_an_impossible_proxy_is_named_with_its_variable_and_not_tried_again(
    host: Host, refused: Callable[[Act], str], proxy: str, said: str
) -> None:
    proxy = proxy.format(port=host.port)
    changed = {**host.environment, "http_proxy": proxy, "HTTP_PROXY": proxy}
    told = refused(lambda: client.submissions("petals", environment=changed))
    assert said.replace("{set}", f"http_proxy={proxy}") in told


def test_a_proxy_that_wants_a_password_is_not_tried_again_and_no_password_is_shown(
    host: Host, refused: Callable[[Act], str]
) -> None:
    host.faults.add(Fault(method="ListSubmissions", status=407))
    proxy = f"http://ann:s3cret@127.0.0.1:{host.port}"
    changed = {**host.environment, "http_proxy": proxy, "HTTP_PROXY": proxy}
    said = refused(lambda: client.submissions("petals", environment=changed))
    assert "does not accept the name and password there (407)" in said
    assert "s3cret" not in said


def test_a_proxy_that_nobody_answers_at_is_named(host: Host) -> None:
    changed = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    with pytest.raises(
        KaggleError, match=r"refused, at the proxy of http_proxy=http://127.0.0.1:9"
    ):
        client.submissions("petals", environment={**host.environment, **changed})


def reason(url: str) -> str:
    """What a failed request is said to be, where no try again helps."""
    try:
        requests.get(url, timeout=5)
    except (requests.RequestException, OSError) as error:
        found = error_json(error)
        assert found["kind"] == "setting", found
        return str(found["reason"])
    raise AssertionError(url)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_misspelt_bundle_of_certificates_is_no_full_disk(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    bare(monkeypatch)
    monkeypatch.setenv(variable, "/nowhere.pem")
    assert reason("https://127.0.0.1:9/") == (
        f"{variable}=/nowhere.pem names a file that is not there: correct the path, or unset {variable}"
    )


def test_a_certificate_of_an_unknown_ca_names_the_variable_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare(monkeypatch)
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl makes a certificate")
    pem, key = tmp_path / "ca.pem", tmp_path / "ca.key"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", pem, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"https://localhost:{server.server_address[1]}/"
        untrusted = reason(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.certs.where())
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        without = reason(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", __file__)
        no_bundle = reason(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        anothers = reason(url.replace("localhost", "127.0.0.1"))
        server.shutdown()
        thread.join()
    assert "the certificate is not trusted (self-signed certificate)" in untrusted
    assert untrusted.endswith("name the PEM file of that CA in REQUESTS_CA_BUNDLE")
    assert "does not hold that CA: add it there, or unset REQUESTS_CA_BUNDLE" in without
    assert without.endswith(f"(SSL_CERT_FILE={pem} is not read by the Kaggle client)")
    assert "is no readable file of certificates in PEM form" in no_bundle
    assert "the certificate is another host's" in anothers


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificates from this machine's own settings."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
