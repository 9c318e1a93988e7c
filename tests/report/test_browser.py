"""The page in a browser: the wipe by mouse, finger and key, what it shows, and that it asks for nothing outside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from frdm_engine.report import data_path, page_path, write, write_reel
from tests.report.browser import chromium
from tests.report.painted import SPOTS, Painted, paint

OVER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Painted:
    """A shot with a failure, and its page."""
    made = paint(tmp_path_factory.mktemp("reel") / "shot")
    failed = [{"frame": 1007, "error": "Frame 1007 <b>could</b> not be read; replace the file."}]
    write(made.sidecar, made.told(failures=failed, frames="1001-1008"))
    return made


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests of this file."""
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(chrome: Chrome, shot: Painted) -> Iterator[Chrome]:
    """The shot's page, newly opened; at the end nothing may have gone wrong in it."""
    screen(chrome, 1280, 900)
    chrome.get(page_path(shot.sidecar).as_uri())
    yield chrome
    assert chrome.get_log("browser") == []  # type: ignore[no-untyped-call]


def screen(chrome: Chrome, width: int, height: int, *, touch: bool = False) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})


def wipe(chrome: Chrome, frame: int) -> WebElement:
    return chrome.find_element(By.CSS_SELECTOR, f"#frame-{frame} .wipe")


def slider(chrome: Chrome, frame: int) -> WebElement:
    return wipe(chrome, frame).find_element(By.TAG_NAME, "input")


def at(chrome: Chrome, frame: int) -> float:
    """Where the picture of `after` begins, in percent of the frame's width, as the browser lays it out."""
    told: str = chrome.execute_script(
        "return getComputedStyle(arguments[0].querySelector('.after')).clipPath", wipe(chrome, frame)
    )
    return float(told.removeprefix("inset(").removesuffix("%)").split()[-1].removesuffix("px"))


def drag(chrome: Chrome, frame: int, *, by: int) -> None:
    """Press in the middle of a frame and let go `by` pixels to the right."""
    ActionChains(chrome).move_to_element(slider(chrome, frame)).click_and_hold().move_by_offset(
        by, 0
    ).release().perform()


def test_the_wipe_is_dragged(page: Chrome) -> None:
    assert at(page, 1001) == 50
    width = wipe(page, 1001).size["width"]
    drag(page, 1001, by=width // 4)
    assert at(page, 1001) == pytest.approx(75, abs=1)
    drag(page, 1001, by=-width // 4)
    assert at(page, 1001) == pytest.approx(25, abs=1)
    assert at(page, 1002) == 50


def test_a_finger_drags_the_wipe(page: Chrome) -> None:
    screen(page, 360, 740, touch=True)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", wipe(page, 1002))
    box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", wipe(page, 1002))
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.8), ("touchEnd", None)):
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": y}]
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert at(page, 1002) == pytest.approx(80, abs=1)


def test_keys_move_the_wipe_and_choose_what_is_beside_it(page: Chrome) -> None:
    one = slider(page, 1001)
    one.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert at(page, 1001) == 51
    one.send_keys(Keys.END)
    assert at(page, 1001) == 100
    one.send_keys(Keys.HOME)
    assert at(page, 1001) == 0
    assert one.get_attribute("aria-valuetext") == "0 % before, 100 % after"
    matte = wipe(page, 1001).find_element(By.CLASS_NAME, "matte")
    assert not matte.is_displayed()
    one.send_keys("m")
    assert matte.is_displayed()
    assert matte.value_of_css_property("background-color") == "rgba(0, 0, 0, 1)"
    one.send_keys("m")
    assert matte.is_displayed()
    assert matte.value_of_css_property("background-color") == "rgba(0, 0, 0, 0)"
    one.send_keys("m")
    assert not matte.is_displayed()


def test_all_wipes_move_together_where_that_is_ticked(page: Chrome) -> None:
    page.find_element(By.ID, "together").click()
    slider(page, 1003).send_keys(Keys.HOME)
    assert [at(page, frame) for frame in SPOTS] == [0] * len(SPOTS)


def test_tab_goes_through_the_page_in_its_order_and_focus_is_seen(page: Chrome) -> None:
    met: list[str] = []
    for _ in range(40):
        page.switch_to.active_element.send_keys(Keys.TAB)
        here = page.switch_to.active_element
        ring = wipe(page, int(here.accessible_name[-4:])) if here.get_attribute("type") == "range" else here
        if here.get_attribute("type") != "radio":  # its label has the ring
            assert ring.value_of_css_property("outline-style") == "solid"
        met.append(here.accessible_name)
        if met[-1] == "Frame 1006 large":
            break
    assert met == [
        *("Contact sheet", "Damage", "Largest repairs", "Throughput", "Settings", "Hashes"),
        *("Failures", "After", "All wipes together"),
        *(name for frame in SPOTS for name in (f"Wipe of frame {frame}", f"Frame {frame} large")),
    ]


def test_a_frame_is_made_large_and_small_again(page: Chrome) -> None:
    button = page.find_element(By.CSS_SELECTOR, "#frame-1002 button")
    before = wipe(page, 1002).size["width"]
    button.click()
    assert wipe(page, 1002).size["width"] > 1.5 * before
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert wipe(page, 1002).size["width"] == before


