"""What people paste for a competition names it, or is refused in a sentence."""

import pytest

from common.kaggle.address import slug_in
from common.verbs.new import name_of

SITE = "https://www.kaggle.com"


@pytest.mark.parametrize(
    "text",
    [
        "UBC-OCEAN",
        f"{SITE}/c/UBC-OCEAN",
        f"{SITE}/c/UBC-OCEAN/overview",
        *(
            f"{SITE}/competitions/UBC-OCEAN/{tab}"
            for tab in (
                "",
                "overview/evaluation",
                "data",
                "code",
                "discussion/4711",
                "leaderboard?tab=public",
                "rules#7-data",
                "submissions",
                "models",
                "team",
                "code?competitionId=1&sortBy=voteCount",
            )
        ),
        "http://kaggle.com/competitions/UBC-OCEAN?utm_source=a#b",
        "www.kaggle.com/c/UBC-OCEAN/",
        "WWW.Kaggle.com/Competitions/UBC-OCEAN",
        "kaggle.com:443//c//UBC-OCEAN//data",
        "inclass.kaggle.com/c/UBC-OCEAN",
        "/competitions/UBC-OCEAN/data",
        "c/UBC-OCEAN",
        f"  <{SITE}/c/UBC-OCEAN/data>.\n",
        "kaggle competitions download -c UBC-OCEAN -p data",
        "!kaggle competitions download UBC-OCEAN",
        "kaggle c submit --competition=UBC-OCEAN -f 'a b.csv' -m 'a'",
    ],
)
def test_every_address_of_a_competition_names_it(text: str) -> None:
    assert slug_in(text) == "UBC-OCEAN"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{SITE}/code/ann/plant-notebook", "is a notebook's page"),
        (f"{SITE}/ann/plant-notebook/notebook", "is a notebook's page or a dataset's"),
        (f"{SITE}/datasets/ann/plants", "is a dataset's page"),
        (f"{SITE}/models/google/vit", "is a model's page"),
        (f"{SITE}/ann", "is a person's page"),
        (f"{SITE}/competitions", "is the list of all competitions"),
        (f"{SITE}/t/0123abcd", "is an invitation's link"),
        (SITE, "is the site's front page"),
        ("https://example.com/c/plants", "is no page of www.kaggle.com"),
        ("https://www.kaggle.com.example.com/c/plants", "is no page of www.kaggle.com"),
        ("https://www.kaggle.com@example.com/c/plants", "is no page of www.kaggle.com"),
        ("ftp://www.kaggle.com/c/plants", "is no page of www.kaggle.com"),
        ("https://[/c/plants", "is no address"),
        ("kaggle datasets download ann/plants", "names no competition"),
        ("kaggle competitions list", "names no competition"),
        ("Plant Seedlings!", "is no slug and no address"),
        (f"{SITE}/c/pl%20ants", "is no slug"),
        ("-c", "is no slug"),
        ("", "is no slug"),
        ("..", "is no slug"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        slug_in(text)
    assert "\n" not in str(refused.value)


def test_a_folder_is_named_by_one_rule_and_is_a_word_of_python() -> None:
    names = {
        "UBC-OCEAN": "ubc_ocean",
        "LANL-Earthquake-Prediction": "lanl_earthquake_prediction",
        "3d-object-detection": "c_3d_object_detection",
        "class": "c_class",
        "digits": "digits",
    }
    assert {slug: name_of(slug) for slug in names} == names
    assert all(name.isidentifier() for name in names.values())
