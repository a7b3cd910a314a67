# SPDX-License-Identifier: Apache-2.0
"""The html page in a real Chromium: it sorts, filters, pages and prints, and asks for nothing."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections import Counter
from importlib.resources import files

import pytest

from c7n_inactive_keys.report.evidence_words import sentences
from c7n_inactive_keys.report.formats import html_format
from c7n_inactive_keys.report.glance import access_key, last_use
from c7n_inactive_keys.report.sentences import headline
from c7n_inactive_keys.report.summary import in_order

from .browser import CHROMIUM, DRIVER, chromium, open_page
from .crowd import crowd_report
from .output_tree import DELETE, OutputTree, key, unused, user
from .sample import HOSTILE, LISTED, sample_report

pytest.importorskip("selenium", reason="selenium is not installed")
if not (CHROMIUM and DRIVER):
    pytest.skip("needs Debian's packages chromium and chromium-driver", allow_module_level=True)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.ui import WebDriverWait

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


COLUMNS = ("user", "id", "picture", "days", "known", "used", "todo")


def column(browser, name, small=False):
    """The first or second lines of a column's cells."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#keys tbody tr')].map(row =>"
        "row.cells[arguments[0]].querySelector(arguments[1])?.textContent ?? '')",
        COLUMNS.index(name),
        "small" if small else ".main, .id",
    )


def ids(browser):
    """The keys that are shown, in order."""
    return column(browser, "id")


def press(browser, heading):
    browser.execute_script(
        "[...document.querySelectorAll('#keys th button')]"
        ".find(button => button.textContent === arguments[0]).click()",
        heading,
    )


def choose(browser, group):
    """Press the button of a group."""
    browser.execute_script(
        'document.querySelector(`[data-group="${arguments[0]}"]`).click()', group
    )


def fill(browser, **fields):
    """Type into the filters, as events that the page listens to."""
    browser.execute_script("document.querySelector('#filters [type=reset]').click()")
    wait(browser, "document.querySelector('[data-group=\"\"]').ariaPressed === 'true'")
    for name, value in fields.items():
        browser.execute_script(
            "const field = document.getElementById(arguments[0]);"
            "if (arguments[1] === true) field.checked = true; else field.value = arguments[1];"
            "field.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            value,
        )


def wait(browser, condition):
    """Until the page has done what it does after an event."""
    WebDriverWait(browser, 20, 0.05).until(
        lambda driver: driver.execute_script(f"return {condition}")
    )


def fragment(browser):
    """What the address says of the filters."""
    return browser.execute_script("return decodeURIComponent(location.hash)")


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
    """As text: neither as elements nor as scripts."""
    assert HOSTILE[0] in column(page, "user")
    assert f"{LISTED[1].name} {LISTED[1].account_id}" in column(page, "user", small=True)
    assert page.execute_script("return document.querySelectorAll('script').length") == 2
    assert page.execute_script("return document.querySelectorAll('img, svg svg').length") == 0


def test_what_needs_somebody_comes_first_and_a_click_sorts_and_turns_it_round(page, sample):
    """By days of proof, the most first."""
    in_turn = [row.key.id for row in in_order(sample.rows)]
    assert ids(page) == in_turn
    days = {row.key.id: proven(row) for row in sample.rows}
    press(page, "Proven")
    assert [days[key_id] for key_id in ids(page)] == sorted(days.values(), reverse=True)
    press(page, "Proven")
    assert [days[key_id] for key_id in ids(page)] == sorted(days.values())
    press(page, "To do")
    assert ids(page) == in_turn


def inactivity(row):
    """What says for how many days a key is inactive, or was before it woke."""
    return row.found if hasattr(row, "found") else row.key.woken


def proven(row):
    """Days, as they are sorted."""
    return inactivity(row).at_least_days if inactivity(row) else -1


def possible(row):
    """The same of those that are possible."""
    return inactivity(row).at_most_days if inactivity(row) else -1


def used(row):
    """When a key was last used, in seconds."""
    return last_use(row).time.timestamp() if last_use(row).time else -1