def test_the_pictures_are_those_of_the_files(page: Chrome) -> None:
    """In the painted dirt the plate is light and the result is not; the matte has dirt's colour there, none beside."""
    read = """
        const [image, x, y] = arguments, canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
        return [...context.getImageData(x, y, 1, 1).data];
    """

    def pixel(name: str, x: int, y: int) -> list[int]:
        image = wipe(page, 1001).find_element(By.CLASS_NAME, name)
        assert (image.get_property("naturalWidth"), image.get_property("naturalHeight")) == (64, 48)
        found: list[int] = page.execute_script(read, image, x, y)
        return found

    assert min(pixel("before", 12, 10)[:3]) > 200
    assert max(pixel("after", 12, 10)[:3]) < 215
    assert pixel("matte", 12, 10) == [0xE6, 0x9F, 0x00, 255]
    assert pixel("matte", 40, 20) == [0x56, 0xB4, 0xE9, 255]
    assert pixel("matte", 25, 25)[3] == 0


def test_chart_crops_failures_settings_and_hashes_are_there(page: Chrome) -> None:
    columns = {
        strip.get_attribute("data-strip"): len(strip.find_elements(By.TAG_NAME, "rect"))
        for strip in page.find_elements(By.CSS_SELECTOR, "svg[data-strip]")
    }
    assert columns == {"dirt": 3, "scratch": 3, "stain": 1, "flicker": 1, "seconds": 6, "marks": 2}
    crops = page.find_elements(By.CSS_SELECTOR, ".crops figure")
    assert [crop.find_element(By.TAG_NAME, "b").text for crop in crops] == [
        "Frame 1001", "Frame 1002", "Frame 1006", "Frame 1003", "Frame 1004",
    ]  # fmt: skip
    assert "in 3 frames from 1001 to 1003" in crops[3].text
    for image in page.find_elements(By.TAG_NAME, "img"):
        assert image.get_property("naturalWidth")
    text = page.find_element(By.TAG_NAME, "body").text
    for said in (
        "1 failure in 8 frames",
        "Frame 1007 <b>could</b> not be read; replace the file.",
        "2 frames left to do: 1007-1008",
        "dirt, scratch, stain, flicker",
        "node-07",
        "5" * 64,
        "where the matte is 0, all are the same bit for bit",
    ):
        assert said in text


def test_everything_has_a_name_for_those_who_listen(page: Chrome) -> None:
    nodes: list[dict[str, Any]] = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = ("image", "slider", "button", "radio", "checkbox", "link", "region", "navigation", "table")
    met = dict.fromkeys(named, 0)
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if role in met and not node.get("ignored"):
            met[role] += 1
            assert node.get("name", {}).get("value"), node
    assert (met["slider"], met["radio"], met["checkbox"]) == (6, 3, 1)
    assert min(met.values()) > 0, met


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_nothing_runs_over_the_edge(page: Chrome, width: int) -> None:
    screen(page, width, 800, touch=width < 500)
    assert page.execute_script(OVER) == 0
    assert page.execute_script("return innerWidth") == width


def test_dark_is_dark_and_print_shows_all_three_pictures(page: Chrome) -> None:
    def paper() -> str:
        return page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")

    def told(**media: Any) -> None:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    told(features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert paper() == "rgba(19, 19, 19, 1)"
    told(features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert paper() == "rgba(241, 241, 241, 1)"
    told(media="print")
    images = wipe(page, 1001).find_elements(By.TAG_NAME, "img")
    boxes = [(image.location["x"], image.size["width"]) for image in images]
    assert all(image.is_displayed() for image in images)
    assert all(right > left + width for (left, width), (right, _) in pairwise(boxes))
    assert {image.value_of_css_property("clip-path") for image in images} == {"none"}
    assert not slider(page, 1001).is_displayed()
    told(media="")


def test_nothing_is_asked_for_from_outside(page: Chrome, shot: Painted) -> None:
    asked: list[str] = page.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [name for name in asked if not name.startswith("data:")] == []
    text = page_path(shot.sidecar).read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text


def test_the_reel_leads_to_its_shots(chrome: Chrome, shot: Painted) -> None:
    other = paint(shot.folder.parent / "other & more", seed=3)
    write(other.sidecar, other.run)
    index = shot.folder.parent / "reel.html"
    write_reel([data_path(shot.sidecar), data_path(other.sidecar)], page=index)
    screen(chrome, 360, 740)
    chrome.get(index.as_uri())
    assert chrome.execute_script(OVER) == 0
    rows = chrome.find_elements(By.CSS_SELECTOR, ".reel tbody tr")
    assert [row.find_element(By.CLASS_NAME, "verdict").text for row in rows] == [
        "1 failure in 8 frames",
        "6 frames restored, none failed",
    ]
    rows[1].find_element(By.TAG_NAME, "a").click()
    assert chrome.current_url == page_path(other.sidecar).as_uri()
    assert chrome.title == "out: 6 frames restored, none failed"
    assert chrome.get_log("browser") == []  # type: ignore[no-untyped-call]
