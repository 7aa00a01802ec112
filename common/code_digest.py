"""Code files to a digest of their syntax trees: comments, docstrings and messages do not count.

The syntax tree is hashed without docstrings, error messages and `say`. The digest is the same under
every Python version, so that a run from another machine can be resumed.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

# Code that can change a trained weight or a probability.
ROOMS = (
    "targets",
    "metrics",
    "data",
    "models",
    "inference",
    "training",
    "workflow/training_rows",
)
MODULES = ("recipe", "recipe_values", "typed_fields", "recipe_rules", "competition", "randomness")
# Code between a stored image and its features.
OF_FEATURES = (
    "data/batches/sources",
    "data/batches/batching",
    "data/batches/photo_source",
    "data/batches/photographs",
    "inference/feature_blocks",
    "inference/features",
    "inference/folded",
    "inference/predict",
    "inference/tta_views",
    "models/feature_pools",
    "models/joined_features",
    "models/network",
)

CORE = Path(__file__).parent


def code_digest(competition: Path) -> str:
    """A competition's folder to the digest of all code that can change its results."""
    files = [CORE / f"{name}.py" for name in MODULES]
    files += [path for room in ROOMS for path in sorted((CORE / room).rglob("*.py"))]
    return digest_of([*files, competition / "__init__.py"])[:16]


def features_digest() -> str:
    """The digest of the code that computes features of stored images."""
    return digest_of(CORE / f"{name}.py" for name in OF_FEATURES)


def digest_of(files: Iterable[Path]) -> str:
    """Python files to one SHA-256 of their `meaning`."""
    whole = hashlib.sha256()
    for path in files:
        whole.update(meaning(path.read_text(encoding="utf-8")).encode() + b"\0")
    return whole.hexdigest()


@cache
def meaning(source: str) -> str:
    """A module's source to its syntax tree as text, without docstrings and messages."""
    return "".join(_told(ast.parse(source)))


def _told(value: object) -> Iterator[str]:
    """A node, a list of nodes or a value as text; empty fields, in which versions differ, are left out."""
    if isinstance(value, ast.Raise):
        raised = value.exc.func if isinstance(value.exc, ast.Call) else value.exc
        yield "Raise("
        yield from _told(raised)
        yield ")"
    elif isinstance(value, ast.AST):
        yield f"{type(value).__name__}("
        for name, each in ast.iter_fields(value):
            if each not in (None, []) and name not in ("ctx", "kind", "type_comment"):
                yield f"{name}="
                yield from _told(each)
        yield ")"
    elif isinstance(value, list):
        for each in value:
            if not _is_words(each):
                yield from _told(each)
                yield ","
    else:
        yield repr(value)


def _is_words(node: ast.AST) -> bool:
    """Is this statement a docstring, another bare string, or a call of `say`?"""
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return isinstance(node.value.value, str)
    called = node.value.func if isinstance(node.value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "say"
