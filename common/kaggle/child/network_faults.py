"""Network faults on the way to Kaggle (proxy, TLS certificate, login page): one sentence for each."""

import os
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

from common.kaggle.protocol import LONGEST_PAUSE_S

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in the order in which they are read
HTML_START = re.compile(
    rb"\s*(<!--.*?-->\s*)?<(!doctype\s+html|html|head|script|meta)\b", re.IGNORECASE | re.DOTALL
)
UPLOAD_ERRORS: list[Exception] = []  # of uploads: the client swallows what is raised in them
PROXY_REASONS = r"refused|resolve|not known|unreachable|timed out|No route"


class OperationError(Exception):
    """What the client's process itself refuses; `kind` tells the caller's process why."""

    def __init__(self, kind: str, reason: str, *, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.kind = kind
        self.retry_after = retry_after


def root_cause(error: BaseException) -> BaseException:
    """The first exception of a chain: it has the shortest message."""
    while error.__context__ is not None:
        error = error.__context__
    return error


@cache
def intercept_answers() -> None:
    """Check each HTTP answer of this process before the client, which takes any page for success."""
    from requests import HTTPError, Session
    from requests.adapters import Retry  # type: ignore[attr-defined]

    send, sleep = Session.send, Retry.sleep_for_retry

    def seen(self: Any, request: Any, **settings: Any) -> Any:
        response = send(self, request, **settings)
        if request.method == "PUT" and response.status_code >= 400:
            error = HTTPError(response=response, request=request)
            if response.status_code == 511 or permanent_fault(error):
                UPLOAD_ERRORS.append(error)
        elif request.method in ("POST", "PUT") and response.ok and is_page(response):
            UPLOAD_ERRORS.append(login_page_error(response))
            raise UPLOAD_ERRORS[-1]
        return response

    def slept(self: Any, response: Any) -> bool:
        seconds = int(self.get_retry_after(response) or 0)
        if seconds > LONGEST_PAUSE_S:  # the client would sleep that long without a word
            told = f"the store answered {response.status}"
            UPLOAD_ERRORS.append(OperationError("upload", told, retry_after=seconds))
            raise UPLOAD_ERRORS[-1]
        return sleep(self, response)

    Session.send, Retry.sleep_for_retry = seen, slept  # type: ignore[method-assign,assignment]


def is_page(response: Any) -> bool:
    """Is the answer a page for people?"""
    kind = response.headers.get("Content-Type", "")
    if kind:
        return "html" in kind.lower()
    return not response.history and HTML_START.match(response.content) is not None


def login_page_error(response: Any) -> OperationError:
    """The page that came in place of an answer, as an error."""
    head = next(response.iter_content(1 << 15), b"") if response.raw else response.content
    response.close()
    return OperationError("portal", describe_page(head))


def describe_page(page: bytes) -> str:
    """ "a page titled 'Sign in'"."""
    found = page_title(page.decode("utf-8", "replace"))
    return f"a page titled {found!r}" if found else "a page without a title"


def page_title(text: str) -> str:
    """The title of a page, or its first heading; "" without one."""
    found = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[2]).split())[:100] if found else ""