@pytest.mark.parametrize(
    ("heading", "name", "value"),
    [
        ("User", "user", lambda row: row.user.name.lower()),
        ("Account", "user", lambda row: row.account_name.lower()),
        ("Access key", "id", lambda row: row.key.id),
        ("Created", "picture", lambda row: access_key(row).created),
        ("Possible", "days", lambda row: -possible(row)),
        ("Last used", "used", lambda row: -used(row)),
    ],
)
def test_each_heading_sorts_its_column_and_says_so(page, sample, heading, name, value):
    """To screen readers, too."""
    rows = {row.key.id: row for row in sample.rows}
    press(page, heading)
    values = [value(rows[key_id]) for key_id in ids(page)]
    assert values == sorted(values)
    (head,) = page.execute_script(
        "return [...document.querySelectorAll('#keys th[aria-sort]')].map(h => h.cellIndex)"
    )
    assert COLUMNS[head] == name


def test_filters_by_account_policy_days_and_words(page, sample):
    """Each by itself; the count says how many of how many."""

    def those(matches):
        return {row.key.id for row in sample.rows if matches(row)}

    fill(page, account="payments")
    assert set(ids(page)) == those(lambda row: row.account_name == "payments")
    fill(page, account="11111111111")  # part of an id
    assert set(ids(page)) == those(lambda row: row.account_name == "payments")
    fill(page, policy=DELETE)
    assert set(ids(page)) == those(lambda row: DELETE in row.policies)
    fill(page, least="90")
    assert set(ids(page)) == those(lambda row: proven(row) >= 90)
    fill(page, unused=True)
    assert set(ids(page)) == those(lambda row: row.never_used)
    fill(page, blocked=True)
    assert set(ids(page)) == {row.key.id for row in sample.keys if row.slot_blocked}
    fill(page, search="not available")
    assert count(page) == f"1 of {len(sample.rows)} keys"
    fill(page, search="TEAM-CI build")
    assert set(ids(page)) == {key(2)["AccessKeyId"]}


def test_buttons_show_what_there_is_to_do_and_their_numbers_add_up(page, sample):
    """Each is a filter that can be combined with others."""
    numbers = page.execute_script(
        "return [...document.querySelectorAll('[data-group]')]"
        ".map(button => [button.dataset.group, Number(button.firstChild.textContent)])"
    )
    shown = Counter(row.group for row in sample.rows)
    assert dict(numbers) == {"": len(sample.rows), **shown}
    for group, number in shown.items():
        choose(page, group)
        assert set(column(page, "todo")) == {group}
        assert len(ids(page)) == number
    fill(page, search="no such thing")
    assert page.execute_script("return document.getElementById('none').innerText") == (
        "No key matches these filters."
    )
    assert not page.execute_script("return document.getElementById('keys').checkVisibility()")


def test_the_filter_is_in_the_address_and_comes_back_with_it(page, sample):
    """So it can be sent to somebody."""
    fill(page, account="payments", least="80")
    choose(page, "not yet")
    press(page, "Created")
    assert fragment(page) == "#account=payments&least=80&group=not+yet&sort=Created"
    before = ids(page)
    page.refresh()
    assert ids(page) == before == [key(2)["AccessKeyId"]]
    page.execute_script("location.hash = '#search=nobody&page=99&sort=nonsense&group=x'")
    wait(page, "document.getElementById('count').textContent.startsWith('0 of')")
    fill(page)
    assert (fragment(page), len(ids(page))) == ("", len(sample.rows))


def test_an_account_of_the_table_leads_to_its_keys(page, sample):
    """By a link that any browser understands."""
    page.execute_script(
        "[...document.querySelectorAll('#per-account a')]"
        ".find(link => link.textContent === 'payments').click()"
    )
    wait(page, "location.hash.startsWith('#account=1')")
    wanted = {row.key.id for row in sample.rows if row.account_name == "payments"}
    assert set(ids(page)) == wanted


