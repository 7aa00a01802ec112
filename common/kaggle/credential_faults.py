"""Check the Kaggle credential before any request: what is wrong or missing, as a sentence without secrets."""

import codecs
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from common.kaggle.credential import (
    Credential,
    client_environment,
    config_folder,
    credential,
    home_of,
    read_text,
    stored_json,
    token_source,
)
from common.progress import say

SETTINGS = "https://www.kaggle.com/settings"
NEW_KIND = re.compile(
    r"\b(KG[A-Z]T_|eyJ)", re.IGNORECASE
)  # how API tokens begin; a key is 32 hex digits
PATH_LIKE = re.compile(r"[~./\\]|[A-Za-z]:\\")
WORD = r"[\w.~+/-]+={0,2}"  # a token or a key
ODD = {  # what is wrong with a word, by the first pattern that is found in it
    r"^\s*['\"“‘]": "quotes around it",
    r"[\r\n]": "a line break in it",
    r"\s": "blanks in it",
    "": "characters that none has",
}
LONGEST_NAME = 255  # bytes of a file's; the client first looks for a file of that name
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PLAIN = "save it as UTF-8 text without a mark (PowerShell: Set-Content -Encoding ascii)"


def how_to_create(environment: Mapping[str, str] | None = None) -> str:
    """How to get a credential, with the folder that is really read."""
    named = client_environment(environment).get("KAGGLE_CONFIG_DIR")
    place = "~/.kaggle/kaggle.json"
    if named:
        place = f"{Path(named) / 'kaggle.json'}, the folder that KAGGLE_CONFIG_DIR names"
    return (
        f"create an API token at {SETTINGS} and save it as ~/.kaggle/access_token (or kaggle.json "
        f"as {place}), or set KAGGLE_API_TOKEN"
    )


def credential_fault(environment: Mapping[str, str] | None = None) -> str:
    """What keeps the credential in effect from being accepted, or why there is none; "": nothing."""
    variables = client_environment(environment)
    home, used = home_of(variables), credential(environment=environment)
    place = config_folder(variables, home) / "kaggle.json"
    if used is not None and used.kind == "OAuth login":
        return ""
    if used is not None and used.kind == "access token":
        return "" if "KAGGLE_TOKEN" in variables else _token_fault(variables, home, place)
    fault = _key_fault(variables, place, home)
    if fault or used is not None:
        return fault
    near = _near(variables, home, place) or how_to_create(environment)
    return f"no Kaggle credential was found: {near}"


@cache
def warn_if_readable(used: Credential) -> None:
    """Say, once, that others can read the credential's file."""
    mode = used.file.stat().st_mode & 0o777 if used.file and os.name != "nt" else 0
    if mode & 0o044:
        say(
            f"{used.file} can be read by other users of this machine (mode {mode:o}): chmod 600 {used.file}"
        )


def form_hint(environment: Mapping[str, str] | None = None) -> str:
    """What the form of a credential that was refused tells, as a clause; "" for nothing."""
    variables = client_environment(environment)
    used, (place, token, _) = credential(environment=environment), token_source(variables)
    if used is not None and used.kind == "access token" and re.fullmatch("[0-9a-f]{32}", token):
        return f"; what {place} holds has the form of a key: it belongs in KAGGLE_KEY, or in kaggle.json"
    if used is not None and used.kind == "API key" and used.file and str(used.file) != used.source:
        return "; name and key come from two places, which may be two accounts'"
    return ""


def not_accepted(used: Credential, hidden: Credential | None, said: str) -> str:
    """The sentence for a credential that Kaggle refused, and for the key that an access token hides."""
    sentence = f"Kaggle did not accept the {_named(used)}{said}"
    if hidden is not None:
        return (
            f"{sentence}, which hides the {_named(hidden)}: remove that token to sign in with the "
            f"key, or create a new token at {SETTINGS}"
        )
    return (
        f"{sentence}: it is wrong or has expired; create a new one at {SETTINGS}, or remove "
        "it if another was meant"
    )


def _named(credential: Credential) -> str:
    """ "API key of ann from /home/ann/.kaggle/kaggle.json"."""
    owner = f" of {credential.username}" if credential.username else ""
    return f"{credential.kind}{owner} from {credential.source}"


def _token_fault(variables: Mapping[str, str], home: Path, place: Path) -> str:
    where, text, path = token_source(variables)
    if path and (fault := _file_fault(path)):
        return fault
    if text.startswith("{"):
        return (
            f"{where} holds the JSON of a kaggle.json and no token: save that as {place}, and remove it "
            f"there, or put a token from {SETTINGS} there alone"
        )
    if not path and max(len(part.encode()) for part in text.split("/")) > LONGEST_NAME:
        return f"{where} is too long for the Kaggle client there: save it as {home / '.kaggle' / 'access_token'}"
    if PATH_LIKE.match(text):
        return f"{where} names a file that is not there: give its whole path, or the token itself"
    return _word_fault(where, text, "token", WORD)


