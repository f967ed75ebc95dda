"""Effects of variants are differences of what the model itself predicts for edited chromosomes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl
from variant_lines import BASES, L, Line, edited_windows, hand_one_hot, logit, make_lines, other_base, predict

from seqexplain import Variant, VariantEffects, annotate_vcf, load_model, saliency, variant_effects
from seqexplain.errors import ParameterError, SequenceWarning, TargetError
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import contrast
from seqexplain.perturbation import VariantOptions, VariantScorer
from seqexplain.sequences import Genome, VariantStatus

SIZES = {"chr1": 6000, "chr2": 900, "chrM": 400}


@pytest.fixture(scope="module")
def chromosomes() -> dict[str, str]:
    rng = np.random.default_rng(3)
    made = {name: "".join(rng.choice(list(BASES), size)) for name, size in SIZES.items()}
    made["chr1"] = made["chr1"][:3000] + "N" * 100 + made["chr1"][3100:]
    return made


@pytest.fixture(scope="module")
def genome(chromosomes: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{bases.lower()}\n" for name, bases in chromosomes.items()))
    return path


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(2)
    x = keras.Input((L, 4))
    y = kl.Flatten()(kl.MaxPooling1D(3)(kl.Conv1D(6, 7, activation="relu")(x)))
    return keras.Model(x, [kl.Dense(2, activation="sigmoid", name="bound")(y), kl.Dense(1, name="counts")(y)])


@pytest.fixture(scope="module")
def model(network: Any) -> SequenceModel:
    return SequenceModel(network)


TARGETS = [("bound", 0), ("bound", 1), ("counts", 0)]


@pytest.fixture(scope="module")
def lines(chromosomes: dict[str, str]) -> list[Line]:
    return make_lines(chromosomes)


@pytest.fixture(scope="module")
def vcf(lines: list[Line], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vcf") / "x.vcf"
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    rows = [f"{c}\t{p}\tv{i}\t{r}\t{a}\t.\t.\t.\n" for i, (c, p, r, a, _) in enumerate(lines)]
    path.write_text(head + "".join(rows))
    return path


@pytest.fixture(scope="module")
def effects(model: SequenceModel, vcf: Path, genome: Path) -> VariantEffects:
    return variant_effects(model, vcf, genome, target=TARGETS)


def test_every_line_of_a_thousand_is_accounted_for(effects: VariantEffects, lines: list[Line]) -> None:
    assert len(lines) == 1000
    assert {v.line for v in effects.variants} == set(range(3, 1003))
    assert len(effects) == sum(alleles.count(",") + 1 for _, _, _, alleles, _ in lines)
    first = [i for i, v in enumerate(effects.variants) if v.allele == 1]
    for i, (*_, expected) in zip(first, lines, strict=True):
        assert expected in ("any", effects.status[i].value), effects.variants[i]
    assert sum(effects.counts.values()) == len(effects)
    assert set(effects.counts) >= set(VariantStatus) - {"off_edge", "many_unknown"}
    for i, scored in enumerate(effects.scored):
        assert scored == np.isfinite(effects.reference[i]).all() == np.isfinite(effects.logit_difference[i]).all()
        assert scored == (effects.unknown_bases[i] >= 0)
        assert effects.reasons[i] or effects.unknown_bases[i] == 0


def test_values_are_those_that_keras_predicts_for_edited_chromosomes(
    effects: VariantEffects, chromosomes: dict[str, str], network: Any
) -> None:
    names = {"2": "chr2", "MT": "chrM"}
    rows, windows = [], []
    for i, v in enumerate(effects.variants):
        if not effects.scored[i] or (len(v.alternative) < len(v.reference) and v.reference[-1] == v.reference[0]):
            continue  # a deletion that could as well stand elsewhere is for the tests of windows
        rows.append(i)
        windows.append(
            edited_windows(chromosomes[names.get(v.chromosome, v.chromosome)], v.start, v.reference, v.alternative)
        )
    assert len(rows) > 950
    reference, alternative = (predict(network, [pair[k] for pair in windows]) for k in (0, 1))
    np.testing.assert_allclose(effects.reference[rows], reference, atol=2e-6)
    np.testing.assert_allclose(effects.alternative[rows], alternative, atol=2e-6)
    np.testing.assert_allclose(effects.difference[rows], alternative - reference, atol=2e-6)
    with np.errstate(invalid="ignore"):
        fold = np.log2(alternative / reference)
    fold[(reference <= 0) | (alternative <= 0)] = np.nan
    np.testing.assert_allclose(effects.log2_fold_change[rows], fold, atol=2e-4)
    assert np.isfinite(effects.log2_fold_change[rows][:, :2]).all()
    np.testing.assert_allclose(
        effects.logit_difference[rows, :2], logit(alternative[:, :2]) - logit(reference[:, :2]), atol=2e-5
    )
    np.testing.assert_allclose(effects.logit_difference[rows, 2], (alternative - reference)[:, 2], atol=2e-6)
    # effects are there to be seen, and unknown bases are counted
    assert np.abs(effects.difference[rows]).max(axis=0).min() > 0.05
    assert effects.unknown_bases[rows].tolist() == [max(w.count("N") for w in pair) for pair in windows]


def test_both_strands_are_averaged(
    model: SequenceModel, network: Any, genome: Path, chromosomes: dict[str, str]
) -> None:
    chromosome = chromosomes["chr2"]
    base = chromosome[400]
    alleles = [(chromosome[400:403], "".join(map(other_base, chromosome[400:403]))), (base, other_base(base)),
               (base, base + other_base(base) * 3)]  # fmt: skip
    variants = [Variant("chr2", 400, *pair) for pair in alleles]
    turn = str.maketrans("ACGT", "TGCA")
    windows = [edited_windows(chromosome, 400, *pair) for pair in alleles]
    turned = [tuple(w.translate(turn)[::-1] for w in pair) for pair in windows]
    p = [np.stack([predict(network, [pair[k] for pair in which]) for which in (windows, turned)]) for k in (0, 1)]
    found = variant_effects(network, variants, genome, target=TARGETS, average_strands=True)
    np.testing.assert_allclose(found.reference, p[0].mean(axis=0), atol=2e-6)
    np.testing.assert_allclose(found.alternative, p[1].mean(axis=0), atol=2e-6)
    z = [logit(one[..., :2]).mean(axis=0) for one in p]
    np.testing.assert_allclose(found.logit_difference[:, :2], z[1] - z[0], atol=2e-5)
    # a model that averages its strands by itself says the same, and is not averaged twice
    for again in (False, True):
        twin = SequenceModel(network, average_strands=True)
        own = variant_effects(twin, variants, genome, target=TARGETS, average_strands=again)
        np.testing.assert_allclose(own.alternative, found.alternative, atol=2e-6)
        np.testing.assert_allclose(own.logit_difference, found.logit_difference, atol=2e-5)


def test_results_do_not_depend_on_batches_order_or_company(
    effects: VariantEffects, model: SequenceModel, genome: Path
) -> None:
    rows = np.random.default_rng(0).permutation(len(effects))[:150]
    found = variant_effects(model, [effects.variants[i] for i in rows], genome, target=TARGETS, batch_size=7)
    for name in ("reference", "alternative", "difference", "logit_difference"):
        np.testing.assert_allclose(getattr(found, name), getattr(effects, name)[rows], atol=3e-6)
    # of probabilities: counts may be near 0, where their logarithm shows every rounding
    np.testing.assert_allclose(found.log2_fold_change[:, :2], effects.log2_fold_change[rows, :2], atol=2e-5)
    assert found.reasons == tuple(effects.reasons[i] for i in rows)
    again = variant_effects(model, list(effects.variants), genome, target=TARGETS)
    assert again.alternative.tobytes() == effects.alternative.tobytes()


@pytest.mark.parametrize("average_strands", [False, True])
def test_what_changes_is_enough(
    effects: VariantEffects, model: SequenceModel, genome: Path, average_strands: bool
) -> None:
    some = [v for v, scored in zip(effects.variants, effects.scored, strict=True) if scored][::7]
    options: dict[str, Any] = {"target": TARGETS, "average_strands": average_strands}
    full = variant_effects(model, some, genome, **options)
    found = variant_effects(model, some, genome, evaluation="incremental", **options)
    for name in ("reference", "alternative", "difference", "logit_difference"):
        np.testing.assert_allclose(getattr(found, name), getattr(full, name), atol=5e-6)


def test_blocks_are_joined(
    effects: VariantEffects, model: SequenceModel, vcf: Path, genome: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqexplain.perturbation import _variant_scorer

    monkeypatch.setattr(_variant_scorer, "BLOCK_ALLELES", 400)
    calls: list[int] = []

    def maps(X: np.ndarray) -> Any:
        calls.append(len(X))
        return saliency(model, X, target=("bound", 0))

    found = variant_effects(model, vcf, genome, target=TARGETS, contributions=maps)
    np.testing.assert_allclose(found.alternative, effects.alternative, atol=3e-6)
    assert found.variants == effects.variants
    rows = np.flatnonzero(found.scored)
    assert max(calls) <= 400
    maps_of_both = (found.reference_contributions, found.alternative_contributions)
    for one, values in zip(maps_of_both, (found.reference, found.alternative), strict=True):
        assert one is not None
        assert one.contributions.shape == (len(rows), L, 4)
        assert one.names == tuple(found.variants[i].name for i in rows)
        np.testing.assert_allclose(1 / (1 + np.exp(-one.predictions)), values[rows, 0], atol=3e-6)
    assert found.reference_contributions is not None
    assert found.reference_contributions.intervals is not None
    place = found.reference_contributions.intervals[0]
    assert place is not None
    assert (place.start, place.end) == (found.variants[rows[0]].start - L // 2, found.variants[rows[0]].start + L // 2)


def test_levels_and_contrasts(model: SequenceModel, network: Any, genome: Path, chromosomes: dict[str, str]) -> None:
    base = chromosomes["chr2"][400]
    one = [Variant("chr2", 400, base, other_base(base))]
    windows = edited_windows(chromosomes["chr2"], 400, base, other_base(base))
    p = predict(network, list(windows))
    found = variant_effects(model, one, genome, target=("bound", 1), level="logit")
    np.testing.assert_allclose([found.reference[0, 0], found.alternative[0, 0]], logit(p[:, 1]), atol=5e-6)
    np.testing.assert_allclose(found.difference, found.logit_difference, atol=1e-6)
    np.testing.assert_allclose(found.log2_fold_change[0, 0], np.log2(p[1, 1] / p[0, 1]), atol=2e-5)
    gap = variant_effects(model, one, genome, target=contrast(("bound", 0), ("bound", 1)))
    np.testing.assert_allclose(gap.alternative[0, 0], p[1, 0] - p[1, 1], atol=2e-6)
    z = logit(p[:, 0]) - logit(p[:, 1])
    np.testing.assert_allclose(gap.logit_difference[0, 0], z[1] - z[0], atol=1e-5)
    assert gap.targets == ("bound:0 − bound:1",)


def test_softmax_and_other_inputs_by_name(genome: Path, chromosomes: dict[str, str]) -> None:
    keras.utils.set_random_seed(4)
    dna, cell = keras.Input((None, 4), name="dna"), keras.Input((2,), name="cell")
    y = kl.Concatenate()([kl.GlobalMaxPooling1D()(kl.Conv1D(8, 6)(dna)), cell])
    network = keras.Model([dna, cell], kl.Dense(3, activation="softmax")(y))
    model = SequenceModel(network, unknown="uniform")
    variants = [Variant("chrM", at, chromosomes["chrM"][at], other_base(chromosomes["chrM"][at])) for at in (3, 3, 200)]
    variants[1] = Variant("chrM", 3, variants[0].reference, other_base(variants[0].reference, 2))
    cells = {v.name: np.random.default_rng(i).normal(size=2) for i, v in enumerate(variants)}
    with pytest.raises(ParameterError, match="say how long windows are"):
        variant_effects(model, variants, genome, target=0, extra_inputs=cells)
    found = variant_effects(model, variants, genome, target=[0, 2], length=41, extra_inputs={"cell": cells})
    for i, v in enumerate(variants):
        padded = "N" * 100 + chromosomes["chrM"] + "N" * 100
        first = 100 + v.start - 20
        window = padded[first : first + 41]
        pair = hand_one_hot([window, window[:20] + v.alternative + window[21:]])
        pair[~pair.any(axis=-1)] = 0.25
        p = np.asarray(network.predict([pair, np.tile(cells[v.name], (2, 1)).astype(np.float32)], verbose=0))[:, [0, 2]]
        np.testing.assert_allclose([found.reference[i], found.alternative[i]], p, atol=2e-6)
    chromosome = chromosomes["chrM"]
    others = "".join(map(other_base, chromosome))
    edges = [Variant("chrM", at, chromosome[at], chromosome[at] + others[at] * k) for at, k in ((0, 2), (3, 3))]
    for at, end in ((399, 400), (2, 3), (396, 399)):  # next to what is filled in
        edges.append(Variant("chrM", at, chromosome[at:end], others[at:end]))
    for length in (41, 6):  # in the short one stretches are moved to fit
        found = variant_effects(model, edges, genome, target=[0, 2], length=length, extra_inputs={"cell": [0.5, -1]})
        for i, v in enumerate(edges):
            windows = list(edited_windows(chromosome, v.start, v.reference, v.alternative, length))
            pair = hand_one_hot(windows)
            pair[~pair.any(axis=-1)] = 0.25
            p = np.asarray(network.predict([pair, np.tile(np.float32([0.5, -1]), (2, 1))], verbose=0))[:, [0, 2]]
            np.testing.assert_allclose([found.reference[i], found.alternative[i]], p, atol=2e-6)
    with pytest.raises(ParameterError, match="given by row"):
        variant_effects(model, variants, genome, target=0, length=41, extra_inputs={"cell": np.zeros((3, 2))})


def test_a_black_box_has_outputs_only(effects: VariantEffects, network: Any, genome: Path, tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModel folders are TensorFlow's")
    import tensorflow as tf

    tf.saved_model.save(network, str(tmp_path / "box"))
    box = load_model(tmp_path / "box")
    name = next(head.name for head in box.heads if head.shape[-1] == 2)
    chosen = list(range(0, len(effects), 40))
    found = variant_effects(box, [effects.variants[i] for i in chosen], genome, target=(name, 1))
    np.testing.assert_allclose(found.alternative[:, 0], effects.alternative[chosen, 1], atol=3e-6)
    np.testing.assert_allclose(found.log2_fold_change[:, 0], effects.log2_fold_change[chosen, 1], atol=3e-5)
    assert np.isnan(found.logit_difference).all()
    with pytest.raises(ParameterError, match='level="output"'):
        variant_effects(box, [], genome, target=(name, 1), level="logit")


def test_the_table(effects: VariantEffects, tmp_path: Path) -> None:
    table = effects.to_table()
    places = "line id chromosome start end ref alt status reason unknown_bases"
    assert list(table.columns[:10]) == places.split()
    values = "reference_value alternative_value difference log2_fold_change logit_difference"
    assert list(table.columns[10:15]) == [f"{name}:bound:0" for name in values.split()]
    assert len(table) == len(effects)
    assert (table["end"] - table["start"] == table["ref"].str.len())[effects.scored].all()
    again = variants_from_table(table, tmp_path)
    assert [(v.chromosome, v.start, v.reference, v.alternative) for v in again] == [
        (v.chromosome, v.start, v.reference, v.alternative)
        for v in effects.variants
        if v.reference not in (".", "") and v.start >= 0
    ]
    rows = list(effects.rows())
    assert all(len(row) == len(table.columns) for row in rows)
    assert [float(row[10]) for row, scored in zip(rows, effects.scored, strict=True) if scored] == pytest.approx(
        effects.reference[effects.scored, 0].tolist(), rel=1e-7
    )


def variants_from_table(table: Any, folder: Path) -> list[Variant]:
    """What is read back of a written table: `start` counts from 0."""
    from seqexplain import read_variants

    table[~table["ref"].isin([".", ""]) & (table["start"] >= 0)].to_csv(folder / "t.tsv", sep="\t", index=False)
    return list(read_variants(folder / "t.tsv"))


def test_no_variants_at_all(model: SequenceModel, genome: Path) -> None:
    found = variant_effects(model, [], genome, target=TARGETS)
    assert (len(found), found.reference.shape, found.counts) == (0, (0, 3), {})
    assert len(found.to_table()) == 0


def test_off_by_one_is_advised(model: SequenceModel, genome: Path, chromosomes: dict[str, str]) -> None:
    wrong = [
        Variant("chr2", at + 1, chromosomes["chr2"][at], other_base(chromosomes["chr2"][at])) for at in range(100, 130)
    ]
    with pytest.warns(SequenceWarning, match="stand one base before it"):
        variant_effects(model, wrong, genome, target=("counts", 0))


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"target": None}, TargetError, "more than one value"),
        ({"length": 30}, ParameterError, "reads 50 bp"),
        ({"level": "probability"}, ParameterError, "is not known"),
        ({"evaluation": "fast"}, ParameterError, "is not known"),
        ({"batch_size": 0}, ParameterError, "batch_size=0"),
        ({"contributions": lambda X: X}, ParameterError, "contributions returned ndarray"),
        ({"variants": 5}, ParameterError, "variants is int"),
    ],
)
def test_what_cannot_be_is_refused(
    model: SequenceModel, genome: Path, chromosomes: dict[str, str], options: dict[str, Any], error: type, why: str
) -> None:
    base = chromosomes["chr2"][5]
    given = {"variants": [Variant("chr2", 5, base, other_base(base))], "target": ("counts", 0), **options}
    with pytest.raises(error, match=re.escape(why)):
        variant_effects(model, given.pop("variants"), genome, **given)


def test_positions_cannot_be_averaged_over_strands(genome: Path) -> None:
    x = keras.Input((L, 4))
    y = kl.Conv1D(2, 5, padding="same", name="profile")(x)
    model = SequenceModel(keras.Model(x, [y, kl.Dense(1, name="counts")(kl.GlobalAveragePooling1D()(y))]))
    with pytest.raises(ParameterError, match="targets without positions"):
        variant_effects(model, [], genome, target=("profile", (3, 1)), average_strands=True)
    variant_effects(model, [], genome, target=("counts", 0), average_strands=True)


def test_windows_that_are_shared_are_scored_once(
    model: SequenceModel, genome: Path, chromosomes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqexplain.perturbation import BoundSequences

    seen: list[tuple[str, int]] = []

    def watch(name: str, count: Callable[..., int]) -> None:
        original = getattr(BoundSequences, name)

        def method(self: Any, *args: Any) -> Any:
            seen.append((name, count(*args)))
            return original(self, *args)

        monkeypatch.setattr(BoundSequences, name, method)

    watch("__init__", lambda _scorer, X, *_: len(X))
    watch("effects", lambda rows, *_: len(rows))
    base, after = chromosomes["chr2"][300:302]
    variants = [Variant("chr2", 300, base, other_base(base, k)) for k in (1, 2, 3)]
    variants.append(Variant("chr2", 300, base + after, other_base(base) + after))
    variants.append(Variant("chr2", 300, base, base + other_base(after)))
    with Genome(genome) as opened:
        found = VariantScorer(model, opened, VariantOptions(target=("counts", 0))).effects(variants)
    assert seen == [("__init__", 1), ("effects", 4), ("__init__", 1)]
    assert found.alternative[0, 0] == pytest.approx(found.alternative[3, 0], abs=1e-6)


def test_phage_lambda(testdata: Path, model: SequenceModel, network: Any) -> None:
    path = testdata / "genome" / "lambda_virus.fa"
    header, *rest = path.read_text().split("\n")
    name, bases = header[1:].split()[0], "".join(rest).upper()
    rng = np.random.default_rng(1)
    places = [0, 1, len(bases) - 1, *rng.integers(0, len(bases), 60).tolist()]
    variants = [Variant(name, at, bases[at], other_base(bases[at])) for at in places]
    folder = path.parent
    before = sorted(p.name for p in folder.iterdir())
    found = variant_effects(model, variants, path, target=TARGETS)
    assert found.counts == {"scored": 63}
    windows = [edited_windows(bases, v.start, v.reference, v.alternative) for v in variants]
    for k, values in ((0, found.reference), (1, found.alternative)):
        np.testing.assert_allclose(values, predict(network, [pair[k] for pair in windows]), atol=2e-6)
    assert sorted(p.name for p in folder.iterdir()) == before or (folder / "lambda_virus.fa.fai").exists()


def test_the_annotated_vcf_has_every_line(effects: VariantEffects, vcf: Path, tmp_path: Path) -> None:
    annotate_vcf(effects, vcf, tmp_path / "y.vcf.gz")
    lines = gzip.decompress((tmp_path / "y.vcf.gz").read_bytes()).decode().splitlines()
    found = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [line[:7] for line in found] == [line.split("\t")[:7] for line in vcf.read_text().splitlines()[2:]]
    status = [word for line in found for word in line[7].split(";")[0].removeprefix("SEQX_STATUS=").split(",")]
    assert status == [s.value for s in effects.status]
    numbers = [dict(part.split("=") for part in line[7].split(";")).get("SEQX_DIFF_2", ".") for line in found]
    scored = [float(x) for line in numbers for x in line.split(",") if x != "."]
    np.testing.assert_allclose(scored, effects.difference[effects.scored, 2], rtol=1e-5)
