"""Folder names that mean a split: train, val, test or predict, in several languages.

A name is split into words at separators, digits and capitals, and interpreted together with its siblings:
`seg_train` beside `seg_test` is a split, `training shoes` beside `boots` is not.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

TRAIN, VAL, TEST, PREDICT = "train", "val", "test", "predict"
WORDS = {
    word: role
    for role, words in {
        TRAIN: "train training trn trainval trainvalid entrenamiento treino entrainement 训练",
        VAL: "val valid validate validation dev devel eval evaluate evaluation holdout validacion "
        "validacao 验证",
        TEST: "test tests testing tst prueba pruebas teste 测试",
        PREDICT: "pred preds predict predicting prediction predictions unlabelled unlabeled infer "
        "inference 预测",
    }.items()
    for word in words.split()
}
# Ambiguous abbreviations: counted only where all sibling names are splits, too.
SHORT = {"tr": TRAIN, "labelled": TRAIN, "labeled": TRAIN, "va": VAL, "te": TEST, "ts": TEST}
NOUNS = frozenset(
    """
    set sets data dataset datasets image images img imgs pic pics picture pictures photo photos jpg
    jpeg jpegs png pngs folder folders dir directory split splits part parts sample samples file files
    集 数据 数据集 图片 图像
    """.split()  # noqa: SIM905
)
# Filler words: a split's name may contain them without becoming a class name.
PLAIN = NOUNS | frozenset(
    """
    the my all only for to of and in input raw new old final full small mini public private stage phase
    batch version orig original clean cropped crop crops resized resize rgb kaggle
    """.split()  # noqa: SIM905
)
BROKEN = re.compile(r"(hold)[\W_]+(out)|(un)[\W_]+(labell?ed)", re.IGNORECASE)
CAPITALS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
LETTERS = re.compile(r"[^\W\d_]+|\d+")


def roles_of(names: Sequence[str]) -> dict[str, str]:
    """Sibling folder names to the split that each denotes.

    Returns:
        `train`, `val`, `test` or `predict` by name; names of anything else are left out.
    """
    found = _roles(names, WORDS | SHORT)
    if len(found) == len(names) and len(set(found.values())) > 1:
        return found
    return _roles(names, WORDS)


def says_nothing(name: str) -> bool:
    """Is it a generic name such as `images` or `data_set`, neither a class nor a split?"""
    role, rest = _read(name, WORDS)
    return role is None and not rest and any(word in PLAIN for word in _words(name, CAPITALS))


def _roles(names: Sequence[str], words: Mapping[str, str]) -> dict[str, str]:
    read = {name: _read(name, words) for name in names}
    called = {name: role for name, (role, _) in read.items() if role}
    rests = {name: read[name][1] for name in called}
    sure = {
        name
        for name, role in called.items()
        if not rests[name]
        or any(rests[name] == rests[other] and called[other] != role for other in called)
    }
    alone = len(called) == len(names) and len(set(called.values())) > 1
    if sure and (alone or len({called[name] for name in sure}) > 1):
        sure = set(called)  # `train`, `test` and `test_extra`, and nothing that is no part
    return {name: called[name] for name in names if name in sure}


def _read(name: str, words: Mapping[str, str]) -> tuple[str | None, frozenset[str]]:
    """The part that a name tells, if one, and its other words, without those that say nothing."""
    for pattern in (CAPITALS, LETTERS):  # trainData, TRAINdata
        parts = _words(name, pattern)
        roles = {role for word in parts if (role := _role_of(word, words))}
        rest = {
            word
            for word in parts
            if not _role_of(word, words)
            and word not in PLAIN
            and not word.isdigit()
            and (len(word) > 1 or not word.isascii())
        }
        if roles:
            break
    else:
        return None, frozenset(rest)
    for one in ({TRAIN, VAL}, {TEST, PREDICT}):
        if roles == one:  # train_val, test_unlabelled
            roles = {TRAIN if TRAIN in one else TEST}
    return (roles.pop() if len(roles) == 1 else None), frozenset(rest)


def _words(name: str, pattern: re.Pattern[str]) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    joined = BROKEN.sub(lambda found: "".join(filter(None, found.groups())), plain)
    return [word.lower() for word in pattern.findall(joined)]


def _role_of(word: str, words: Mapping[str, str]) -> str | None:
    """The part that a word tells: `train`, or `trainset`, which people write as one."""
    if word in words:
        return words[word]
    for noun in NOUNS:
        for one in (word.removesuffix(noun), word.removeprefix(noun)):
            if one != word and one in WORDS:
                return WORDS[one]
    return None