def _key_fault(variables: Mapping[str, str], place: Path, home: Path) -> str:
    stored = stored_json(place)
    found: dict[str, tuple[str, object]] = {}
    for name in ("username", "key"):
        variable = f"KAGGLE_{name.upper()}"
        if variable in variables:
            found[name] = (f"the environment variable {variable}", variables[variable])
        elif stored.get(name):
            found[name] = (str(place), stored[name])
    where, key = found.get("key", ("", ""))
    if isinstance(key, str) and NEW_KIND.match(key.strip(" '\"\r\n")):
        return (
            f"the key in {where} is an API token of the new kind, and no key: set it as KAGGLE_API_TOKEN, "
            f"or save it alone as {home / '.kaggle' / 'access_token'}, and remove it there"
        )
    if len(found) < 2 and place.exists():
        if (fault := _file_fault(place)) and ": " in fault:
            return fault
        if fault or (fault := _json_fault(place, stored)):
            return f"{fault}, so there is no Kaggle credential: {how_to_create(variables)}"
    if len(found) == 1:
        here, lacks = ("USERNAME", "KEY") if "username" in found else ("KEY", "USERNAME")
        return (
            f"KAGGLE_{here} is set without KAGGLE_{lacks}, so there is no Kaggle credential: set both, or "
            f"unset it and {how_to_create(variables)}"
        )
    for name, (where, text) in found.items():
        form = r"[\w.-]+" if name == "username" else WORD
        if fault := _word_fault(where, text, name, form):
            return fault
    return ""


def _word_fault(where: str, text: object, what: str, form: str) -> str:
    """What is wrong with a name, a key or a token that is to be one plain word."""
    if not isinstance(text, str):
        return f"the {what} in {where} is no text: write the {what} in quotes, as Kaggle's own file has it"
    if what == "username" and ("@" in text or "/" in text):
        kind = "an e-mail address" if "@" in text else "an address"
        return f"the username in {where} is {kind}: write the last part of your profile's address"
    if re.fullmatch(form, text, re.ASCII):
        return ""
    if text.startswith("{"):
        return f"{where} holds JSON: put the {what} alone there"
    odd = next(what for pattern, what in ODD.items() if re.search(pattern, text))
    return f"the {what} in {where} has {odd}: write it alone, as one word"


def _file_fault(path: Path) -> str:
    """What keeps a file from being read as the client reads it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    if not data.strip():
        return f"{path} is empty"
    if data.startswith(MARKS) or b"\0" in data:
        return f"{path} is UTF-16 text, which the Kaggle client does not read: {PLAIN}"
    if data.startswith(codecs.BOM_UTF8):
        return (
            f"{path} begins with a byte order mark, which the Kaggle client does not read: {PLAIN}"
        )
    try:
        data.decode()
    except UnicodeDecodeError:
        return f"{path} is not UTF-8 text: {PLAIN}"
    return ""


def _json_fault(place: Path, stored: Mapping[str, object]) -> str:
    text = read_text(place)
    if NEW_KIND.search(text):
        return f"{place} holds an API token, which belongs alone in ~/.kaggle/access_token"
    lacking = [name for name in ("username", "key") if not stored.get(name)]
    return f"{place} holds no {' and '.join(lacking)}" if lacking else ""


def _near(variables: Mapping[str, str], home: Path, place: Path) -> str:
    """What lies about and may be meant, and what to do with it; or ""."""
    named = variables.get("KAGGLE_CONFIG_DIR")
    where, _, path = token_source(variables)
    if path:
        return f"{where} is empty: put a token from {SETTINGS} there"
    if named and not Path(named).is_dir():
        what = "a file" if Path(named).exists() else "no folder that is there"
        return f"KAGGLE_CONFIG_DIR={named} names {what}: name the folder that holds kaggle.json, or unset it"
    tokens = home / ".kaggle" / "access_token"
    xdg = Path(variables.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"
    folders = dict.fromkeys([place.parent, home / ".kaggle", xdg, home / "Downloads", home])
    for path in _alike(folders):
        if path in (tokens, tokens.with_suffix(".txt")):  # found, and passed over
            return f"{_file_fault(path)}: put a token from {SETTINGS} there"
        target = tokens if path.name.lower().startswith("access") else place
        told = ", in the folder that KAGGLE_CONFIG_DIR names" if named and target == place else ""
        return f"{path} is not read, but {target}{told}: move it there, under that very name"
    return ""


def _alike(folders: Iterable[Path]) -> list[Path]:
    found = []
    for folder in folders:
        try:
            names = sorted(path.name for path in folder.iterdir())
        except OSError:
            continue
        found += [
            folder / name
            for name in names
            if re.match(r"kaggle.*json|access.?token", name, re.IGNORECASE)
        ]
    return [path for path in found if path.exists()]
