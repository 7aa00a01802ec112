"""More layouts of Kaggle's competitions, as `toy_layouts` has the first seven."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from toy_layouts import TEST, TRAIN, Words, both, csv, draw, ids, some


def state_farm(folder: Path) -> Words:
    """Class folders beside a CSV with the drivers."""
    classes = some("c0", "c1", "c2")
    draw(folder, *(f"imgs/train/{c}/{n}.jpg" for c, n in zip(classes, TRAIN, strict=True)))
    draw(folder, *(f"imgs/test/{n}.jpg" for n in TEST))
    drivers = [f"p{n // 2:03}" for n in range(12)]
    csv(folder, "driver_imgs_list.csv", subject=drivers, classname=classes, img=ids(TRAIN, ".jpg"))
    even = {name: some(0.1, count=4) for name in ("c0", "c1", "c2")}
    csv(folder, "sample_submission.csv", img=ids(TEST, ".jpg"), **even)
    return {"metric": "log_loss"}


def plant_seedlings(folder: Path) -> Words:
    """Class folders alone, names with blanks; the sample has the suffix."""
    species = some("Black-grass", "Common Chickweed", "Sugar beet")
    draw(folder, *(f"train/{c}/{n}.png" for c, n in zip(species, TRAIN, strict=True)))
    draw(folder, *(f"test/{n}.png" for n in TEST))
    csv(
        folder, "sample_submission.csv", file=ids(TEST, ".png"), species=some("Sugar beet", count=4)
    )
    return {"metric": "f1_micro"}


def fisheries(folder: Path) -> Words:
    """Class folders, two stages of a test set, a column a class."""
    fish = some("ALB", "BET", "NoF")
    draw(folder, *(f"train/{c}/img_{n}.jpg" for c, n in zip(fish, TRAIN, strict=True)))
    draw(folder, *(f"test_stg1/img_{n}.jpg" for n in TEST))
    even = {name: some(0.33, count=4) for name in ("ALB", "BET", "NoF")}
    csv(folder, "sample_submission_stg1.csv", image=[f"img_{n}.jpg" for n in TEST], **even)
    return {"metric": "log_loss"}


def plant_pathology_2020(folder: Path) -> Words:
    """One-hot columns, images of both sets in one folder."""
    both(folder, "images/{}.jpg", "images/{}.jpg")
    names = ["healthy", "multiple_diseases", "rust", "scab"]
    hot = {name: some(*(int(name == other) for other in names)) for name in names}
    csv(folder, "train.csv", image_id=TRAIN, **hot)
    csv(folder, "test.csv", image_id=TEST)
    even = {name: some(0.25, count=4) for name in names}
    csv(folder, "sample_submission.csv", image_id=TEST, **even)
    return {"metric": "mean_column_auc"}


def planet(folder: Path) -> Words:
    """Tags separated by blanks; each image as JPEG and as TIFF."""
    both(folder, "train-jpg/{}.jpg", "test-jpg/{}.jpg")
    both(folder, "train-tif/{}.tif", "test-tif/{}.tif")
    tags = some(
        "clear primary", "agriculture clear", "haze primary", "cloudy", "agriculture", "haze"
    )
    csv(folder, "train_v2.csv", image_name=TRAIN, tags=tags)
    csv(folder, "sample_submission_v2.csv", image_name=TEST, tags=some("primary clear", count=4))
    return {"metric": "f2_rows", "images": "*-jpg/*"}


def iwildcam_2020(folder: Path) -> Words:
    """COCO: images and annotations, places as groups; the test set's file has no annotations."""
    both(folder, "train/{}.jpg", "test/{}.jpg")
    images = [
        {"id": n, "file_name": f"{n}.jpg", "location": at // 2, "seq_id": f"s{at // 2}", "width": 9}
        for at, n in enumerate(TRAIN)
    ]
    marks = [
        {"id": f"m{at}", "image_id": n, "category_id": at % 3 * 2} for at, n in enumerate(TRAIN)
    ]
    whole = {"images": images, "annotations": marks, "categories": [{"id": 0, "name": "empty"}]}
    (folder / "iwildcam2020_train_annotations.json").write_text(json.dumps(whole))
    tests = [{"id": n, "file_name": f"{n}.jpg", "location": 9} for n in TEST]
    (folder / "iwildcam2020_test_information.json").write_text(json.dumps({"images": tests}))
    csv(folder, "sample_submission.csv", Id=TEST, Category=some(0, count=4))
    return {"metric": "accuracy"}


def herbarium_2022(folder: Path) -> Words:
    """COCO with images two folders deep; a list names the images of the sample's numbers."""
    draw(folder, *(f"train_images/000/0{n % 3}/{name}.jpg" for n, name in enumerate(TRAIN)))
    draw(folder, *(f"test_images/000/test-{n:06}.jpg" for n in range(4)))
    images = [
        {"image_id": f"0__{n}", "file_name": f"000/0{n % 3}/{name}.jpg", "license": 0}
        for n, name in enumerate(TRAIN)
    ]
    marks = [
        {"image_id": f"0__{n}", "category_id": n % 3, "genus_id": n % 2, "institution_id": n % 4}
        for n in range(12)
    ]
    (folder / "train_metadata.json").write_text(
        json.dumps({"annotations": marks, "images": images})
    )
    tests = [{"image_id": n, "file_name": f"000/test-{n:06}.jpg", "license": 0} for n in range(4)]
    (folder / "test_metadata.json").write_text(json.dumps(tests))
    csv(folder, "sample_submission.csv", Id=range(4), Predicted=some(0, count=4))
    return {"metric": "f1_macro"}


def paddy(folder: Path) -> Words:
    """Class folders and a CSV with more of each image."""
    labels = some("blast", "brown_spot", "normal")
    draw(folder, *(f"train_images/{c}/{n}.jpg" for c, n in zip(labels, TRAIN, strict=True)))
    draw(folder, *(f"test_images/{n}.jpg" for n in TEST))
    more = {"variety": some("ADT45", "Ponni"), "age": some(45, 50, 60)}
    csv(folder, "train.csv", image_id=ids(TRAIN, ".jpg"), label=labels, **more)
    csv(folder, "sample_submission.csv", image_id=ids(TEST, ".jpg"), label=some("", count=4))
    return {"metric": "accuracy"}


def retinopathy(folder: Path) -> Words:
    """Grades; a zipped table."""
    both(folder, "train/{}.jpeg", "test/{}.jpeg")
    csv(folder, "trainLabels.csv", image=TRAIN, level=some(0, 1, 2, 3, 4))
    csv(folder, "sampleSubmission.csv", image=TEST, level=some(0, count=4))
    return {"metric": "qwk"}


def galaxy_zoo(folder: Path) -> Words:
    """Shares in columns; names of folders with more words."""
    both(folder, "images_training_rev1/{}.jpg", "images_test_rev1/{}.jpg")
    shares = {f"Class1.{n}": [*np.linspace(0, 1 / n, 12).round(3)] for n in (1, 2, 3)}
    csv(folder, "training_solutions_rev1.csv", GalaxyID=TRAIN, **shares)
    zeros = {name: some(0.5, count=4) for name in shares}
    csv(folder, "all_zeros_benchmark.csv", GalaxyID=TEST, **zeros)
    return {"metric": "rmse", "sample": "all_zeros_benchmark.csv"}


def petfinder(folder: Path) -> Words:
    """Whole numbers from 1 to 100 beside marks that are no answers."""
    both(folder, "train/{}.jpg", "test/{}.jpg")
    marks = {"Eyes": some(0, 1), "Face": some(1, 1, 0)}
    numbers = [3, 9, 27, 31, 38, 41, 45, 63, 70, 88, 95, 100]
    csv(folder, "train.csv", Id=TRAIN, **marks, Pawpularity=numbers)
    csv(folder, "test.csv", Id=TEST, **{k: v[:4] for k, v in marks.items()})
    csv(folder, "sample_submission.csv", Id=TEST, Pawpularity=[38.4, 40.1, 20.9, 22.7])
    return {"metric": "rmse"}


def hotel_id(folder: Path) -> Words:
    """Folders that a column names; five labels a row; a sample of one row."""
    draw(folder, *(f"train_images/{n % 3}/{name}.jpg" for n, name in enumerate(TRAIN)))
    draw(folder, f"test_images/{TEST[0]}.jpg")
    hotels = [f"{1000 + n // 2}" for n in range(12)]
    chains = [n % 3 for n in range(12)]
    csv(folder, "train.csv", image=ids(TRAIN, ".jpg"), chain=chains, hotel_id=hotels)
    csv(
        folder,
        "sample_submission.csv",
        image=ids(TEST[:1], ".jpg"),
        hotel_id=["1000 1001 1002 1003 1004"],
    )
    return {"metric": "map5"}


def happy_whale(folder: Path) -> Words:
    """The sample calls the answer otherwise; a second column of classes."""
    both(folder, "train_images/{}.jpg", "test_images/{}.jpg")
    whales = some("37c7aba965a5", "114207cab555", "a6e325d8e924", "19fbb960f07d", "c995c043c353")
    csv(
        folder,
        "train.csv",
        image=ids(TRAIN, ".jpg"),
        species=some("beluga", "orca"),
        individual_id=whales,
    )
    five = some(" ".join(map(str, whales[:5])), count=4)
    csv(folder, "sample_submission.csv", image=ids(TEST, ".jpg"), predictions=five)
    return {"metric": "map5"}


def products(folder: Path) -> Words:
    """Several CSVs: images to products, products to categories; suffixes of two kinds."""
    draw(folder, *(f"photos/train/{name}.{('jpg', 'png')[n % 2]}" for n, name in enumerate(TRAIN)))
    draw(folder, *(f"photos/test/{name}.jpg" for name in TEST))
    keys = [f"k{n}" for n in range(12)]
    csv(folder, "tables/images.csv", image=TRAIN, product=keys)
    csv(folder, "tables/categories.csv", product=keys, category=some("bag", "hat", "shoe"))
    csv(folder, "sample_submission.csv", image=TEST, category=some("hat", count=4))
    return {"metric": "accuracy"}


def melanoma(folder: Path) -> Words:
    """Patients in a table of their own; images nested three deep, one file of another kind beside."""
    both(folder, "data/jpeg/train/{}.jpg", "data/jpeg/test/{}.jpg")
    csv(folder, "data/train_labels.csv", image_name=TRAIN, target=some(0, 0, 1))
    patients = [f"IP_{n // 2}" for n in range(12)]
    csv(folder, "data/train_metadata.csv", image_name=TRAIN, patient_id=patients, age=some(40, 50))
    csv(folder, "data/sample_submission.csv", image_name=TEST, target=some(0, count=4))
    return {"metric": "auc"}


def csiro(folder: Path) -> Words:
    """A row for each image and number, of which the ids are both; states as what may be groups."""
    both(folder, "train/{}.jpg", "test/{}.jpg")
    names = ["Dry_Clover_g", "Dry_Dead_g", "GDM_g"]
    rows = [(image, name) for image in TRAIN for name in names]
    csv(
        folder, "train.csv", sample_id=[f"{a}__{b}" for a, b in rows],
        image_path=[f"train/{a}.jpg" for a, _ in rows], State=some("NSW", "Vic", count=36),
        target_name=[b for _, b in rows], target=[*np.linspace(0, 60.5, 36).round(2)],
    )  # fmt: skip
    tests = [(image, name) for image in TEST for name in names]
    wanted = [f"{a}__{b}" for a, b in tests]
    paths = [f"test/{a}.jpg" for a, _ in tests]
    csv(folder, "test.csv", sample_id=wanted, image_path=paths, target_name=[b for _, b in tests])
    csv(folder, "sample_submission.csv", sample_id=wanted, target=some("0.0", count=12))
    return {"metric": "r2"}


MORE: dict[str, Callable[[Path], Words]] = {
    each.__name__: each
    for each in (
        state_farm, plant_seedlings, fisheries, plant_pathology_2020, planet, iwildcam_2020,
        herbarium_2022, paddy, retinopathy, galaxy_zoo, petfinder, hotel_id, happy_whale, products,
        melanoma, csiro,
    )
}  # fmt: skip
