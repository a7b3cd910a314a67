# SPDX-License-Identifier: Apache-2.0
"""The html page in a real Chromium: it sorts, filters, pages and prints, and asks for nothing."""

from __future__ import annotations

import json

import pytest

from c7n_inactive_keys.report.formats import html_format

from .browser import CHROMIUM, DRIVER, chromium, open_page
from .output_tree import OutputTree, key, user
from .sample import HOSTILE, LISTED, sample_report

pytest.importorskip("selenium", reason="selenium is not installed")
if not (CHROMIUM and DRIVER):
    pytest.skip("needs Debian's packages chromium and chromium-driver", allow_module_level=True)

# One browser at a time: the machines that run this are small.
pytestmark = pytest.mark.xdist_group("browser")
MANY = 50_000


@pytest.fixture(scope="module")
def browser():
    """One browser for the module."""
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The report over the sample organisation."""
    return sample_report(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def page(browser, sample, tmp_path):
    """The sample's page, loaded."""
    path = tmp_path / "report.html"
    path.write_text("".join(html_format.render(sample)))
    open_page(browser, path)
    return browser


def column(browser, number):
    """The first lines of a column's cells."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#keys tbody tr')]"
        ".map(row => row.cells[arguments[0]].firstChild?.textContent ?? '')",
        number,
    )


def press(browser, heading):
    browser.execute_script(
        "[...document.querySelectorAll('#keys th button')]"
        ".find(button => button.textContent === arguments[0]).click()",
        heading,
    )


def fill(browser, **fields):
    """Type into the filters, as events that the page listens to."""
    browser.execute_script("document.getElementById('filters').reset()")
    for name, value in fields.items():
        browser.execute_script(
            "const field = document.getElementById(arguments[0]);"
            "if (arguments[1] === true) field.checked = true; else field.value = arguments[1];"
            "field.dispatchEvent(new Event('input', {bubbles: true}))",
            name.replace("_", "-"),
            value,
        )


def count(browser):
    return browser.execute_script("return document.getElementById('count').textContent")


def test_no_console_message_no_request_and_a_screenshot(page, tmp_path):
    screenshot = tmp_path / "report.png"
    assert page.save_screenshot(str(screenshot))
    assert screenshot.stat().st_size > 20_000
    assert page.get_log("browser") == []
    events = [json.loads(item["message"])["message"] for item in page.get_log("performance")]
    requests = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in requests if not url.startswith(("file:", "data:"))} == set()


def test_hostile_names_are_shown_as_they_are(page):
    assert HOSTILE[0] in column(page, 1)
    assert LISTED[1].name in column(page, 0)
    assert page.execute_script("return document.querySelectorAll('script').length") == 2
    assert page.execute_script("return document.querySelectorAll('img, svg svg').length") == 0


def test_the_longest_proven_comes_first_and_a_click_turns_it_round(page):
    days = [float(text) for text in column(page, 5)]
    assert days == sorted(days, reverse=True)
    press(page, "Days, proven")
    assert [float(text) for text in column(page, 5)] == sorted(days)


@pytest.mark.parametrize(
    ("heading", "number"),
    [("Account", 0), ("User", 1), ("Access key", 2), ("Created", 3), ("Outcome", 7)],
)
def test_each_heading_sorts_its_column(page, heading, number):
    press(page, heading)
    cells = [text.lower() for text in column(page, number)]
    assert cells == sorted(cells)
    sorted_by = page.execute_script(
        "return [...document.querySelectorAll('#keys th[aria-sort]')].map(h => h.textContent)"
    )
    assert sorted_by == [heading]


def test_filters_by_account_age_and_outcome(page, sample):
    fill(page, account="payments")
    assert set(column(page, 0)) == {"payments"}
    fill(page, at_least="90")
    assert sorted(float(text) for text in column(page, 5)) == sorted(
        row.found.at_least_days for row in sample.keys if row.found.at_least_days >= 90
    )
    fill(page, outcome="deleted")
    assert column(page, 7) == ["deleted"]
    fill(page, outcome="found")
    assert set(column(page, 7)) == {""}
    fill(page, never_used=True)
    assert len(column(page, 2)) == sum(row.never_used for row in sample.keys)
    fill(page, blocked=True)
    assert len(column(page, 2)) == sum(row.slot_blocked for row in sample.keys)
    fill(page, search="not available")
    assert count(page) == f"1 of {len(sample.keys)} keys"


def test_the_numbers_on_the_page_are_the_reports(page, sample):
    cards = page.execute_script(
        "return [...document.querySelectorAll('.card')]"
        ".map(card => [card.children[1].textContent, card.children[0].textContent])"
    )
    totals = {name: int(number.replace(",", "")) for name, number in cards}
    assert totals["still inactive"] == sample.totals.remaining
    assert totals["deleted"] == sample.totals.deleted
    assert totals["users with such keys"] == sample.totals.remaining_users
    assert count(page) == f"{sample.totals.keys} of {sample.totals.keys} keys"


def test_dark_and_light(page):
    shades = []
    for scheme in ("light", "dark"):
        page.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        shades.append(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert shades == ["rgb(246, 247, 249)", "rgb(17, 22, 28)"]


def test_it_prints(page):
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(printed["data"]) > 20_000


def test_fifty_thousand_rows(browser, tmp_path, report):
    """All are there to sort and filter, though only a page of them is drawn."""
    tree = OutputTree(tmp_path / "out")
    account = "111111111111"
    tree.run(
        account,
        [
            user(account, f"user-{number:05d}", key(number, off=(number / 10, 6000)))
            for number in range(MANY)
        ],
    )
    path = tmp_path / "report.html"
    path.write_text("".join(html_format.render(report(tree))))
    open_page(browser, path)
    assert count(browser) == "50,000 of 50,000 keys"
    assert len(column(browser, 1)) == 100
    assert column(browser, 1)[0] == "user-49999"
    press(browser, "User")
    assert column(browser, 1)[0] == "user-00000"
    fill(browser, search="user-31415")
    assert column(browser, 1) == ["user-31415"]
    fill(browser, search="")
    browser.execute_script("document.getElementById('next').click()")
    assert column(browser, 1)[0] == "user-00100"
    assert browser.get_log("browser") == []