def permanent_fault(error: BaseException) -> str:
    """What to fix before the same request can succeed, as a sentence; "": the fault may be transient."""
    from requests import exceptions as of

    text = f"{error} {root_cause(error)}"
    variable, proxy = proxy_of(error)
    set_as = f"{variable}={proxy}"
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", 0)
    if 400 <= status < 500 and status not in (407, 408, 429) and is_page(response):
        return (
            f"{describe_page(response.content)} came with status {status}, and Kaggle's own refusals are no "
            "pages: a proxy or a firewall on the way may have sent it; ask who runs it to let api.kaggle.com "
            "and storage.googleapis.com through, or try from another network"
        )
    if "invalid path" in text and "CA certificate bundle" in text:
        return _ca_bundle_fault("names a file that is not there") or (
            "the certificates of the package certifi are missing; run: pip install --force-reinstall certifi"
        )
    if status == 407 or (isinstance(error, of.ProxyError) and " 407" in text):
        asks = (
            "does not accept the name and password there"
            if "@" in proxy
            else "wants a name and a password"
        )
        return (
            f"the proxy of {set_as} {asks} (407): write http://NAME:PASSWORD@HOST:PORT "
            f"in {variable} (a character such as @ or # as %40, %23)"
        )
    if "SOCKS" in text and isinstance(error, of.InvalidSchema):
        return f"{set_as} is a SOCKS proxy, which needs a further package; run: pip install pysocks"
    if isinstance(error, (of.InvalidURL, of.InvalidSchema, of.MissingSchema)) and variable:
        return f"{set_as} is no proxy's address: write it as http://HOST:PORT, or unset {variable}"
    if isinstance(error, of.ProxyError) and (denied := re.search(r"failed: (4\d\d[^'\")]*)", text)):
        return (
            f"the proxy of {set_as} does not let requests through to Kaggle ({denied[1].strip()}): ask who "
            f"runs it, or name another in {variable}"
        )
    if "WRONG_VERSION_NUMBER" in text or "only use HTTP and not HTTPS" in text:
        return (
            f"what answers at {set_as} speaks plain HTTP: write http:// in place of https:// there"
            if proxy.startswith("https:")
            else "what answers in place of Kaggle does not speak TLS: a proxy "
            "or a firewall stands between; name the proxy in https_proxy"
        )
    return _certificate_fault(text) if isinstance(error, of.SSLError) else ""


def _certificate_fault(text: str) -> str:
    """Of a failed TLS handshake."""
    if re.search(r"NO_CERTIFICATE|no certificate|PEM|ASN1|Errno", text):
        return _ca_bundle_fault("is no readable file of certificates in PEM form")
    if "not yet valid" in text or "expired" in text:
        kind = "not yet valid" if "not yet valid" in text else "expired"
        now = datetime.now(UTC)
        return f"the certificate is {kind}: is this machine's clock right? It says {now:%Y-%m-%d %H:%M} UTC"
    if "ismatch" in text:
        return (
            "the certificate is another host's: a network's login page or a proxy answers in place of Kaggle; "
            "open any page in a browser, and sign in there"
        )
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return ""
    why = re.search(r"certificate verify failed: ([^(\]]+)", text)
    unread = os.environ.get("SSL_CERT_FILE", "")
    return (
        f"the certificate is not trusted ({why[1].strip() if why else 'unknown'}): a proxy or a virus scanner "
        "that opens connections signs with a CA of its own; "
        + (
            _ca_bundle_fault("does not hold that CA", "add it there")
            or "name the PEM file of that CA in REQUESTS_CA_BUNDLE"
        )
        + (f" (SSL_CERT_FILE={unread} is not read by the Kaggle client)" if unread else "")
    )


def _ca_bundle_fault(wrong: str, remedy: str = "") -> str:
    for name in BUNDLES:
        if value := os.environ.get(name):
            return f"{name}={value} {wrong}: {remedy or 'correct the path'}, or unset {name}"
    return ""


def proxy_of(error: BaseException) -> tuple[str, str]:
    """The variable that names the proxy, and the proxy without its password; "" twice without one."""
    request = getattr(error, "request", None)
    local = os.environ.get("KAGGLE_API_ENVIRONMENT") == "LOCALHOST"
    scheme = (getattr(request, "url", "") or ("http:" if local else "https:")).partition(":")[0]
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if value := os.environ.get(name):
            return name, re.sub(r"^([\w+.-]*://)?.*@", r"\1***@", value)
    return "", ""


def proxy_hint(error: BaseException, reason: str) -> str:
    """The proxy that a connection error came from, as a clause for the end of `reason`; or ""."""
    from requests import exceptions as of
    from requests.utils import should_bypass_proxies

    variable, proxy = proxy_of(error)
    if not variable or not re.search(PROXY_REASONS, reason):
        return ""
    url = getattr(getattr(error, "request", None), "url", "")
    if url and should_bypass_proxies(url, no_proxy=None):
        passed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        return f", and no_proxy={passed} leads past the proxy of {variable}"
    return f", at the proxy of {variable}={proxy}" if isinstance(error, of.ProxyError) else ""
