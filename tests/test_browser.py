"""The helper of the browser tests notices what it should."""

from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Page, open_page

SOUND = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>t</title>{}</html>'
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def opened(tmp_path: Path, body: str, width: int = PHONE, *, dark: bool = False) -> Page:
    (tmp_path / "page.html").write_text(SOUND.format(body), encoding="utf-8")
    return open_page(tmp_path / "page.html", width, dark=dark)


def test_a_sound_page_is_sound(tmp_path: Path) -> None:
    opened(tmp_path, f"<main><h1>Good</h1><img alt='dot' src='{DOT}'></main>").assert_sound()


@pytest.mark.parametrize(
    "body",
    [
        "<main><h1>t</h1><script>console.error('no')</script></main>",
        "<main><h1>t</h1><script>undefined.no</script></main>",
        "<main><h1>t</h1><img alt='far' src='http://127.0.0.1:9/far.png'></main>",
        "<main><h1>t</h1><p style='width: 400px'>wide</p></main>",
        "<main><h1>t</h1><p style='color: #ccc; background: #fff'>pale</p></main>",
        f"<main><h1>t</h1><img src='{DOT}'></main>",
    ],
    ids=["console", "exception", "request", "overflow", "contrast", "no alternative"],
)
def test_a_bad_page_is_not_sound(tmp_path: Path, body: str) -> None:
    with pytest.raises(AssertionError):
        opened(tmp_path, body).assert_sound()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_page_gets_the_requested_width_and_colours(tmp_path: Path, width: int, *, dark: bool) -> None:
    page = opened(tmp_path, "", width, dark=dark)
    seen = page.run("return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]")
    assert seen == [width, dark]


def test_a_screenshot_shows_all_of_the_page(tmp_path: Path) -> None:
    page = opened(tmp_path, "<p style='height: 3000px'>long</p>")
    page.screenshot(tmp_path / "page.png")
    width, height = (int.from_bytes((tmp_path / "page.png").read_bytes()[at : at + 4], "big") for at in (16, 20))
    assert width == PHONE
    assert height > 3000
