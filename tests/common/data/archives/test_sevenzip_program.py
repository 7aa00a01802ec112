"""7z archives on a machine without py7zr: by the program 7z, or a word on what to install."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_files import FILES, content, sevened

Opened = Callable[[Path, Path], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without py7zr and with a program 7z that answers as the real one does."""
    script = tmp_path / "bin" / "7z"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from py7zr import SevenZipFile, Py7zIO, WriterFactory\n"
        "class Out(Py7zIO):\n"
        "    write = lambda self, s: sys.stdout.buffer.write(s)\n"
        "    read = seek = flush = size = lambda self, *a: 0\n"
        "class Outs(WriterFactory):\n"
        "    create = lambda self, name: Out()\n"
        "with SevenZipFile(sys.argv[-1]) as z:\n"
        "    if sys.argv[1] == 'x':\n"
        "        z.extractall('.', factory=Outs())\n"
        "    for f in z.files if sys.argv[1] == 'l' else ():\n"
        "        kind = 'D drwxr-xr-x' if f.is_directory else 'A -rw-r--r--'\n"
        "        print(f'Path = {f.filename}\\nSize = {f.uncompressed}\\nAttributes = {kind}')\n"
        "        print('CRC =', f'{f.crc32:08X}' if f.crc32 else '', '\\nEncrypted = -\\n')\n"
    )
    script.chmod(0o755)
    monkeypatch.setitem(sys.modules, "py7zr", None)
    monkeypatch.delitem(sys.modules, "common.data.archives.sevenzip", raising=False)
    monkeypatch.setenv("PATH", str(script.parent))


def test_without_a_reader_for_7z_the_message_says_what_to_install(
    opened: Opened, data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sevened(data / "train.7z", FILES)
    monkeypatch.setitem(sys.modules, "py7zr", None)
    monkeypatch.delitem(sys.modules, "common.data.archives.sevenzip", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="pip install py7zr"):
        opened(data, cache)


@pytest.mark.usefixtures("program")
def test_the_program_7z_gives_the_same_files(opened: Opened, data: Path, cache: Path) -> None:
    sevened(data / "train.7z", FILES)
    assert content(opened(data, cache)) == FILES


@pytest.mark.usefixtures("program")
def test_the_program_7z_notices_a_truncated_archive(
    opened: Opened, data: Path, cache: Path
) -> None:
    os.truncate(sevened(data / "train.7z", FILES), 10_000)
    with pytest.raises(ValueError, match="is damaged"):
        opened(data, cache)
