"""One script that carries the kit's code and a recipe's words: equal bytes wherever it is made.

It holds `common`, one competition, what runs inside a kernel, and `kit.py`, as git knows them; nothing
else of this machine can get in. Unpacked into a temporary folder, it calls what a laptop calls.
"""

import base64
import io
import lzma
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from pprint import pformat
from subprocess import CalledProcessError
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from common.environment import git
from common.errors import KitError
from common.kaggle.client.kernel_push import LARGEST
from common.progress import first_of

ROOT = Path(__file__).resolve().parents[2]  # the kit's own folder
CARRIED = ("common", "competitions/__init__.py", "kit.py", "kernels", "pyproject.toml")
LINE = 100  # characters
SHORTEST_SECRET = 16  # characters; Kaggle's have 32 and more
THE_FIRST = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can state

SCRIPT = '''\
"""{title}

The kit's own code is packed at the end; it is unpacked into a temporary folder, not into the output.
"""

import base64
import io
import lzma
import sys
import tempfile
import zipfile

KIT = {facts}


def main():
    """Unpack the code and call the command line that a laptop calls."""
    with tempfile.TemporaryDirectory(prefix="kit-") as folder:
        code = lzma.decompress(base64.b64decode(CODE))
        zipfile.ZipFile(io.BytesIO(code)).extractall(folder)
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
{call}


CODE = """
{code}
"""

if __name__ == "__main__":
    sys.exit(main())
'''

# What the script calls once its code is unpacked.
TRAINS = """\
        import kit
        from kernels.runtime.main import run

        return run(KIT, kit.main)"""
PREDICTS = """\
        from kernels.runtime.predict import run

        return run(KIT, folder)"""


def bundle(
    title: str, facts: Mapping[str, Any], files: Mapping[str, bytes], *, call: str = TRAINS
) -> str:
    """The script: `facts` (plain values) for the function that it calls, and the code that `files` are.

    Args:
        call: what it calls, `TRAINS` or `PREDICTS`.

    Raises:
        KitError: it is larger than Kaggle takes.
    """
    code = base64.b64encode(packed(files)).decode()
    lines = [code[start : start + LINE] for start in range(0, len(code), LINE)]
    plain = title.replace("\\", "/").replace('"', "'")
    script = SCRIPT.format(
        title="\n".join(textwrap.wrap(plain, LINE)),
        facts=pformat(dict(facts), width=LINE, sort_dicts=True),
        code="\n".join(lines),
        call=call,
    )
    if (size := len(script.encode())) > LARGEST:
        largest = sorted(files, key=lambda name: -len(files[name]))
        raise KitError(
            f"the kernel's script has {size:,} bytes, and Kaggle takes {LARGEST:,}: make the code "
            f"smaller (the largest files are {first_of(largest, 3)})"
        )
    return script


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files by name as one compressed archive, without times, owners or an order of their own."""
    whole = io.BytesIO()
    with ZipFile(whole, "w", ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(ZipInfo(name, THE_FIRST), files[name])
    return lzma.compress(whole.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def code_of(competition: str, root: Path = ROOT) -> dict[str, bytes]:
    """The code that a kernel of a competition's folder name needs, by path, as it is here now.

    Raises:
        KitError: the kit lies in no git checkout, or git does not know one of the files.
    """
    wanted = (*CARRIED, f"competitions/{competition}")
    known = _git_files(root, "--cached", places=wanted)
    if strange := _git_files(root, "--others", "--exclude-standard", places=wanted):
        raise KitError(
            f"a kernel carries what is in git, and {first_of(strange)} is not: `git add` it, or "
            "take it away"
        )
    if gone := [name for name in known if not (root / name).is_file()]:
        raise KitError(
            f"git knows {first_of(gone)}, which is not there: bring it back, or `git rm` it"
        )
    return {name: (root / name).read_bytes() for name in known}


def check_secrets(texts: Mapping[str, bytes], secrets: Iterable[str]) -> None:
    """Refuse texts that quote a secret of this machine; a short one is no secret, but a word.

    Raises:
        KitError: one does; the secret itself is not repeated.
    """
    for secret in secrets:
        for name, content in texts.items():
            if len(secret) >= SHORTEST_SECRET and secret.encode() in content:
                raise KitError(
                    f"{name} would carry a Kaggle credential of yours: take it out first"
                )


def _git_files(root: Path, *flags: str, places: Sequence[str]) -> list[str]:
    """What `git ls-files` lists below these places."""
    try:
        found = git(root, "ls-files", "-z", *flags, "--", *places)
    except (OSError, CalledProcessError) as error:
        said = getattr(error, "stderr", "").strip() or str(error)
        raise KitError(
            f"what a kernel may carry is what git knows of {root}, and git says: {said}; clone the "
            "kit with git"
        ) from error
    return sorted(name for name in found.split("\0") if name)
