"""Layouts of Kaggle's competitions to conclusions, and to folders that keep every promise."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_answers import rows_of
from toy_more_layouts import MORE

from common.competition import Competition
from common.data.archives.encoded_images import Encoded
from common.data.table import check_table
from common.scaffold.conclusions import Answers, Facts, conclude
from common.scaffold.writing import trial
from common.scaffold.writing.template import Called, facts_source
from common.workflow.files import read_files

# kind, id column, columns of answers, group, writer
CONCLUDED = {
    "state_farm": ("class", "img", "classname", "subject", "probabilities"),
    "plant_seedlings": ("class", "id", "label", "", "label"),
    "fisheries": ("class", "id", "label", "", "probabilities"),
    "plant_pathology_2020": ("class", "image_id", "healthy multiple_diseases rust scab", "", "columns"),
    "planet": ("labels", "image_name", "tags", "", "labels"),
    "iwildcam_2020": ("class", "id", "category_id", "location", "label"),
    "herbarium_2022": ("class", "file_name", "category_id", "", "label"),
    "paddy": ("class", "image_id", "label", "", "label"),
    "retinopathy": ("grades", "image", "level", "", "grade"),
    "galaxy_zoo": ("numbers", "GalaxyID", "Class1.1 Class1.2 Class1.3", "", "columns"),
    "petfinder": ("numbers", "Id", "Pawpularity", "", "columns"),
    "hotel_id": ("class", "image", "hotel_id", "", "ranked"),
    "happy_whale": ("class", "image", "individual_id", "", "ranked"),
    "products": ("class", "image", "category", "", "label"),
    "melanoma": ("yes-no", "image_name", "target", "patient_id", "columns"),
    "csiro": ("numbers", "sample_id", "Dry_Clover_g Dry_Dead_g GDM_g", "", "columns"),
}  # fmt: skip


def competition_of(facts: Facts) -> Competition:
    """The competition that the written source makes."""
    called = Called(name="toy", slug="toy", title="Toy")
    source = facts_source(called, facts)
    assert all(len(line) <= 110 for line in source.splitlines()), source
    return trial.competition_of(called, facts)


def assert_reads(competition: Competition, folder: Path, train: int, test: int) -> None:
    files = read_files(competition, folder)
    rows = check_table(competition.read_test(folder), source="test")
    assert (len(files.train), len(rows)) == (train, test)
    for path in [*files.train["path"], *rows["path"]]:
        assert Path(path).is_file()


@pytest.mark.parametrize("name", MORE)
def test_a_layout_is_understood_and_its_folder_reads_it_and_lays_it_out_again(
    name: str, tmp_path: Path
) -> None:
    words = MORE[name](tmp_path / "data")
    facts, result = conclude(tmp_path / "data", Answers(**words))
    kind, id, answers, group, writer = CONCLUDED[name]
    assert (result["kind"], result["id_column"], result["writer"]) == (kind, id, writer)
    assert " ".join(result["target_columns"]) == answers
    assert result["group_columns"] == ([group] if group else [])
    assert words["metric"] in result["metrics"]
    assert result["classes"] == [*facts.fitted.names]
    competition = competition_of(facts)
    place = tmp_path / "data" / "data" if name == "melanoma" else tmp_path / "data"
    assert_reads(competition, place, 12, len(facts.sample.ids))
    trial.check_reads(Called(name="toy", slug="toy", title="Toy"), facts, tmp_path / "data")
    table = rows_of(competition, 18, 6)
    image = cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes()
    images = [image + str(n).encode() for n in range(18)]
    competition.lay_out(table, images, tmp_path / "again")
    assert_reads(competition, tmp_path / "again", 12, 6)
    wanted = dict(zip(table["id"], images, strict=True))
    for rows in (
        competition.read_train(tmp_path / "again"),
        competition.read_test(tmp_path / "again"),
    ):
        assert [*Encoded(rows["path"].tolist())] == [wanted[each] for each in rows["id"]]
