"""What a report holds, how precisely, and that nothing in it can become code."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
from report_pages import HOSTILE, WORD, made_up, made_up_hits, made_up_motifs, made_up_subsets

from seqexplain.errors import (
    FileFormatError,
    MissingFileError,
    ParameterError,
    ShapeError,
    StorageError,
    TargetError,
)
from seqexplain.motifs import Motif, match_motifs, write_hits
from seqexplain.report import _body, write_report
from seqexplain.storage import ResultStore, save


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def hostile(n: int = 12, **more):
    return replace(made_up(n), names=tuple(f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(n)), **more)


class TestSafety:
    def test_the_policy_lets_in_this_script_and_style_and_nothing_else(self, page):
        found = page()
        scripts = [text for tag, a, text in found.raw if tag == "script" and "type" not in a]
        styles = [text for tag, _, text in found.raw if tag == "style"]
        assert len(scripts) == len(styles) == 1
        assert found.policy["default-src"] == "'none'"
        assert found.policy["script-src"] == digest(scripts[0])
        assert found.policy["style-src"] == digest(styles[0])
        assert "unsafe" not in " ".join(found.policy.values())
        assert found.policy["base-uri"] == found.policy["form-action"] == "'none'"
        assert found.policy["require-trusted-types-for"] == "'script'"

    def test_the_policy_stands_before_anything_it_is_about(self, page):
        tags = [tag for tag, _ in page().elements]
        assert tags.index("meta") < tags.index("style") < tags.index("script")
        assert tags[:4] == ["html", "head", "meta", "meta"]

    def test_nothing_is_loaded_from_elsewhere_and_no_handler_stands_in_an_attribute(self, page):
        results = hostile()
        for tag, attributes in page(results, motifs=made_up_motifs(results), title=HOSTILE[0]).elements:
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                assert name != "style"
                if name in ("src", "href", "action", "data", "srcset"):
                    assert re.match(r"(#|data:image/svg\+xml,)", str(value)), (tag, name, value)

    def test_hostile_text_makes_no_element(self, page):
        plain, evil = made_up(), hostile(parameters={"level": "logit", HOSTILE[0]: HOSTILE[1]}, method=HOSTILE[2])
        plain = replace(plain, parameters={"level": "logit", "a": "b"}, method="m")
        pages = []
        for results, text in ((plain, "plain"), (evil, HOSTILE[1])):
            motifs = replace(made_up_motifs(results), notes=(text,), labels={"pos_0": text}, label=results.targets[0])
            pages.append(page(results, motifs=motifs, hits=made_up_hits(results, text), title=text))
        one, other = ([tag for tag, _ in found.elements] for found in pages)
        assert one == other
        shown = "".join(pages[1].shown)
        assert HOSTILE[1] in shown
        assert HOSTILE[2] in shown
        assert HOSTILE[0] in shown
        assert "49" not in re.findall(r"\d+", HOSTILE[3])  # templates in names are not filled in
        assert pages[1].pack("rows")[0]["names"][3].startswith("{{ 7 * 7 }}")
        assert pages[1].head["motifs"][0]["name"] == HOSTILE[1]

    def test_no_data_can_end_its_element(self, page):
        found = page(hostile(), hits=made_up_hits(hostile(), HOSTILE[1]))
        for tag, attributes, text in found.raw:
            if tag == "script" and "type" in attributes:
                assert "<" not in text
        assert found.text.count("</script>") == found.count("script")


class TestContent:
    @pytest.mark.parametrize("bits", [8, 16])
    def test_contributions_are_within_half_a_step_of_each_sequences_largest(self, page, monkeypatch, bits):
        monkeypatch.setattr(_body, "FINE_BASES", 10**9 if bits == 16 else 0)
        monkeypatch.setattr(_body, "CHUNK_BASES", 400)  # five sequences a pack
        results = made_up()
        found = page(results)
        packs = found.packs("c")
        assert len(packs) == 3
        assert found.head["first"]["c"] == [0, 5, 10, 12]
        kept = np.concatenate([p["contributions"] * p["scale"][:, None] for _, p in packs])
        observed = results.contributions.sum(axis=-1)
        most = np.abs(observed).max(axis=1, keepdims=True)
        assert np.abs(kept - observed).max() > 0
        assert (np.abs(kept - observed) <= 0.5 * most / (2 ** (bits - 1) - 1) * 1.001).all()
        np.testing.assert_array_equal(np.concatenate([p["codes"] for _, p in packs]), results.X.argmax(axis=-1))
        stated = {8: "within 0.39 %", 16: "within 0.0015 %"}[bits]
        assert stated in " ".join("".join(found.shown).split())

    def test_hypothetical_scores_are_kept_up_to_a_size_and_their_absence_is_said(self, page, monkeypatch):
        results = made_up()
        ((_, arrays),) = page(results).packs("h")
        kept = arrays["hypothetical"] * arrays["scale"][:, None, None]
        most = np.abs(results.hypothetical).max(axis=(1, 2), keepdims=True)
        assert (np.abs(kept - results.hypothetical) <= 0.5 * most / 127 * 1.001).all()
        monkeypatch.setattr(_body, "HYPOTHETICAL_BASES", 5 * 80)
        some = page(results)
        rows = some.pack("rows")[1]["hypothetical_row"]
        highest = np.argsort(-results.predictions)[:5]
        assert sorted(np.flatnonzero(rows >= 0)) == sorted(highest)
        arrays = some.pack("h-0")[1]
        kept = arrays["hypothetical"] * arrays["scale"][:, None, None]
        assert np.abs(kept[rows[highest]] - results.hypothetical[highest]).max() < 0.01
        assert "for the 5 sequences with the highest predictions" in "".join(some.shown)

    def test_rows_hold_names_places_predictions_and_hits(self, page):
        results = made_up()
        hits = made_up_hits(results)
        header, rows = page(results, hits=hits).pack("rows")
        assert header["names"] == list(results.names)
        np.testing.assert_array_equal(rows["prediction"], results.predictions)
        np.testing.assert_allclose(rows["total"], results.contributions.sum(axis=(1, 2)), rtol=1e-5)
        assert [header["chromosomes"][k] for k in rows["chromosome"][:4]] == ["chr1", "chr2", "chr3", "chr1"]
        assert rows["start"][5] == 5000
        assert rows["minus"].tolist() == [0, 1] * 6
        assert np.diff(rows["hit_from"]).tolist() == [1, 0] * 6
        np.testing.assert_array_equal(rows["hit_start"], hits.start)
        np.testing.assert_array_equal(rows["hit_minus"], hits.strand == "-")

    def test_overview_counts_pairs_that_add_up(self, page):
        results = made_up()
        error = results.completeness_error.copy()
        error[3, 1] = 0.5
        found = page(replace(results, completeness_error=error))
        shown = " ".join("".join(found.shown).split())
        assert "95.83 %of 24 sequence–reference pairs; largest error 0.5" in shown
        assert f"is that of {results.names[3]}" in shown

    def test_motifs_say_where_their_hits_sit(self, page):
        results = made_up()
        card = page(results, motifs=made_up_motifs(results), hits=made_up_hits(results)).head["motifs"][0]
        assert WORD in card["consensus"]
        assert card["size"] == 12
        assert card["hits"] == 6
        assert card["hit_sequences"] == 6
        assert sum(card["where"]) == 6
        assert card["where"][20] == 6
        assert np.array(card["ppm"]).sum(axis=1) == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize("strand", ["+", "-"])
    def test_the_best_match_lies_on_the_motif_as_it_was_matched(self, page, strand):
        results = made_up()
        motifs = made_up_motifs(results)
        motif = motifs[0].trimmed().motif
        known = motif.reverse_complement() if strand == "-" else motif
        # two more columns before the word as the known motif reads, one less behind it
        matrix = np.concatenate([np.full((2, 4), 0.25), known.probabilities[:-1]])
        others = [Motif(f"other_{k}", "x", np.eye(4)[[k % 4] * 6] + 0.1) for k in range(60)]
        matches = match_motifs(motifs, [Motif("M1", "the word", matrix), *others])
        card = page(results, motifs=motifs, matches=matches).head["motifs"][0]
        assert card["matches"][0]["name"] == "the word"
        best, found = np.array(card["best"]), np.array(card["ppm"])
        assert best.shape == found.shape
        there = best.sum(axis=1) > 0
        assert (~there).nonzero()[0].tolist() == ([0] if strand == "-" else [len(best) - 1])
        np.testing.assert_allclose(best[there], found[there], atol=1e-3)

    def test_hits_of_a_table_are_those_of_the_object(self, page, tmp_path):
        results = made_up()
        hits = made_up_hits(results)
        write_hits(hits, tmp_path / "hits.tsv")
        one = page(results, hits=hits).pack("rows")[1]
        other = page(results, hits=tmp_path / "hits.tsv").pack("rows")[1]
        for name in ("hit_from", "hit_start", "hit_end", "hit_minus", "hit_motif", "hit_contribution", "hit_q"):
            np.testing.assert_array_equal(one[name], other[name])

    def test_computed_hits_are_those_of_find_hits(self, page):
        results = made_up(60)
        rows = page(results, motifs=made_up_motifs(results), hits="computed").pack("rows")[1]
        assert len(rows["hit_start"]) >= 55
        assert np.isin(rows["hit_start"], range(32, 40)).mean() > 0.9

    def test_the_same_results_give_the_same_page(self, page):
        assert page().text == page().text

    def test_a_store_gives_the_page_of_what_it_holds(self, page, tmp_path):
        results = made_up()
        save(results, tmp_path / "r.zarr")
        one, other = page(results), page(ResultStore(tmp_path / "r.zarr"))
        assert one.script("c-0") == other.script("c-0")
        assert one.script("rows") == other.script("rows")
        assert page(tmp_path / "r.zarr").text == other.text

    def test_shorter_sequences_and_unknown_bases(self, page):
        results = made_up()
        X = results.X.copy()
        X[:, 60:] = 0
        X[:, 5] = 0
        lengths = np.full(12, 60)
        lengths[0] = 80
        short = replace(results, X=X, contributions=results.hypothetical * X, lengths=lengths)
        found = page(short)
        assert found.pack("rows")[1]["length"].tolist() == [80, *[60] * 11]
        codes = found.pack("c-0")[1]["codes"]
        assert (codes[:, 5] == 4).all()
        assert (codes[1, 60:] == 4).all()
        assert "up to 80 bp" in " ".join("".join(found.shown).split())

    def test_no_sequence_and_no_motif(self, page):
        results = made_up().take(slice(0, 0))
        motifs = replace(made_up_motifs(made_up()), patterns=(), names=(), notes=("12 seqlets are too few",))
        found = page(results, motifs=motifs)
        assert found.head["n"] == 0
        assert "12 seqlets are too few" in "".join(found.shown)


class TestCompanions:
    def test_subsets_and_effects_find_their_sequences_by_name(self, page):
        results = made_up()
        effects = np.random.default_rng(1).normal(size=results.X.shape).astype(np.float32)
        edited = replace(results, effects=effects, method="in_silico_mutagenesis").take([4, 2])
        found = page(results, sis=made_up_subsets(results), ism=edited)
        rows = found.pack("rows")[1]
        assert rows["sis_row"].tolist() == list(range(12))
        assert rows["ism_row"].tolist() == [-1, -1, 1, -1, 0, *[-1] * 7]
        header, arrays = found.pack("sis-0")
        assert header["values"][3] == [2.5, 1.5]
        assert np.flatnonzero(arrays["subset"][3] == 1).tolist() == [36, 37, 38, 39]
        arrays = found.pack("ism-0")[1]
        kept = arrays["effects"] * arrays["scale"][:, None, None]
        assert np.abs(kept[0] - effects[4]).max() <= 0.5 * np.abs(effects[4]).max() / 127 * 1.001
        assert "Effects of substitutions are known of 2 of 12 sequences." in "".join(found.shown)

    def test_a_store_of_subsets_is_its_own_companion(self, page):
        found = page(made_up_subsets(made_up()))
        assert found.pack("rows")[1]["sis_row"].tolist() == list(range(12))

    def test_other_sequences_are_refused(self, page):
        results = made_up()
        effects = np.zeros_like(results.X)
        other = replace(made_up(seed=5), effects=effects)
        with pytest.raises(ParameterError, match="12 have the name of one, but other bases"):
            page(results, ism=other)
        with pytest.raises(ParameterError, match="holds no effects of substitutions; it was made by deeplift"):
            page(results, ism=results)
        with pytest.raises(ParameterError, match="holds no sufficient input subsets"):
            page(results, sis=results)


class TestErrors:
    def test_a_file_that_exists_is_kept(self, tmp_path):
        path = tmp_path / "page.html"
        path.write_text("mine")
        with pytest.raises(StorageError, match="exists already"):
            write_report(made_up(), path)
        assert path.read_text() == "mine"

    def test_nothing_is_left_when_it_fails(self, tmp_path, monkeypatch):
        from seqexplain.report import _page

        def fail(context):
            yield "half"
            raise RuntimeError("stop")

        monkeypatch.setattr(_page, "render", fail)
        with pytest.raises(RuntimeError, match="stop"):
            write_report(made_up(), tmp_path / "page.html")
        assert list(tmp_path.iterdir()) == []

    def test_several_targets_want_a_choice_that_motifs_can_make(self, page):
        one = made_up()
        two = replace(
            one,
            contributions=np.stack([one.contributions, 2 * one.contributions], axis=1),
            hypothetical=np.stack([one.hypothetical, 2 * one.hypothetical], axis=1),
            predictions=np.stack([one.predictions, 2 * one.predictions], axis=1),
            reference_predictions=None,
            completeness_error=None,
            targets=("A:0", "B:0"),
        )
        with pytest.raises(TargetError, match="2 targets"):
            page(two)
        motifs = made_up_motifs(two.for_target("B:0"))
        by_motifs, by_choice = page(two, motifs=motifs), page(two, target="B:0")
        assert by_motifs.script("c-0") == by_choice.script("c-0") != page(two, target=0).script("c-0")
        assert "2 targets (A:0, B:0); this page shows one of them" in "".join(by_choice.shown)

    def test_contributions_that_are_no_numbers(self, page):
        results = made_up()
        bad = results.hypothetical.copy()
        bad[2, 3] = np.nan
        with pytest.raises(ShapeError, match="NaN"):
            page(replace(results, hypothetical=bad, contributions=bad * results.X))

    def test_hits_that_do_not_fit(self, page, tmp_path):
        results = made_up()
        with pytest.raises(ParameterError, match="not the 12 of the results"):
            page(results, hits=made_up_hits(made_up(8)))
        with pytest.raises(ParameterError, match="none are given"):
            page(results, hits="computed")
        with pytest.raises(ParameterError, match="of type int"):
            page(results, hits=3)
        table = tmp_path / "hits.tsv"
        with pytest.raises(MissingFileError, match="no table of hits"):
            page(results, hits=table)
        table.write_text("sequence\tstart\n")
        with pytest.raises(FileFormatError, match="lacks the column 'end'"):
            page(results, hits=table)
        table.write_text("sequence\tstart\tend\tstrand\tpattern\nelsewhere\t1\t5\t+\tp\n")
        with pytest.raises(ParameterError, match="none of its sequences"):
            page(results, hits=table)
        table.write_text(f"sequence\tstart\tend\tstrand\tpattern\n{results.names[0]}\t70\t90\t+\tp\n")
        with pytest.raises(ParameterError, match="line 2: the hit 70-90 is not inside its sequence of 80 bp"):
            page(results, hits=table)
        table.write_text(f"sequence\tstart\tend\tstrand\tpattern\n{results.names[0]}\tten\t90\t+\tp\n")
        with pytest.raises(FileFormatError, match="line 2: start is no number"):
            page(results, hits=table)

    def test_hits_in_sequences_of_one_name_are_left_out_and_said(self, page, tmp_path):
        results = replace(made_up(), names=("twice", "twice", *made_up().names[2:]))
        table = tmp_path / "hits.tsv"
        lines = [f"{name}\t3\t9\t-\tp" for name in ("twice", results.names[2], "elsewhere")]
        table.write_text("sequence\tstart\tend\tstrand\tpattern\n" + "\n".join(lines) + "\n")
        found = page(results, hits=table)
        assert len(found.pack("rows")[1]["hit_start"]) == 1
        shown = "".join(found.shown)
        assert "1 hits lie in sequences that share their name" in shown
        assert "1 hits lie in sequences that the results do not have" in shown


def test_tolerances_are_those_of_the_methods():
    from seqexplain.attribution import _completeness
    from seqexplain.report import _explained

    assert _explained.RELATIVE_TOLERANCE == _completeness.RELATIVE_TOLERANCE
    assert _explained.MAGNITUDE_TOLERANCE == _completeness.MAGNITUDE_TOLERANCE