def copied(page, selector):
    """What a press on a button puts on the clipboard."""
    page.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    page.execute_script("document.querySelector(arguments[0]).click()", selector)
    wait(page, "document.getElementById('told').textContent === 'copied'")
    return page.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], error => arguments[0](String(error)))"
    )


def test_copy_of_an_id_of_the_summary_and_of_what_is_shown(page, sample):
    """The csv is that of the filtered list, in its order, with nothing that is a formula."""
    assert copied(page, "#keys .id button") == ids(page)[0]
    assert copied(page, ".summary .copy") == " ".join(headline(sample))
    fill(page, account=LISTED[1].account_id)
    rows = list(csv.DictReader(io.StringIO(copied(page, "#csv"), newline="")))
    assert [row["access_key_id"] for row in rows] == ids(page)
    assert {row["account_id"] for row in rows} == {LISTED[1].account_id}
    assert "'" + HOSTILE[1] in {row["user_name"] for row in rows}


def test_the_proof_is_a_picture_and_all_evidence_is_a_press_away(page, sample):
    """In words for those who do not see it."""
    told = page.execute_script(
        "return [...document.querySelectorAll('#keys tbody svg[role=img]')].map(s => s.ariaLabel)"
    )
    assert len(told) == len(sample.rows)
    at = ids(page).index(key(5)["AccessKeyId"])
    assert told[at] == (
        "Created 2024-02-24, last used 2026-11-16, deactivated 2026-11-17T04:00:00Z"
    )
    awake = told[ids(page).index(unused(24, 1)["AccessKeyId"])]
    assert awake.endswith("active again from 2026-11-18T04:00:00Z")
    assert told[ids(page).index(unused(21, 1)["AccessKeyId"])] == (
        "Created 2024-02-24, last used 2026-07-23, active"
    )
    cell = page.find_elements("css selector", "#keys tbody tr")[at]
    details = cell.find_element("css selector", "details")
    assert not details.find_element("css selector", "li").is_displayed()
    details.find_element("css selector", "summary").click()
    words = [item.text for item in details.find_elements("css selector", "li")]
    (row,) = (row for row in sample.keys if row.key.id == key(5)["AccessKeyId"])
    assert words == sentences(row.found)


