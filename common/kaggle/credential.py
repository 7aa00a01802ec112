"""Which Kaggle credential is in effect, found as the official client finds it, off the network."""

import base64
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Credential:
    """What the client will sign with: never the secret itself.

    Attributes:
        kind: "access token", "API key" or "OAuth login".
        source: the variable or file it comes from, as words for a sentence.
        username: the account, where the credential names one; else "".
        file: where it is one of the account's own files.
    """

    kind: str
    source: str
    username: str = ""
    file: Path | None = field(default=None, compare=False)


def client_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with `environment` over it; an empty value removes a variable.

    (The client takes an empty KAGGLE_TOKEN for a token, so absent has to mean absent.)
    """
    merged = {**os.environ, **(environment or {})}
    # With VERBOSE set, the client prints its requests, Authorization header included.
    return {
        name: value
        for name, value in merged.items()
        if value and name not in ("VERBOSE", "VERBOSE_OUTPUT")
    }


def credential(*, environment: Mapping[str, str] | None = None) -> Credential | None:
    """The credential in effect, in the client's order: access token, API key, OAuth login."""
    variables = client_environment(environment)
    home = home_of(variables)
    return _access_token(variables) or _api_key(variables, home) or _oauth(home)


def without_secrets(text: str, variables: Mapping[str, str], known: Iterable[str] = ()) -> str:
    """Blank out the secrets among `variables`, and the `known` ones, should `text` quote one."""
    named = (variables.get(name, "") for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_TOKEN"))
    for secret in (*named, *known):
        if secret:
            text = text.replace(secret, "***")
    return text


def shadowed(*, environment: Mapping[str, str] | None = None) -> Credential | None:
    """The API key that an access token in effect hides, if there is one."""
    found = credential(environment=environment)
    if found is None or found.kind != "access token":
        return None
    variables = client_environment(environment)
    variables.pop("KAGGLE_TOKEN", None)
    return _api_key(variables, home_of(variables))


def known_secrets(variables: Mapping[str, str]) -> list[str]:
    """Every secret within reach, with the header that is made of it: for blanking, not for use."""
    home = home_of(variables)
    stored = stored_json(config_folder(variables, home) / "kaggle.json")
    named = variables.get("KAGGLE_API_TOKEN", "")
    found = [read_text(home / ".kaggle" / name) for name in ("access_token", "access_token.txt")]
    found += [read_text(Path(named))] if _is_there(named) else []
    key = variables.get("KAGGLE_KEY") or str(stored.get("key") or "")
    username = variables.get("KAGGLE_USERNAME") or str(stored.get("username") or "")
    if key:
        found += [key, base64.b64encode(f"{username}:{key}".encode()).decode()]
    return [secret for secret in found if secret]


def home_of(variables: Mapping[str, str]) -> Path:
    """The home folder as the client sees it."""
    return Path(variables.get("HOME") or variables.get("USERPROFILE") or Path.home())


def token_source(variables: Mapping[str, str]) -> tuple[str, str, Path | None]:
    """The access token that the client takes: where it is, in words, its text, and its file.

    The text is empty where there is none, or where the file that is looked into first is empty.
    """
    in_notebook = "KAGGLE_KERNEL_RUN_TYPE" in variables and "KAGGLE_DATA_PROXY_URL" in variables
    if in_notebook and (text := read_text(Path(variables.get("KAGGLE_API_V1_TOKEN", "")))):
        return "the file that KAGGLE_API_V1_TOKEN names", text, None
    value = variables.get("KAGGLE_API_TOKEN", "")
    if _is_there(value):  # the client looks no further when that file is empty
        return "the file that KAGGLE_API_TOKEN names", read_text(Path(value)), Path(value)
    if value:
        return "the environment variable KAGGLE_API_TOKEN", value, None
    for name in ("access_token", "access_token.txt"):
        path = home_of(variables) / ".kaggle" / name
        if text := read_text(path):
            return str(path), text, path
    return "", "", None


def _access_token(variables: Mapping[str, str]) -> Credential | None:
    where, text, file = token_source(variables)
    return Credential("access token", where, file=file) if text else None


def _api_key(variables: Mapping[str, str], home: Path) -> Credential | None:
    path = config_folder(variables, home) / "kaggle.json"
    stored = stored_json(path)
    origin: dict[str, str] = {}
    for name in ("username", "key"):
        variable = f"KAGGLE_{name.upper()}"
        if variable in variables:
            origin[name] = variable
        elif stored.get(name):
            origin[name] = str(path)
    if len(origin) < 2:
        return None
    username = variables.get("KAGGLE_USERNAME") or str(stored.get("username", ""))
    if "KAGGLE_TOKEN" in variables:  # signs in with the key, then sends this instead
        return Credential("access token", "the environment variable KAGGLE_TOKEN", username)
    if origin == {"username": "KAGGLE_USERNAME", "key": "KAGGLE_KEY"}:
        source = "the environment variables KAGGLE_USERNAME and KAGGLE_KEY"
    else:
        source = " and ".join(dict.fromkeys(origin.values()))
    return Credential("API key", source, username, path if str(path) in origin.values() else None)


def _oauth(home: Path) -> Credential | None:
    path = home / ".kaggle" / "credentials.json"
    stored = stored_json(path)
    if not stored.get("refresh_token"):
        return None
    return Credential("OAuth login", str(path), str(stored.get("username") or ""), path)


def config_folder(variables: Mapping[str, str], home: Path) -> Path:
    """The folder the client reads `kaggle.json` from."""
    if variables.get("KAGGLE_CONFIG_DIR"):
        return Path(variables["KAGGLE_CONFIG_DIR"])
    if (home / ".kaggle").exists() or not sys.platform.startswith("linux"):
        return home / ".kaggle"
    return Path(variables.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"


def _is_there(name: str) -> bool:
    try:
        return bool(name) and Path(name).exists()
    except OSError:  # a token that is too long for a file's name
        return False


def read_text(path: Path) -> str:
    """A file's text, stripped; "" without one that can be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
    except OSError:
        return ""


def stored_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} where it holds none: the client passes over such a file too."""
    try:
        value = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
