"""Python source in lines of the house's width: calls, dictionaries, values."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from common.targets import Target

WIDTH = 100


def text(value: str) -> str:
    """A text as Python writes it, in double quotes."""
    return repr(value) if '"' in value else f'"{repr(chr(39) + value)[2:-1]}"'


def names(values: Sequence[str]) -> str:
    """A tuple of texts."""
    return f"({', '.join(map(text, values))}{',' * (len(values) == 1)})"


def listed(before: str, items: Sequence[str], *, indent: int = 4, brackets: str = "()") -> str:
    """A statement that ends in brackets: on one line where it fits, else the items on lines below."""
    space = " " * indent
    inside = ", ".join(items)
    line = f"{space}{before}{brackets[0]}{inside}{brackets[1]}"
    if len(line) <= WIDTH:
        return line
    if len(inside) + indent + 4 <= WIDTH and brackets == "()" and not before.endswith("= "):
        return f"{space}{before}(\n{space}    {inside}\n{space})"
    body = "".join(f"{space}    {each},\n" for each in items)
    return f"{space}{before}{brackets[0]}\n{body}{space}{brackets[1]}"


def written(file: str, columns: Mapping[str, str]) -> str:
    """The call that writes a table of these columns, each with its expression."""
    pairs = [
        each if each.startswith("**") else f"{text(name)}: {each}" for name, each in columns.items()
    ]
    line = f"    write_csv(folder / {file}, {{{', '.join(pairs)}}})"
    if len(line) <= WIDTH:
        return line
    inside = listed("", pairs, indent=8, brackets="{}").strip()
    return f"    write_csv(\n        folder / {file},\n        {inside},\n    )"


def imported(module: str, things: Sequence[str]) -> str:
    """An import of some things from a module."""
    line = f"from {module} import {', '.join(sorted(things))}"
    if len(line) <= WIDTH:
        return line
    return listed(f"from {module} import ", sorted(things), indent=0)


def target(value: Target, columns: Sequence[str]) -> str:
    """A target as its declaration, `COLUMNS` for the names of these columns."""
    told = {each.name: getattr(value, each.name) for each in fields(value)}
    told = {each.name: told[each.name] for each in fields(value) if told[each.name] != each.default}
    words = [f"{k}={'COLUMNS' if v == tuple(columns) else _value(v)}" for k, v in told.items()]
    return f"{type(value).__name__}({', '.join(words)})"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return names(value)
    return text(value) if isinstance(value, str) else str(value)
