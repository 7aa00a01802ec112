"""Folders of empty files, as data sets are laid out, and what is read of them."""

from pathlib import Path

from common.data.class_folders import open_tree


def grown(root: Path, *names: str) -> Path:
    """Empty files below a folder; a name that ends with a slash is an empty folder."""
    for name in names:
        place = root / name
        (place if name.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            place.touch()
    return root


def labels(root: Path) -> dict[str, str]:
    rows = open_tree(root).train_rows()
    assert list(rows.columns) == ["id", "path", "label"]
    assert all(Path(path).is_file() for path in rows["path"])
    return dict(zip(rows["id"], rows["label"], strict=True))


def classes(root: Path) -> str:
    return " ".join(sorted(set(labels(root).values())))


def said(root: Path) -> str:
    return "\n".join(open_tree(root).remarks())
