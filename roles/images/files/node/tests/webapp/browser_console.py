"""The console in Chromium. `make test ONLY=console` runs this file; its name keeps it out of the stage `node`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from api_support import PASSWORD, Client, Cluster, healthy, wait_until
from browser_support import DESKTOP, LOWEST_CONTRAST, PHONE, Browser, start_browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from severable_proxy import SeverableProxy

PARTS = {"Shards", "Masters and coreapps", "Queues", "Recent failovers", "Certificates"}
AA = 4.5  # the lowest contrast that WCAG 2.2 allows for text


@pytest.fixture(scope="module")
def browser(admin: Client) -> Iterator[Browser]:
    made = start_browser(admin.certificate)
    yield made
    made.close()


@pytest.fixture
def login_page(browser: Browser, admin: Client) -> Browser:
    browser.resize(DESKTOP)
    browser.prefer()
    browser.open(admin.url)
    browser.problems()
    return browser


@pytest.fixture
def console(login_page: Browser) -> Browser:
    """The page of a session, once it displays the state."""
    show_state(login_page)
    return login_page


def show_state(browser: Browser) -> None:
    """Log in, and wait until every part is displayed."""
    browser.log_in(PASSWORD)
    browser.wait_until(
        lambda: all(browser.rows(part) for part in ("shards", "nodes", "queues", "changes", "certificates"))
    )


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


def press_shift_tab(browser: Browser) -> None:
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()


def overflow(browser: Browser) -> list[str]:
    """Return the elements that are wider than the page."""
    script = """const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth > width) return ["the page"];
        return [...document.querySelectorAll("header *, main *, footer *")]
            .filter((node) => !node.closest("thead, template") && node.getBoundingClientRect().right > width + 0.5)
            .map((node) => node.outerHTML.slice(0, 120))"""
    return browser.run(script)


# -- login -------------------------------------------------------------------------------------------------------------


def test_page_is_nothing_but_the_login_before_a_login(login_page: Browser) -> None:
    assert login_page.text("main h2") == "Log in"
    assert login_page.all("table, [data-part]") == []
    assert login_page.all("#controls *") == []
    assert login_page.calls() == 0


def test_wrong_password_is_refused_and_can_be_typed_again(login_page: Browser) -> None:
    login_page.log_in("wrong")
    login_page.wait_until(lambda: login_page.text("#login-problem") == "Wrong user name or password.")
    assert login_page.focused() == "password"
    assert login_page.one("#password").get_property("value") == ""
    assert login_page.all("[data-part]") == []
    assert login_page.problems() == []


def test_user_who_is_no_administrator_is_refused(login_page: Browser, admin: Client) -> None:
    admin.call("POST", "/v1/users", {"username": "console-user", "password": PASSWORD})
    login_page.log_in(PASSWORD, "console-user")
    refusal = "Only an administrator may use the console."
    login_page.wait_until(lambda: login_page.text("#login-problem") == refusal)
    assert login_page.all("[data-part]") == []


def test_logout_removes_every_value_and_ends_the_session(console: Browser) -> None:
    assert console.driver.get_cookies() == []
    assert console.run("return localStorage.length + sessionStorage.length") == 0
    console.one("#logout").click()
    console.wait_for("#username")
    assert "127.0.0.1:coreapp" not in console.driver.page_source
    assert console.problems() == []


def test_reload_and_return_ask_for_a_login_again(console: Browser, admin: Client) -> None:
    console.driver.refresh()
    console.wait_for("#username")
    console.log_in(PASSWORD)
    console.wait_until(lambda: console.rows("shards"))
    console.driver.get(f"{admin.url}/v1/openapi.json")
    console.driver.back()
    console.wait_for("#username")
    assert console.all("[data-part]") == []


# -- state -------------------------------------------------------------------------------------------------------------


def test_page_follows_the_move_of_a_shard(console: Browser, cluster: Cluster) -> None:
    assert console.text("#verdict").startswith("Healthy")
    ((_shard, former, status, epoch),) = console.rows("shards")
    assert status == "connected"
    states = {row[0]: (row[1], row[2]) for row in console.rows("nodes")}
    assert states["127.0.0.1:master1"] == ("primary master", "running")
    assert states[former] == ("coreapp", "connected")
    assert sorted(states.values())[1] == ("coreapp", "standby")
    name = former.split(":")[1]
    cluster.nodes[name].stop()
    console.wait_until(lambda: console.rows("shards")[0][1] not in (former, "none"))
    cluster.start_node(name)
    ((_shard, owner, _status, new_epoch),) = console.rows("shards")
    assert int(new_epoch) > int(epoch)
    console.wait_until(lambda: console.rows("changes")[0][:4] == ["Shard 0", former, owner, new_epoch])
    console.wait_until(lambda: {row[0]: row[2] for row in console.rows("nodes")}.get(former) == "standby")
    console.wait_until(lambda: console.rows("shards")[0][2] == "connected")
    assert console.problems() == []


def test_all_parts_are_displayed(console: Browser) -> None:
    assert {heading.text for heading in console.all("[data-part] h2")} == PARTS
    queues = {row[0]: row[1] for row in console.rows("queues")}
    assert queues["Uncertain messages"] == "0"
    ((_name, expires, left),) = console.rows("certificates")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", expires)
    assert re.fullmatch(r"18\d\d days", left)
    assert "webapp1" in console.text("#webapp")


def test_hidden_page_and_paused_page_read_nothing(console: Browser) -> None:
    hide = """Object.defineProperty(document, "hidden", { configurable: true, value: arguments[0] });
        document.dispatchEvent(new Event("visibilitychange"))"""
    console.run(hide, True)
    assert stands_still(console)
    before = console.calls()
    console.run(hide, False)
    console.wait_until(lambda: console.calls() > before, 20)
    console.one("#pause").click()
    assert console.text("#pause") == "Resume"
    assert stands_still(console)
    before = console.calls()
    console.one("#pause").click()
    console.wait_until(lambda: console.calls() > before, 20)


def stands_still(browser: Browser, seconds: float = 5.0) -> bool:
    """Return whether the page reads nothing for longer than its interval. A call that has begun counts as read before."""
    browser.run("return new Promise((resolve) => setTimeout(resolve, 1000))")
    before = browser.calls()
    browser.run("return new Promise((resolve) => setTimeout(resolve, arguments[0] * 1000))", seconds)
    return browser.calls() == before


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[SeverableProxy]:
    made = SeverableProxy(cluster.database.host, cluster.database.port)
    yield made
    made.close()


def test_values_stay_while_the_database_does_not_answer(admin: Client, cluster: Cluster, proxy: SeverableProxy) -> None:
    cluster.start_webapp("webapp3", WA_DB_HOSTNAME="127.0.0.1", WA_DB_PORT=str(proxy.port))
    certificate = cluster.folder / "webapp3" / "web.pem"
    try:
        wait_until(lambda: certificate.exists() and healthy(cluster.nodes["webapp3"]))
        browser = start_browser(certificate)
        try:
            browser.open(cluster.urls[2])
            browser.log_in(PASSWORD)
            browser.wait_until(lambda: browser.rows("shards"))
            before = browser.rows("shards")
            proxy.sever()
            browser.wait_until(lambda: browser.text("#connection").startswith("The database does not answer."))
            assert browser.rows("shards") == before
            # The pauses become longer with each failure.
            browser.wait_until(lambda: int((re.findall(r"in (\d+) s", browser.text("#connection")) or [0])[-1]) > 6)
            proxy.restore()
            browser.wait_until(lambda: browser.text("#connection") == "")
            assert browser.problems() == []
        finally:
            browser.close()
    finally:
        cluster.stop_webapp("webapp3")


# -- accessibility -----------------------------------------------------------------------------------------------------


def test_nothing_is_wider_than_a_phone(login_page: Browser) -> None:
    login_page.resize(PHONE)
    assert overflow(login_page) == []
    show_state(login_page)
    assert overflow(login_page) == []
    assert login_page.one("#logout").size["height"] >= 44  # pixels: a finger is as wide


def test_keyboard_reaches_everything_in_the_order_of_the_page(login_page: Browser) -> None:
    assert login_page.focused() == "username"
    press(login_page, "admin", Keys.TAB)
    assert login_page.focused() == "password"
    press(login_page, PASSWORD, Keys.ENTER)
    login_page.wait_until(lambda: login_page.rows("shards"))
    assert login_page.focused() == "main"
    press_shift_tab(login_page)
    assert login_page.focused() == "logout"
    press_shift_tab(login_page)
    assert login_page.focused() == "pause"
    press_shift_tab(login_page)
    assert login_page.focused() == "Skip to the content"
    assert login_page.one(".skip").location["x"] >= 0
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert login_page.run(outline) == "solid"
    press(login_page, Keys.ENTER)
    login_page.wait_until(lambda: login_page.focused() == "main")
    press_shift_tab(login_page)
    press(login_page, Keys.SPACE)
    login_page.wait_for("#username")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_screen_reader_gets_landmarks_tables_and_headers(console: Browser, size: tuple[int, int]) -> None:
    console.resize(size)
    seen = console.accessible()
    roles = [role for role, _name in seen]
    for landmark in ("banner", "main", "contentinfo"):
        assert roles.count(landmark) == 1
    assert {name for role, name in seen if role == "table"} == PARTS
    assert {name for role, name in seen if role == "region"} >= PARTS
    assert {"Shard", "Owner", "Oldest", "Expires"} <= {name for role, name in seen if role == "columnheader"}
    assert "127.0.0.1:master1" in {name for role, name in seen if role == "rowheader"}
    assert roles.count("status") == 1
    assert {"Pause", "Log out"} == {name for role, name in seen if role == "button"}


def test_fields_of_the_login_are_labelled(login_page: Browser) -> None:
    assert {name for role, name in login_page.accessible() if role == "textbox"} == {"User name", "Password"}
    assert login_page.run("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_both_colour_schemes(login_page: Browser, scheme: str) -> None:
    login_page.prefer(color_scheme=scheme)
    surface = login_page.run("return getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", surface)[0])
    assert red < 60 if scheme == "dark" else red > 200
    ratio, where = login_page.run(LOWEST_CONTRAST)
    assert ratio >= AA, where
    show_state(login_page)
    login_page.run("document.querySelector('#attention').append(...['problem', 'notice'].map((kind) => "
                   "Object.assign(document.createElement('li'), { className: kind, textContent: kind })))")  # fmt: skip
    ratio, where = login_page.run(LOWEST_CONTRAST)
    assert ratio >= AA, where


def test_reduced_motion_has_no_animation(console: Browser) -> None:
    animation = "document.querySelector('td').className = 'changed'; return getComputedStyle(document.querySelector('td')).animationName"
    assert console.run(animation) == "changed"
    console.prefer(reduced_motion="reduce")
    assert console.run(animation) == "none"


# -- content security policy -------------------------------------------------------------------------------------------


def test_policy_stops_injected_code(console: Browser) -> None:
    assert console.problems() == []
    console.run("document.body.insertAdjacentElement('beforeend', Object.assign(document.createElement('img'), "
                "{ src: 'https://192.0.2.1/pixel.png' }))")  # fmt: skip
    console.run(
        "const style = document.createElement('style'); style.textContent = 'body { display: none }'; document.head.append(style)"
    )
    console.wait_until(
        lambda: len(logged := console.problems()) >= 2 and all("Content Security Policy" in one for one in logged)
    )
    assert console.run("return getComputedStyle(document.body).display") == "block"
    assert (
        console.run(
            "try { document.body.innerHTML = '<b>x</b>'; return 'written' } catch (error) { return error.name }"
        )
        == "TypeError"
    )
