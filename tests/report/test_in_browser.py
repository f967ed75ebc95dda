"""The report in a real browser: what it shows, how one moves in it, and that names stay text."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from report_pages import HOSTILE, WORD, made_up, made_up_hits, made_up_motifs, made_up_subsets

from seqexplain.motifs import write_hits
from seqexplain.report import _body, write_report
from seqexplain.results import Attributions, Interval

DOWN, UP, LEFT, RIGHT, HOME, END, SHIFT, TAB = (
    "\ue015",
    "\ue013",
    "\ue012",
    "\ue014",
    "\ue011",
    "\ue010",
    "\ue008",
    "\ue004",
)


def test_opens_without_a_word_on_the_console(opened, results):
    assert opened.console() == []
    assert opened.driver.title == "Made-up peaks · seqexplain"
    assert opened.texts("h2") == ["Overview", "Motifs", "Sequences", "Settings and versions"]
    assert opened.shown == int(np.argmax(results.predictions))
    assert not opened.one("#failure").is_displayed()


def test_names_that_would_be_code_stay_text(reader, tmp_path):
    results = replace(made_up(8), names=tuple(f"{HOSTILE[i % 4]}{i}" for i in range(8)), method=HOSTILE[1])
    motifs = replace(made_up_motifs(results), labels={"pos_0": HOSTILE[1]}, notes=(HOSTILE[0],))
    write_report(
        results, tmp_path / "page.html", motifs=motifs, hits=made_up_hits(results, HOSTILE[2]), title=HOSTILE[0]
    )
    reader.open(tmp_path / "page.html")
    assert reader.console() == []
    assert reader.driver.title.startswith("<script>document.title='pwned'</script>")
    assert sorted(reader.texts(".item .who")) == sorted(results.names)
    for row in range(len(results)):
        reader.press("#list", DOWN)
        reader.wait(f"document.documentElement.dataset.shown !== '{row - 1}'")
    assert reader.texts("#name bdi")[0] in results.names
    assert reader.all("img") == []
    assert reader.js("return document.querySelectorAll('[onload], [onerror], [onclick], main script').length") == 0
    assert reader.console() == []


def test_the_policy_stops_what_gets_in_all_the_same(reader, path):
    reader.open(path)
    assert "TypeError" in reader.js(
        "try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (e) { return String(e) }"
    )
    reader.js("const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
    reader.js(
        "const s = document.createElement('style'); s.textContent = 'body { display: none }'; document.head.append(s)"
    )
    reader.frame()
    said = " ".join(reader.console())
    assert "Content Security Policy" in said
    assert "img-src" in said
    assert reader.js("return getComputedStyle(document.body).display") == "block"


@pytest.mark.parametrize("row", [0, 1])  # one on the + strand, one on the − strand
def test_what_is_read_out_is_what_was_computed(opened, results, row):
    at = 103
    opened.type("search", results.names[row])
    opened.wait(f"document.documentElement.dataset.shown === '{row}'")
    opened.press("#plot", "0")
    opened.js("document.getElementById('plot').focus()")
    for _ in range(4):  # the first goes to the middle, 100
        opened.driver.switch_to.active_element.send_keys(SHIFT + RIGHT)
    opened.frame()
    base = "ACGT"[results.X[row, at].argmax()]
    place: Interval = results.intervals[row]
    genome = place.end - 1 - at if place.strand == "-" else place.start + at
    text = opened.texts("#readout")[0]
    assert text.startswith(f"{base} at {at} {place.chromosome}:{genome:,} · contribution ")
    shown = float(text.split("contribution ")[1].split(" ")[0].replace("−", "-"))
    assert shown == pytest.approx(results.contributions[row, at].sum(), rel=5e-3, abs=1e-4)
    assert "substitutions A " in text


def test_search_by_name_and_place(opened, results):
    opened.type("search", "CHR2:1")
    found = opened.texts(".item .who")
    assert found
    assert all("chr2:1" in name for name in found)
    assert opened.texts("#count") == [f"{len(found)} of 40 sequences"]
    opened.type("search", "chr1:3,050-3,060")
    assert opened.texts(".item .who") == ["chr1:3000-3200"]
    assert opened.shown == 3
    opened.type("search", "nothing is called so")
    assert opened.texts(".list .empty") == ["No sequence fits."]
    opened.type("search", "")
    assert opened.texts("#count") == ["40 sequences"]


def test_sort_and_filter(opened, results):
    by_value = [results.names[k] for k in np.argsort(-results.predictions, kind="stable")]
    assert opened.texts(".item .who") == by_value[: len(opened.all(".item"))]
    opened.click("#direction")
    opened.js("document.getElementById('list').scrollTop = 0")
    opened.frame()
    assert opened.texts(".item .who")[0] == by_value[-1]
    opened.choose("sort", "name")
    opened.js("document.getElementById('list').scrollTop = 0")
    opened.frame()
    # numbers in names by their size: chr1:0, chr1:3000, … before chr1:12000
    assert opened.js(
        "return [...document.querySelectorAll('.item')].sort((a, b) => a.dataset.place - b.dataset.place)"
        ".slice(0, 5).map((e) => e.textContent.split('-')[0])"
    ) == [f"chr1:{3000 * k}" for k in range(5)]
    opened.choose("with-motif", "0")
    assert opened.texts("#count") == ["20 of 40 sequences"]
    assert opened.shown % 2 == 0


def test_zoom_and_pan_by_keys_and_wheel(opened):
    opened.press("#plot", "0")
    assert opened.window == (0, 200)
    assert opened.kind == "bars"
    opened.press("#plot", "+", "+", "+")
    begin, end = opened.window
    assert end - begin == pytest.approx(200 * 0.7**3, abs=0.1)
    assert opened.kind == "letters"
    opened.press("#plot", RIGHT)
    assert opened.window[0] == pytest.approx(begin + (end - begin) / 8, abs=0.1)
    opened.press("#plot", HOME)
    assert opened.window[0] == 0
    opened.press("#plot", END)
    assert opened.window[1] == 200
    opened.press("#plot", "0", *"-" * 3)
    assert opened.window == (0, 200)
    wheel = """
      const p = document.getElementById('plot'), box = p.getBoundingClientRect();
      const x = box.left + 58 + (box.width - 68) * arguments[0];
      const where = { clientX: x, clientY: box.top + 50, bubbles: true, cancelable: true };
      const event = new WheelEvent('wheel', { deltaY: arguments[1], ...where });
      p.dispatchEvent(event);
      return event.defaultPrevented;
    """
    assert opened.js(wheel, 0.25, -300) is True
    opened.frame()
    begin, end = opened.window
    assert (begin + 0.25 * (end - begin)) == pytest.approx(50, abs=0.5)  # what is under the pointer stays there
    for _ in range(30):
        opened.js(wheel, 0.25, -300)
    opened.frame()
    assert opened.window[1] - opened.window[0] == pytest.approx(8, abs=0.01)
    for _ in range(30):
        opened.js(wheel, 0.5, 300)
    opened.frame()
    assert opened.window == (0, 200)
    assert opened.js(wheel, 0.5, 300) is False  # the page scrolls
    opened.press("#plot", "m")
    assert opened.window[0] < 100 < opened.window[1]


def test_dragging_moves(opened):
    from selenium.webdriver import ActionChains

    opened.press("#plot", "0", *"+" * 4)
    before = opened.window
    opened.js("document.getElementById('plot').scrollIntoView({ block: 'center' })")
    ActionChains(opened.driver, duration=10).drag_and_drop_by_offset(opened.one("#plot"), -120, 0).perform()
    opened.frame()
    assert opened.window[0] > before[0] + 1
    assert opened.window[1] - opened.window[0] == pytest.approx(before[1] - before[0], abs=0.02)


def test_the_list_is_a_listbox_for_the_keyboard(opened):
    opened.press("#list", HOME)
    active = "return document.getElementById(document.getElementById('list').getAttribute('aria-activedescendant'))"
    first = opened.js(f"{active}.getAttribute('aria-posinset')")
    opened.press("#list", DOWN, DOWN)
    assert opened.js(f"{active}.getAttribute('aria-posinset')") == str(int(first) + 2)
    assert opened.js(f"{active}.getAttribute('aria-selected')") == "true"
    opened.press("#list", END)
    assert opened.js(f"{active}.getAttribute('aria-posinset')") == "40"
    opened.wait("document.getElementById('next').disabled")
    opened.press("#plot", "p")
    assert opened.js(f"{active}.getAttribute('aria-posinset')") == "39"


def test_the_focus_begins_with_a_way_to_the_sequences_and_everything_has_a_name(opened):
    opened.js("document.activeElement.blur()")
    opened.driver.switch_to.active_element.send_keys(TAB)
    assert opened.driver.switch_to.active_element.get_attribute("href").endswith("#browser")
    nameless = opened.js("""
      return [...document.querySelectorAll('button, input, select, [role=listbox], [role=application], [role=img]')]
        .filter((e) => e.getClientRects().length && !e.closest('[aria-hidden=true]'))
        .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length))
        .map((e) => e.outerHTML.slice(0, 80));
    """)
    assert nameless == []


def test_light_dark_and_colours_of_bases(opened):
    background = "return getComputedStyle(document.body).backgroundColor"
    fill = "return getComputedStyle(document.querySelector('#plot .base-C')).fill"
    opened.press("#plot", "m")
    light, safe = opened.js(background), opened.js(fill)
    opened.choose("theme", "dark")
    dark = opened.js(background)
    assert sum(map(int, light[4:-1].split(","))) > 600 > 100 > sum(map(int, dark[4:-1].split(",")))
    opened.choose("theme", "light")
    opened.choose("colors", "classic")
    assert opened.js(fill) == "rgb(0, 0, 255)" != safe
    opened.driver.refresh()  # a choice is remembered
    opened.wait("document.documentElement.dataset.ready === 'yes'")
    assert opened.js("return document.documentElement.dataset.colors") == "classic"


def test_motifs_are_sorted_searched_turned_and_drawn_when_seen(opened):
    rows = opened.texts("#motif-table tbody .motif-id bdi")
    assert rows == [f"pos_{k}" for k in range(30)]
    drawn = "return [...document.querySelectorAll('#motif-table .cwm svg')].map((e) => e.childElementCount > 0)"
    opened.js("document.getElementById('motifs').scrollIntoView()")
    opened.wait("document.querySelector('#motif-table .cwm svg').childElementCount")
    assert opened.js(drawn)[-1] is False
    place = "const b = document.querySelector('#motif-table .cwm .base-{}').getBBox(); return [b.x, b.x + b.width]"
    begin, end = opened.js(place.format("A"))
    opened.click("input[name=strand][value='-']")
    opened.wait("document.querySelector('#motif-table .cwm svg').ariaLabel.includes('reverse complement')")
    wide = opened.js("return document.querySelector('#motif-table .cwm svg').viewBox.baseVal.width")
    assert opened.js(place.format("T")) == pytest.approx([wide - end, wide - begin], abs=1)  # A read from behind is T
    label = opened.js("return document.querySelector('#motif-table .cwm svg').getAttribute('aria-label')")
    assert WORD.translate(str.maketrans("ACGT", "TGCA"))[::-1] in label
    opened.type("motif-search", "ctcf")
    assert opened.texts("#motif-table tbody .motif-id bdi") == ["pos_7"]
    opened.type("motif-search", "")
    opened.click("th[data-key=order] button")
    assert opened.texts("#motif-table tbody .motif-id bdi")[0] == "pos_29"
    assert opened.js("return document.querySelector('th[data-key=order]').getAttribute('aria-sort')") == "descending"
    opened.click("#motif-table .show")
    assert opened.texts("#count") == ["20 of 40 sequences"]
    opened.js("dispatchEvent(new Event('beforeprint'))")
    assert all(opened.js(drawn))


def test_hits_and_layers_are_drawn(opened):
    opened.choose("with-motif", "0")
    assert opened.texts("#plot .hit-name") == ["ETS1 (MA0098.3)"] or opened.texts("#plot .hit-name")[0].startswith("E")
    assert opened.texts("#sequence-hits td:nth-child(2)") == ["96–104"]
    opened.click("#sequence-hits button")
    begin, end = opened.window
    assert begin < 96 < 104 < end < 140
    assert opened.texts("#layers button") == ["hypothetical", "substitutions"]
    assert len(opened.all("#plot .layer-ism path")) > 3
    assert opened.all("#plot .layer-hypothetical") == []
    opened.click("#layers button")
    assert len(opened.all("#plot .layer-hypothetical path[class^=base]")) == 4


def test_a_picture_can_be_saved(opened, downloads):
    opened.press("#plot", "m")
    opened.js("document.getElementById('save').click()")
    until = time.monotonic() + 20
    while not list(downloads.glob("*.svg")) and time.monotonic() < until:
        time.sleep(0.05)
    (saved,) = downloads.glob("*.svg")
    root = ET.parse(saved).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    fills = {e.get("fill") for e in root.iter("{http://www.w3.org/2000/svg}path")}
    assert "rgb(26, 79, 180)" in fills  # C, as it is drawn in the page
    assert opened.console() == []


ODD = ("none", "one", "long", "other tool", "subsets", "hits alone", "few hypothetical", "unknown bases")


@pytest.mark.parametrize("odd", ODD)
def test_odd_results_open_all_the_same(reader, tmp_path, odd, monkeypatch):
    results, options = made_up(6), {}
    if odd == "none":
        results = results.take(slice(0, 0))
        options = {"motifs": replace(made_up_motifs(made_up()), patterns=(), names=(), notes=("there is no sequence",))}
    elif odd == "one":
        results = replace(results.take([2]), completeness_error=None, reference_predictions=None, hypothetical=None)
    elif odd == "long":
        results = made_up(2, 100_000)
    elif odd == "other tool":
        np.savez(tmp_path / "x.npz", one_hot=results.X, contributions=results.hypothetical)
        results = tmp_path / "x.npz"
    elif odd == "subsets":
        results = made_up_subsets(results)
    elif odd == "few hypothetical":
        monkeypatch.setattr(_body, "HYPOTHETICAL_BASES", 2 * 80)
    elif odd == "hits alone":
        write_hits(made_up_hits(results), tmp_path / "hits.tsv")
        options = {"hits": tmp_path / "hits.tsv"}
    else:
        lengths = np.array([80, 40, 1, 80, 80, 80])
        X = results.X * (np.arange(80) < lengths[:, None])[..., None]
        X[0, 10:70] = 0
        results = replace(results, X=X, contributions=results.hypothetical * X, lengths=lengths)
    written = write_report(results, tmp_path / "page.html", **options)
    reader.open(tmp_path / "page.html")
    assert reader.console() == []
    assert len(reader.all(".item")) == written.sequences
    if odd == "none":
        assert reader.texts(".panes") == ["There is no sequence in these results."]
        assert reader.texts("#motif-table tbody") == ["No motif was found."]
    if odd == "unknown bases":
        reader.type("search", results.names[0])
        reader.wait("document.documentElement.dataset.shown === '0'")
        assert reader.texts("#plot .unknown") == ["N: unknown bases"]
    for button in ("#peak", "#zoom-in", "#whole", *["#layers button"] * 2, "#next", "#next", "#previous"):
        if written.sequences and reader.all(button):
            reader.click(button)
    if odd == "long":
        assert reader.kind == "outline"
        reader.click("#peak")
        assert reader.kind == "letters"
    if odd == "subsets":
        assert reader.js("return document.querySelector('.layer-sis text').textContent").startswith(
            "2 sufficient subsets"
        )
    if odd == "few hypothetical":
        reader.click("#layers button")
        assert len(reader.all("#plot .layer-hypothetical")) == 1
        reader.press("#list", END)
        reader.wait("document.getElementById('next').disabled")
        assert reader.all("#plot .layer-hypothetical") == []
        assert "hypothetical contributions of this sequence are not in the page" in reader.texts("#plot text")
    if odd == "hits alone":
        assert reader.texts("#motif-table .small") == ["no matrix", "no matrix", "not compared"]
    assert reader.console() == []


def test_five_thousand_sequences_stay_quick(reader, tmp_path):
    g = np.random.default_rng(0)
    n, length = 5000, 1000
    codes = g.integers(0, 4, (n, length))
    X = np.eye(4, dtype=np.float32)[codes]
    observed = g.standard_normal((n, length), dtype=np.float32) ** 3 * 0.02
    results = Attributions(
        contributions=X * observed[..., None], X=X, predictions=g.normal(size=n).astype(np.float32), targets=("0",),
        method="saliency", names=tuple(f"chr{1 + k % 20}:{k * 5000}-{k * 5000 + length}" for k in range(n)),
    )  # fmt: skip
    written = write_report(results, tmp_path / "page.html")
    assert written.bits == 8
    assert written.size < 10e6
    reader.open(tmp_path / "page.html")
    assert reader.console() == []
    assert len(reader.all(".item")) < 60
    load = reader.js("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    times = reader.driver.execute_async_script("""
      const done = arguments[0];
      const settled = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
      const timed = async (act) => {
        const begin = performance.now();
        await act();
        await settled();
        return performance.now() - begin;
      };
      const shown = () => document.documentElement.dataset.shown;
      (async () => {
        const next = [];
        for (let k = 0; k < 15; k++) next.push(await timed(async () => {
          const before = shown();
          document.getElementById('next').click();
          while (shown() === before) await new Promise((go) => setTimeout(go, 0));
        }));
        const change = (id, value, kind) => {
          const e = document.getElementById(id);
          e.value = value;
          e.dispatchEvent(new Event(kind));
        };
        const search = await timed(async () => change('search', 'chr7', 'input'));
        const sort = await timed(async () => change('sort', 'name', 'change'));
        done({ next: next.sort((a, b) => a - b)[7], search, sort });
      })();
    """)
    # many times what an idle machine takes: the test is to notice work that grows with all sequences
    assert load < 15_000, load
    assert times["next"] < 700, times
    assert times["search"] < 1500, times
    assert times["sort"] < 2500, times
    assert reader.texts("#count") == ["250 of 5,000 sequences"]
