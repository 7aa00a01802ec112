"""Parts of a data set are known by the names people use, judged with the names beside them."""

import pytest

from common.data.split_names import roles_of


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("training_set test_set", "train test"),
        ("seg_train seg_test seg_pred", "train test predict"),
        ("train_images test_images val_images", "train test val"),
        ("Train-Data Test-Data", "train test"),
        ("images_train images_val", "train val"),
        ("train2017 val2017 test2017", "train val test"),
        ("trainData testData", "train test"),
        ("TRAINset TESTset", "train test"),
        ("trainset testset", "train test"),
        ("Training PublicTest PrivateTest", "train test test"),
        ("pets_train test", "train test"),
        ("trn tst dev", "train test val"),
        ("tr te va", "train test val"),
        ("train eval hold-out un_labelled predict", "train val val predict predict"),
        ("labeled unlabeled", "train predict"),
        ("train-jpg test-jpg test-jpg-additional", "train test test"),
        ("train_val test", "train test"),
        ("训练集 测试图片", "train test"),
        ("Entraînement test", "train test"),
    ],
)
def test_names_of_parts_are_known_as_parts(names: str, roles: str) -> None:
    assert list(roles_of(names.split()).values()) == roles.split()


@pytest.mark.parametrize(
    "names",
    [
        ["validated", "contest", "testimony"],
        ["training shoes", "walking shoes", "boots"],
        ["test tube", "training shoes"],
        ["de", "en", "te", "tr"],
        ["trains", "valley", "devil", "predator", "interval"],
        ["labelled", "wild"],
        ["train_test_split"],
    ],
)
def test_names_that_hold_such_letters_or_words_are_no_parts(names: list[str]) -> None:
    assert roles_of(names) == {}


def test_a_class_called_as_a_part_is_pointed_at_and_the_others_are_not() -> None:
    assert roles_of(["test", "control", "placebo"]) == {"test": "test"}
    assert roles_of(["valid", "invalid", "unsure"]) == {"valid": "val"}
    assert roles_of(["train", "plane", "car"]) == {"train": "train"}
