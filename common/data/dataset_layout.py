"""A folder of images to its layout: which folders are train, test and classes.

Decided by names (`common.data.split_names`) and contents. An ambiguous layout is refused, not guessed:
the error lists the folders and how to resolve it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.data.image_files import EXAMPLE, full_folders, loose_images, visible_folders
from common.data.split_names import PREDICT, TEST, TRAIN, VAL, roles_of, says_nothing
from common.errors import KitError
from common.progress import first_of

CLASSES = "kit_classes.txt"  # the names of the class folders, one a line


@dataclass(frozen=True)
class DatasetLayout:
    """How the folders of a data set are interpreted.

    Attributes:
        root: the folder that ids are relative to.
        train: the folder that the class folders are in.
        classes: the class folders, in order; empty ones too.
        test: the folder of the test set, or None.
        remarks: messages for the user, one sentence each.
        listed: a `kit_classes.txt` names the classes, so nothing was inferred.
    """

    root: Path
    train: Path
    classes: tuple[Path, ...]
    test: Path | None = None
    remarks: tuple[str, ...] = ()
    listed: bool = False


def settle_by_file(place: Path, when: str) -> str:
    """The end of an error message: which file in `place` resolves the ambiguity."""
    return (
        f"; {when}, settle it by a file {CLASSES} in {place} (or beside the archive it came in) with "
        "the names of the classes, one a line"
    )


def find_layout(folder: Path) -> DatasetLayout:
    """Infer a data set's layout from its folders, or read it from `kit_classes.txt`.

    Raises:
        KitError: there are no folders, or the layout is ambiguous.
    """
    places = _unwrapped(folder)
    root = places[-1]
    for at, place in enumerate(places):
        if (place / CLASSES).is_file():
            return _listed(place / CLASSES, places[at:])
    folders = visible_folders(root)
    if not folders:
        raise KitError(
            f"{folder} holds no class folders: put the images of every class into a folder of its "
            f"own, as in {EXAMPLE}"
        )
    full = full_folders(root) or folders
    roles = _roles(full)
    trains = [each for each in full if roles.get(each) == TRAIN]
    sorted_in = [each for each in trains if visible_folders(each)]
    if sorted_in:
        return _with_train(root, full, roles, sorted_in)
    if len(roles) == len(full):
        raise _no_classes(root, root, full)
    return _without_train(root, folders, full, roles)


def _roles(folders: Sequence[Path]) -> dict[Path, str]:
    roles = roles_of([each.name for each in folders])
    return {each: roles[each.name] for each in folders if each.name in roles}


def _unwrapped(folder: Path) -> list[Path]:
    """The folder, and those in it down to the parts or classes: archives often hold one with all."""
    places = [folder]
    while True:
        folders, full = visible_folders(places[-1]), full_folders(places[-1])
        only = full if len(full) == 1 else folders
        if len(only) != 1:
            return places
        inside = full_folders(only[0]) or visible_folders(only[0])
        roles = _roles(inside)
        role = _roles(only).get(only[0])
        parted = TRAIN in roles.values()
        if role == TRAIN:
            parted = parted and len(roles) == len(inside)  # else a class `train` among others
        if not (parted if role or len(folders) > 1 else inside):
            return places
        places.append(only[0])


def _with_train(
    root: Path, full: Sequence[Path], roles: Mapping[Path, str], trains: Sequence[Path]
) -> DatasetLayout:
    """A folder called train has folders: they are the classes, or the parts once more."""
    others = [each for each in full if each not in roles]
    if len(trains) > 1:
        raise KitError(
            f"{root} has several training folders with folders of classes ({_names(trains)}): keep one "
            "of them, or put the images of all into the class folders of one"
        )
    if len(others) > 1 and set(roles.values()) == {TRAIN}:
        raise _doubtful(root, trains[0], others)
    train, extra = _innermost(root, trains[0])
    beside = [each for each in [*full, *extra] if each != trains[0]]
    test, remarks = _test_of(train, beside, {**roles, **_roles(extra)})
    if loose := sorted(loose_images(root)):
        remarks += (f"{root}: the images beside {trains[0].name} are not used ({first_of(loose)})",)
    return DatasetLayout(root, train, tuple(visible_folders(train)), test, remarks)


def _without_train(
    root: Path, folders: Sequence[Path], full: Sequence[Path], roles: Mapping[Path, str]
) -> DatasetLayout:
    """Class folders lie in the root itself, perhaps beside a test set that has the same classes."""
    known = {each.name for each in full if each not in roles}
    tests = [each for each in full if roles.get(each, TRAIN) != TRAIN]
    flat = [each for each in full if roles.get(each) == TRAIN]
    for each in tests:
        inside = {inner.name for inner in visible_folders(_unpadded(each, known))}
        if not known & inside or flat:
            raise _doubtful(root, each, [other for other in full if other not in roles])
    test, remarks = _test_of(root, tests, roles)
    remarks += tuple(
        f"{each} is taken for a class like {first_of(sorted(known))}, for it has no class folders; if "
        "it is none, sort its images into class folders or move it away"
        for each in flat
    )
    every = _roles(folders)
    classes = [each for each in folders if each in flat or each not in every]
    return DatasetLayout(root, root, tuple(classes), test, remarks)


def _innermost(root: Path, train: Path) -> tuple[Path, list[Path]]:
    """The folder in a training folder that has the classes, and the parts met on the way.

    Raises:
        KitError: its folders are called as parts and not as classes.
    """
    extra: list[Path] = []
    while full := full_folders(train):
        roles = _roles(full)
        sorted_in = [each for each in full if roles.get(each) == TRAIN and visible_folders(each)]
        if len(roles) == len(full) and len(sorted_in) == 1:
            extra += [each for each in full if each != sorted_in[0]]
            train = sorted_in[0]
        elif len(roles) == len(full):
            raise _no_classes(root, train, full)
        elif (inner := _unpadded(train, set())) != train:
            train = inner
        else:
            break
    return train, extra


def _unpadded(place: Path, classes: set[str]) -> Path:
    """A folder, or the only one in it where that one's name tells nothing: test/images, test/test."""
    while not loose_images(place):
        folders = visible_folders(place)
        if len(folders) != 1 or folders[0].name in classes:
            break
        inner = folders[0]
        again = (
            inner.name.lower() == place.name.lower() or _roles(folders).get(inner, TRAIN) != TRAIN
        )
        if not (again or says_nothing(inner.name)):
            break
        place = inner
    return place


