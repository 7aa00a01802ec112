"""A finished run of a toy competition, shared by the tests of this folder."""

import pytest
from toy_package import Made, made_of

import competitions


@pytest.fixture(scope="package")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("dogs")
    return made_of(
        competitions.load("dog_breed"), folder, views="mirror", eval_batch_size=4, epochs=1
    )
