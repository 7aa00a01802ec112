"""The report in a real browser: sorting, filtering, keyboard, contrast, and no request to anywhere."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_competitions import laid_out, request_of, toy_competition
from toy_reported import EVIL, judged_run, named

from common import ledger
from common.ledger import Entry
from common.targets import OneClass
from common.verbs import report
from common.verbs.ledger import Options as LedgerOptions
from common.verbs.ledger import run as list_ledger

pytestmark = pytest.mark.browser
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; `KIT_BROWSER=required`, as in .ci/run, makes its absence a failure."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        told = "there is no Chromium to open pages in: apt-get install chromium"
        (pytest.fail if os.environ.get("KIT_BROWSER") == "required" else pytest.skip)(told)
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of one run, and one of two; a class and an id are markup."""
    folder = tmp_path_factory.mktemp("reports")
    competition = toy_competition(OneClass(), "accuracy", ["label"])
    laid_out(competition, folder / "data", label=["cat", "dog", "frog"] * 12)
    named(folder / "data", {"003e3": EVIL}, {"cat": EVIL})
    request = request_of(competition, folder)
    more = replace(request, words=("seed=1",))
    runs = judged_run(request, 3.0), judged_run(more, 3.0, seed=1)
    one = report.run(request, report.Options((runs[0].folder,)))
    two = report.run(request, report.Options(tuple(each.folder for each in runs)))
    facts = {"recipe": EVIL, "metric": "accuracy", "cv_sd": 0.1, "private": None, "file": "f"}
    for number, made in enumerate(runs):
        more = {
            "competition": "toy",
            "run": made.folder.name,
            "cv": 0.5,
            "public": 0.4 + number / 9,
        }
        when = f"2026-01-0{number + 1}T00:00:00+00:00"
        ledger.record(request.runs / ledger.NAME, Entry(time=when, ref=number, **facts, **more))
    told = list_ledger(LedgerOptions(runs=request.runs, html=True), None)
    return {"one": Path(one["report"]), "two": Path(two["report"]), "ledger": Path(told["html"])}


@pytest.fixture
def opened(browser: Any, reports: dict[str, Path]) -> Iterator[Any]:
    """Open a report; a console error, an alert or a request but for the file itself fails the test."""
    faults: list[str] = []

    def call(which: str = "one", **more: Any) -> Any:
        page = browser.new_page(**{"viewport": {"width": 1400, "height": 900}, **more})
        page.set_default_timeout(5_000)
        page.on("console", lambda said: faults.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda box: faults.append(f"dialog {box.message}") or box.dismiss())
        address = reports[which].as_uri()
        page.on("request", lambda asked: None if asked.url in (address,)
                or asked.url.startswith("data:") else faults.append(asked.url))  # fmt: skip
        page.goto(address)
        return page

    yield call
    for context in browser.contexts:
        context.close()
    assert faults == []


def faults_of(page: Any) -> list[tuple[str, str, str]]:
    """What axe-core finds against WCAG 2.1 A and AA: its name, the first element, what to do."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"], "resultTypes": ["violations"]}
    found = axe.run(page, options=options).response["violations"]
    firsts = [(each["id"], each["nodes"][0]) for each in found]
    return [(name, first["html"], first["failureSummary"]) for name, first in firsts]


def losses(page: Any) -> list[float]:
    """Of the tiles, in order."""
    found: list[float] = page.eval_on_selector_all(
        "#tiles .tile > span:last-child", "all => all.map(e => +e.textContent.split(' ').at(-1))"
    )
    return found


def test_tiles_sort_and_filter(opened: Any) -> None:
    page = opened()
    assert losses(page) == sorted(losses(page), reverse=True) and len(losses(page)) == 28
    page.select_option("[name=sort]", "-loss")
    assert losses(page) == sorted(losses(page))
    page.select_option("[name=show]", "wrong")
    wrong = page.locator("#tiles .tile")
    assert wrong.count() == page.locator("#tiles .wrong").count() > 0
    page.select_option("[name=true]", label="dog")
    assert all("dog" in text for text in page.locator("#tiles .tile").all_text_contents())
    page.fill("[name=id]", "no such id")
    assert page.locator("#none").is_visible() and "0 rows" in page.locator("#count").text_content()
    page.click("text=reset")
    # The page filters after the form's own reset. (wait_for_function evaluates text as a script, which the
    # page's Content-Security-Policy refuses from the second try on.)
    page.locator("#tiles .tile").nth(27).wait_for()
    assert page.locator("#tiles .tile").count() == 28


def test_a_cell_of_the_confusion_matrix_shows_its_images(opened: Any) -> None:
    page = opened()
    cell = page.locator(".confusion .miss button").first
    count = int(cell.text_content())
    cell.click()
    assert page.locator("#tiles .tile").count() == count == page.locator("#tiles .wrong").count()
    heads = page.locator("table.sortable").first.locator("thead button")
    heads.filter(has_text="recall").click()
    values = page.eval_on_selector_all(
        "table.sortable tbody tr td:nth-child(3)", "all => all.map(e => +e.dataset.value)"
    )[:3]
    assert values == sorted(values, reverse=True)


def test_the_keyboard_alone_opens_and_walks_the_images(opened: Any) -> None:
    page = opened()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "id"
    page.locator("#tiles .tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    second = page.locator("#detail-id").text_content()
    assert second == page.locator("#tiles .name").nth(1).text_content()
    page.keyboard.press("ArrowRight")
    assert (
        page.locator("#detail-id").text_content()
        == page.locator("#tiles .name").nth(2).text_content()
    )
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    assert page.evaluate("document.activeElement.classList.contains('tile')")


def test_markup_in_a_class_and_an_id_stays_text(opened: Any) -> None:
    page = opened()
    page.fill("[name=id]", "alert")
    page.locator("#tiles .tile").first.click()
    assert page.locator("#detail-id").text_content() == EVIL
    assert page.locator(".confusion th").filter(has_text=EVIL).count() == 2
    assert page.locator("body script").count() == 3


def test_of_two_runs_the_rows_where_they_disagree_are_shown(opened: Any) -> None:
    page = opened("two")
    page.select_option("[name=show]", "disagree")
    some = page.locator("#tiles .tile").count()
    page.select_option("[name=show]", "only0")
    tiles = page.locator("#tiles .tile")
    assert 0 < tiles.count() <= some
    assert (
        tiles.count()
        == page.locator("#tiles .right").count()
        == page.locator("#tiles .wrong").count()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_ledgers_page_meets_wcag_aa(scheme: str, opened: Any) -> None:
    page = opened("ledger", color_scheme=scheme, viewport={"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert faults_of(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_contrast_and_names_meet_wcag_aa_and_nothing_overflows(
    scheme: str, width: int, opened: Any
) -> None:
    page = opened("two", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.eval_on_selector(".facts td", "cell => cell.textContent = 'NVIDIA H100 80GB '.repeat(9)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#tiles .tile").first.click()
    assert faults_of(page) == []  # of the open detail
    page.keyboard.press("Escape")
    assert faults_of(page) == []