def _test_of(
    train: Path, beside: Sequence[Path], roles: Mapping[Path, str]
) -> tuple[Path | None, tuple[str, ...]]:
    """The test set among the folders beside the training set, and what is to be said of them all."""
    classes = {each.name for each in visible_folders(train)}
    ranked = [
        each for role in (TEST, VAL, PREDICT)
        for each in sorted(beside, key=lambda place: (len(place.name), place.name))
        if roles.get(each) == role
    ]  # fmt: skip
    test = ranked[0] if ranked else None
    remarks = []
    if test is not None and roles[test] != TEST:
        remarks.append(f"{test} is taken for the test set: there is no test folder")
    unused = [each for each in beside if each != test]
    if unused:
        names, verb = first_of([str(each) for each in unused]), "is" if len(unused) == 1 else "are"
        what = f"the folds are cut from {train}" + (f", {test} is the test set" if test else "")
        remarks.append(f"{names} {verb} not used: {what}; move images there to use them")
    return test and _unpadded(test, classes), tuple(remarks)


def _listed(file: Path, places: Sequence[Path]) -> DatasetLayout:
    """The classes that a file names, wherever they lie; the parts are what lies beside them."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise KitError(f"{file} is not UTF-8 text ({error.reason}): save it as UTF-8") from error
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    within = [each for each in visible_folders(places[-1]) if _roles([each]).get(each) == TRAIN]
    within += [_unpadded(each, set()) for each in within]
    lacking = {
        place: [n for n in names if Path(n).name != n or not (place / n).is_dir()]
        for place in (*places, *within)
    }
    train = min(lacking, key=lambda place: len(lacking[place]))
    if not names or lacking[train]:
        raise KitError(
            f"{file} names {first_of(lacking[train]) or 'no classes'}, and {train} has no folders of "
            "these names: it has the name of a class folder on each line, and nothing else"
        )
    classes = sorted(train / name for name in names)
    root = train if train in places else places[-1]
    beside = [
        each for each in full_folders(root)
        if each not in classes and not train.is_relative_to(each)
    ]  # fmt: skip
    test, remarks = _test_of(train, beside, _roles(beside))
    return DatasetLayout(root, train, tuple(classes), test, remarks, listed=True)


def _doubtful(root: Path, part: Path, classes: Sequence[Path]) -> KitError:
    return KitError(
        f"{root} has the folders {_names([part, *classes])}: {part.name} may be a class like "
        f"{_names(classes)}, or a part of the data set with images of any class, and neither is "
        f"guessed. Move the class folders into {root / 'train'}, {part.name} too if it is a class"
        f"{settle_by_file(root, 'or, without moving anything')}"
    )


def _no_classes(root: Path, place: Path, folders: Sequence[Path]) -> KitError:
    return KitError(
        f"{place} has the folders {_names(folders)}, which are called as parts of a data set and not "
        f"as classes, and no training folder with a folder for every class: sort the images, as in "
        f"{EXAMPLE}{settle_by_file(root, 'if these folders are the classes all the same')}"
    )


def _names(folders: Sequence[Path]) -> str:
    return first_of([each.name for each in folders])