def test_the_keyboard_reaches_everything(page):
    """Links, fields, buttons and details come in turn; Enter opens and sorts."""
    reached = []
    page.execute_script("document.activeElement.blur()")
    for _ in range(60):
        ActionChains(page).send_keys(Keys.TAB).perform()
        reached.append(
            page.execute_script("const e = document.activeElement; return e.id || e.textContent")
        )
    wanted = ["search", "account", "policy", "least", "unused", "blocked", "csv", "Proven"]
    assert [name for name in wanted if name not in reached] == []
    assert [reached.index(name) for name in wanted] == sorted(map(reached.index, wanted))
    summary = page.find_elements("css selector", "#keys details summary")[0]
    summary.send_keys(Keys.ENTER)
    assert page.execute_script("return document.querySelector('#keys details').open")
    head = page.find_element("xpath", "//th/button[text()='Access key']")
    head.send_keys(Keys.ENTER)
    assert ids(page) == sorted(ids(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_axe_finds_no_violation(page, scheme, width):
    """Deque's rules for accessibility."""
    axe = files(pytest.importorskip("axe_core_python")) / "axe.min.js"
    emulate(page, width, scheme)
    page.execute_script(axe.read_text(encoding="utf-8"))
    found = page.execute_async_script(
        "axe.run().then(result => arguments[0](result.violations.map(item =>"
        "[item.id, ...item.nodes.map(node => node.html)])))"
    )
    emulate(page)
    assert found == []


def emulate(page, width=None, scheme=None):
    """A screen so wide and light or dark; without them, the window's own."""
    features = [{"name": "prefers-color-scheme", "value": scheme}] if scheme else []
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    if width is None:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return
    screen = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


@pytest.mark.parametrize("width", [1400, 1000, 800, 400, 320])
def test_nothing_is_wider_than_the_screen_and_no_cell_is_blank(page, width):
    """A row becomes a card where it would not fit."""
    emulate(page, width)
    wide = page.execute_script("return document.documentElement.scrollWidth")
    heights = page.execute_script(
        "return [...document.querySelectorAll('#keys tbody tr')].map(r => r.offsetHeight)"
    )
    shown = page.execute_script(
        "return [...document.querySelectorAll('#keys tbody .id, #keys tbody .main')]"
        ".filter(e => e.textContent).map(e => e.checkVisibility() && e.offsetWidth > 0)"
    )
    emulate(page)
    assert wide <= width
    assert min(heights) > 20
    assert all(shown)


def test_dark_and_light(page):
    """As the reader's system is."""
    shades = []
    for scheme in ("light", "dark"):
        emulate(page, 1400, scheme)
        shades.append(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
    emulate(page)
    light, dark = ([int(part) for part in re.findall(r"\d+", shade)] for shade in shades)
    assert min(light) > 220
    assert max(dark) < 50


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A page over 39 inactive keys of all kinds, with accounts that are not covered."""
    root = tmp_path_factory.mktemp("crowd")
    path = root / "report.html"
    path.write_text("".join(html_format.render(crowd_report(root, 39))))
    return path


def test_a_screen_shows_fifteen_keys(browser, crowd):
    """Of 1400 by 1000 pixels, summary, next steps and filters included."""
    emulate(browser, 1400)
    open_page(browser, crowd)
    ends = browser.execute_script(
        "return [...document.querySelectorAll('#keys tbody tr')]"
        ".map(row => row.getBoundingClientRect().bottom)"
    )
    emulate(browser)
    assert sum(end <= 1000 for end in ends) >= 15


def test_thirty_nine_keys_are_printed_on_two_pages(browser, crowd):
    """A4, without their evidence, but with why accounts are not covered."""
    open_page(browser, crowd)
    printed = browser.execute_cdp_cmd(
        "Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
    )
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", base64.b64decode(printed["data"])))
    assert pages == 2


def show(browser, tmp_path, report, number):
    """The page over so many keys of one account, loaded."""
    tree = OutputTree(tmp_path / "out")
    account = "111111111111"
    found = [
        user(account, f"user-{n:05d}", key(n, off=(n / 10, 6000)), tags={"owner": "x"})
        for n in range(number)
    ]
    tree.run(account, found)
    path = tmp_path / "report.html"
    path.write_text("".join(html_format.render(report(tree))))
    open_page(browser, path)


def test_the_pager_turns_pages_and_the_reader_goes_on_at_the_top_of_the_list(
    browser, tmp_path, report
):
    """The page is in the address; a filter begins at the first."""
    show(browser, tmp_path, report, 250)
    assert browser.execute_script("return document.getElementById('previous').disabled")
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    browser.execute_script("document.getElementById('next').click()")
    assert fragment(browser) == "#page=2"
    assert len(ids(browser)) == 100
    top = browser.execute_script(
        "return document.getElementById('list').getBoundingClientRect().top"
    )
    assert abs(top) < 5
    browser.execute_script("document.getElementById('next').click()")
    assert len(ids(browser)) == 50
    assert browser.execute_script("return document.getElementById('next').disabled")
    browser.refresh()
    assert browser.execute_script("return document.getElementById('page').textContent") == (
        "Page 3 of 3"
    )
    fill(browser, search="user-0001")
    assert len(ids(browser)) == 10
    assert not browser.execute_script("return document.getElementById('pages').checkVisibility()")


@pytest.mark.release
def test_fifty_thousand_rows(browser, tmp_path, report):
    """All are there to sort and filter, though only a page of them is drawn."""
    show(browser, tmp_path, report, MANY)
    assert count(browser) == "50,000 of 50,000 keys"
    assert len(ids(browser)) == 100
    press(browser, "Proven")
    assert column(browser, "user")[0] == "user-49999"
    press(browser, "User")
    assert column(browser, "user")[0] == "user-00000"
    fill(browser, search="user-31415")
    assert column(browser, "user") == ["user-31415"]
    assert browser.get_log("browser") == []
