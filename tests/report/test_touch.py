"""The report on a phone, and what opens in its tables."""

from __future__ import annotations

import pytest
from report_pages import divided, made_up, made_up_motifs

from seqexplain.report import write_report


def test_sub_patterns_open_below_their_motif(reader, tmp_path):
    results = made_up(40)
    write_report(results, tmp_path / "page.html", motifs=divided(made_up_motifs(results)))
    reader.open(tmp_path / "page.html")
    assert reader.texts("#motif-table .parts") == ["2 sub-patterns"]
    assert reader.all("#motif-table .part") == []
    reader.press("#motif-table .parts", " ")
    assert reader.texts("#motif-table .part .motif-id") == ["pos_0.0", "pos_0.1"]
    assert reader.texts("#motif-table .part td:nth-child(5)") == ["10in 10 seq.", "30in 30 seq."]
    reader.js("document.querySelector('#motif-table .part').scrollIntoView()")
    reader.wait("document.querySelectorAll('#motif-table .part .cwm svg path').length > 2")
    reader.type("motif-search", "no such")
    assert reader.texts("#motif-table tbody") == ["No motif fits."]
    reader.type("motif-search", "")
    reader.press("#motif-table .parts", " ")
    assert reader.all("#motif-table .part") == []
    assert reader.console() == []


@pytest.fixture
def phone(opened):
    """The page on a narrow screen that is touched."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    opened.wait("document.querySelector('#plot svg').viewBox.baseVal.width < 390")
    yield opened
    opened.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    opened.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_fingers_zoom_move_and_point(phone):
    phone.js("document.getElementById('plot').scrollIntoView({ block: 'center', behavior: 'instant' })")
    left, top = phone.js("const b = document.getElementById('plot').getBoundingClientRect(); return [b.left, b.top]")
    inner = phone.js("return document.getElementById('plot').clientWidth") - 68

    def touch(kind: str, *shares: float) -> None:
        points = [{"x": left + 58 + share * inner, "y": top + 90, "id": k} for k, share in enumerate(shares)]
        phone.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        phone.frame()

    assert phone.window == (0, 200)
    touch("touchStart", 0.4)
    touch("touchStart", 0.4, 0.6)
    for k in range(1, 6):
        touch("touchMove", 0.4 - 0.06 * k, 0.6 + 0.06 * k)
    touch("touchEnd")
    begin, end = phone.window
    assert (end - begin) == pytest.approx(200 / 4, abs=1)
    assert (begin + end) / 2 == pytest.approx(100, abs=1)
    touch("touchStart", 0.8)
    for k in range(1, 6):
        touch("touchMove", 0.8 - 0.1 * k)
    touch("touchEnd")
    assert phone.window == pytest.approx((begin + 25, end + 25), abs=1)
    touch("touchStart", 0.5)
    touch("touchEnd")
    assert f" at {int(sum(phone.window) / 2)}" in phone.texts("#readout b")[0]
    assert phone.console() == []


def test_a_narrow_page_shows_letters_and_what_colours_mean(phone):
    assert phone.js("return document.documentElement.scrollWidth") == 390
    phone.click("#peak")
    assert phone.kind == "letters"
    assert "(orange)" in phone.texts("#plot .layer-ism text")[-1]
    assert phone.one(".touch").is_displayed()
    assert not phone.one("#keys").is_displayed()
