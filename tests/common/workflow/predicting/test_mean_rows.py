"""The mean prediction in every row, written without a network or a table."""

from pathlib import Path

import pytest
from toy_package import Made

from common.storage import read_json
from common.workflow.predicting.contents import PREDICTOR
from common.workflow.predicting.mean_rows import write_mean


def test_it_is_what_a_test_set_without_time_gets(dogs: Made) -> None:
    dogs.predicted(dogs.data, seconds=1e-6)
    mean = read_json(dogs.package / PREDICTOR)["mean"]
    sample = dogs.data / dogs.request.competition.sample
    assert write_mean(sample, mean["cells"], mean["long"], dogs.folder / "mean.csv") == 8
    written = (dogs.folder / "out" / "submission.csv").read_bytes()
    assert (dogs.folder / "mean.csv").read_bytes() == written


def test_a_row_for_each_image_and_column_gets_the_columns_mean(tmp_path: Path) -> None:
    sample, out = tmp_path / "sample.csv", tmp_path / "out.csv"
    sample.write_text("id,p\na_b_x,0\na_b_y,0\n2_y,0\n", encoding="utf-8")
    assert write_mean(sample, {"x": "0.1", "y": "0.9"}, "{id}_{name}", out) == 3
    assert out.read_text(encoding="utf-8") == "id,p\na_b_x,0.1\na_b_y,0.9\n2_y,0.9\n"


def test_ids_keep_their_text_and_their_quotes(tmp_path: Path) -> None:
    sample, out = tmp_path / "sample.csv", tmp_path / "out.csv"
    sample.write_bytes(b'\xef\xbb\xbfid,p\r\n007,0\r\n"a,b",0\r\n')
    assert write_mean(sample, {"p": "0.5"}, "", out) == 2
    assert out.read_text(encoding="utf-8") == 'id,p\n007,0.5\n"a,b",0.5\n'


@pytest.mark.parametrize(
    ("text", "long"), [("id,q\n1,0\n", ""), ("", ""), ("id,p\n1_z,0\n", "{id}_{name}")]
)
def test_another_sample_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, long: str
) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, LookupError)):
        write_mean(sample, {"p": "0.5"}, long, tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["sample.csv"]
