"""Whatever a user gets wrong: exit status 2, one line that names the culprit, and no file left behind."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from plain_reading import records


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    """Models that cannot be used as they are."""
    folder = tmp_path_factory.mktemp("toys")
    inputs = keras.Input((100, 4), name="dna")
    code = keras.layers.Lambda(lambda x: x * 2, name="twice")(inputs)
    dense = keras.layers.Dense(1, name="out")
    keras.Model(inputs, dense(keras.layers.Flatten()(code))).save(folder / "lambda.keras")
    begun = keras.layers.GlobalAveragePooling1D()(inputs)
    recurrent = keras.layers.GRU(4, name="memory")(inputs, initial_state=begun)
    keras.Model(inputs, keras.layers.Dense(2, name="out")(recurrent)).save(folder / "gru.keras")
    keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs))).export(folder / "saved", verbose=False)
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(keras.layers.Flatten()(inputs)))
    (folder / "model.json").write_text(model.to_json())
    pair = keras.Input((6,), name="table")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(inputs), pair])
    keras.Model([inputs, pair], keras.layers.Dense(1, name="out")(joined)).save(folder / "two.keras")
    other = keras.Input((100, 4), name="rna")
    both = keras.layers.Flatten()(keras.layers.Add()([inputs, other]))
    keras.Model([inputs, other], keras.layers.Dense(1)(both)).save(folder / "twin.keras")
    image = keras.Input((28, 28, 3))
    keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image))).save(folder / "image.keras")
    return folder


@pytest.fixture
def here(tmp_path: Path, toys: Path, model: Path, few: Path, store: Path) -> Path:
    """A folder with all that the commands below name; `model.keras` and `few.fa` are good."""
    for path in toys.iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    shutil.copy(model, tmp_path / "model.keras")
    shutil.copy(few, tmp_path / "few.fa")
    shutil.copytree(store, tmp_path / "few.zarr")
    shutil.copytree(store, tmp_path / "broken.zarr")
    chunk = next(p for p in sorted((tmp_path / "broken.zarr" / "hypothetical").rglob("*")) if p.parent.name != "few" and
                 p.is_file() and p.name != "zarr.json")  # fmt: skip
    chunk.write_bytes(chunk.read_bytes()[: chunk.stat().st_size // 2])
    shutil.copytree(store, tmp_path / "torn.zarr")
    (tmp_path / "torn.zarr" / "zarr.json").write_text("{")
    sequence = records(few)[0][1]
    files = {
        "empty.fa": "",
        "hollow.fa": f">a\n{sequence}\n>b\n\n>c\n{sequence}\n",
        "short.fa": f">a\n{sequence}\n>b\n{sequence[:90]}\n",
        "long.fa": f">a\n{sequence}AC\n",
        "protein.fa": f">a\n{sequence}\n>prot\nMKVLE\n",
        "bare.fa": f"{sequence}\n",
        "genome.fa": f">chr1\n{sequence * 5}\n",
        "genome.fa.fai": "chr1\t500\t6\t500\t501\n",
        "letters.bed": "chr1\t100\t200\nchr1\tx\t300\n",
        "reversed.bed": "chr1\t200\t100\n",
        "elsewhere.bed": "chr1\t100\t200\nchr7\t100\t200\n",
        "edge.bed": "chr1\t0\t20\n",
        "columns.bed": "chr1 100\n",
        "ragged.fa": f">a\n{sequence}\n>b\n{sequence[:50]}\n",
        "five.fa": f">a\n{sequence[:50]}\n",
        "rows.tsv": "\n".join(f"{name}\t1\t2\t3\t4\t5\t6" for name, _ in records(few)[:-1]) + "\n",
        "narrow.tsv": "a\t1\t2\n",
        "words.tsv": "name\tx\na\tb\n",
        "notes.txt": "no model\n",
        "config.json": json.dumps({"a": 1}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    np.savez(tmp_path / "pair.npz", a=np.zeros((2, 100, 4)), b=np.zeros((2, 100, 4)))
    np.save(tmp_path / "turned.npy", np.zeros((2, 4, 100)))
    np.save(tmp_path / "many.npy", np.zeros((5, 2, 100, 4)))
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "model.keras").read_bytes()[:20_000])
    with zipfile.ZipFile(tmp_path / "strange.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    return tmp_path


SCORE = "score model.keras few.fa -o new.tsv"
EXPLAIN = "explain model.keras few.fa -o new.zarr"
LOGO = "logo few.zarr -o new.svg --sequence"

BAD = [
    # --- the model
    ("info nowhere.keras", ["nowhere.keras"]),
    ("info folder", ["folder", "SavedModel"]),
    ("info notes.txt", ["notes.txt", "not a Keras model"]),
    ("info cut.keras", ["cut.keras"]),
    ("info strange.keras", ["strange.keras"]),
    ("info config.json", ["config.json", "not the architecture"]),
    ("info model.json", ["model.json", "without weights", "--weights"]),
    ("score model.json few.fa -o new.tsv --weights nowhere.h5", ["nowhere.h5"]),
    ("score model.json few.fa -o new.tsv --weights few.fa", ["few.fa"]),
    ("score lambda.keras few.fa -o new.tsv", ["'twice'", "--allow-lambda twice"]),
    ("score lambda.keras few.fa -o new.tsv --allow-lambda other", ["'twice'"]),
    ("score twin.keras few.fa -o new.tsv", ["dna", "rna", "--sequence-input"]),
    ("score image.keras few.fa -o new.tsv", ["image.keras"]),
    ("info model.keras --layout CL", ["CL", "model.keras"]),
    ("info model.keras --layout XY", ["XY", "LC"]),
    ("info model.keras --base-order ACGG", ["ACGG"]),
    ("info model.keras --unknown maybe", ["maybe"]),
    ("info model.keras --sequence-input rna", ["rna"]),
    (f"{SCORE} --backend abacus", ["abacus", "tensorflow"]),
    ("explain gru.keras few.fa -o new.zarr --target 0", ["'memory'", "GRU"]),
    ("explain saved few.fa -o new.zarr --target 0 --level output", ["saved", "SavedModel"]),
    ("score saved few.fa -o new.tsv --level logit", ["SavedModel", "--level output"]),
    # --- the sequences
    ("score model.keras nowhere.fa -o new.tsv", ["nowhere.fa"]),
    ("score model.keras folder -o new.tsv", ["folder", "FASTA"]),
    ("score model.keras model.keras -o new.tsv", ["model.keras", "Zip"]),
    ("score model.keras empty.fa -o new.tsv", ["empty.fa"]),
    ("score model.keras bare.fa -o new.tsv", ["bare.fa", "line 1"]),
    ("score model.keras hollow.fa -o new.tsv", ["hollow.fa, record 2, line 3", "--skip-empty"]),
    ("score model.keras short.fa -o new.tsv", ["short.fa, record 2, line 3", "90", "100", "--fit pad"]),
    ("explain model.keras short.fa -o new.zarr --target 0", ["short.fa, record 2, line 3", "--fit pad"]),
    ("score model.keras long.fa -o new.tsv", ["long.fa, record 1", "102", "--fit crop"]),
    ("score model.keras long.fa -o new.tsv --fit pad", ["long.fa, record 1", "--fit crop-or-pad"]),
    ("score model.keras protein.fa -o new.tsv", ["protein.fa, record 2 ('prot'), line 4, column 4", "'L'"]),
    ("explain model.keras protein.fa -o new.zarr --target 0", ["protein.fa, record 2 ('prot'), line 4"]),
    ("score model.keras -o new.tsv", ["No sequences are given"]),
    ("score model.keras few.fa --bed edge.bed --genome genome.fa -o new.tsv", ["Both"]),
    ("score model.keras --bed edge.bed -o new.tsv", ["--genome"]),
    ("score model.keras few.fa --genome genome.fa -o new.tsv", ["--bed"]),
    ("score model.keras --bed letters.bed --genome genome.fa -o new.tsv", ["letters.bed, line 2", "'x'"]),
    ("score model.keras --bed reversed.bed --genome genome.fa -o new.tsv", ["reversed.bed, line 1"]),
    ("score model.keras --bed columns.bed --genome genome.fa -o new.tsv", ["columns.bed, line 1", "at least 3"]),
    ("score model.keras --bed elsewhere.bed --genome genome.fa -o new.tsv", ["elsewhere.bed", "line 2", "'chr7'"]),
    ("score model.keras --bed edge.bed --genome genome.fa -o new.tsv", ["edge.bed", "line 1", "--edges pad"]),
    ("explain model.keras --bed edge.bed --genome genome.fa -o new.zarr --target 0", ["edge.bed", "--edges pad"]),
    ("score model.keras --bed edge.bed --genome nowhere.fa -o new.tsv", ["nowhere.fa"]),
    ("score model.keras few.fa --fit squeeze -o new.tsv", ["squeeze"]),
    ("explain model.keras - -o new.zarr --target 0", ["Standard input"]),
    # --- the target
    (EXPLAIN, ["No --target was given", "--target 0", "shape 2"]),
    (f"{EXPLAIN} --target 7", ["--target 7", "out of range"]),
    (f"{EXPLAIN} --target nobody:0", ["nobody", "ctcf_pu1"]),
    (f"{EXPLAIN} --target ctcf_pu1", ["--target ctcf_pu1", "which unit"]),
    (f"{EXPLAIN} --target ctcf_pu1:9", ["ctcf_pu1:9", "out of range"]),
    (f"{EXPLAIN} --target 0,1", ["0,1"]),
    (f"{EXPLAIN} --target ctcf_pu1:", ["ctcf_pu1:", "not understood"]),
    (f"{EXPLAIN} --target 0-5", ["--target 5", "out of range"]),
    (f"{EXPLAIN} --target 0 --level logits", ["logits"]),
    (f"{SCORE} --target 7", ["--target 7", "out of range"]),
    # --- the references and other choices
    (f"{EXPLAIN} --target 0 -n 0", ["-n", "0"]),
    (f"{EXPLAIN} --target 0 -n many", ["-n", "integer"]),
    (f"{EXPLAIN} --target 0 --references dinuc", ["'dinuc'", "dinucleotide"]),
    (f"{EXPLAIN} --target 0 --references 0.3,0.3,0.3,0.3", ["sums to 1.2"]),
    (f"{EXPLAIN} --target 0 --references 0.5,0.5", ["2 values", "four"]),
    (f"{EXPLAIN} --target 0 --references ragged.fa", ["ragged.fa, record 2", "50", "100"]),
    (f"{EXPLAIN} --target 0 --references five.fa", ["50", "100"]),
    (f"{EXPLAIN} --target 0 --references pair.npz", ["pair.npz", "a, b"]),
    (f"{EXPLAIN} --target 0 --references turned.npy", ["turned.npy", "(2, 4, 100)"]),
    (f"{EXPLAIN} --target 0 --references many.npy", ["5 sequences", "12"]),
    (f"{EXPLAIN} --target 0 --references text.npy", ["text.npy"]),
    (f"{EXPLAIN} --target 0 --max-pool most", ["most"]),
    (f"{EXPLAIN} --target 0 --method shapley", ["shapley", "deeplift"]),
    (f"{EXPLAIN} --target 0 --seed -1", ["--seed", "-1"]),
    (f"{EXPLAIN} --target 0 --chunk 0", ["--chunk"]),
    (f"{SCORE} --batch-size few", ["--batch-size", "few"]),
    (f"{SCORE} --batch-size 0", ["--batch-size", "0"]),
    # --- other inputs
    ("score two.keras few.fa -o new.tsv", ["'table'", "--extra table="]),
    ("explain two.keras few.fa -o new.zarr", ["'table'", "--extra table="]),
    ("score two.keras few.fa -o new.tsv --extra table", ["table", "NAME=VALUE"]),
    ("score two.keras few.fa -o new.tsv --extra chair=1", ["chair", "table"]),
    ("score two.keras few.fa -o new.tsv --extra table=1,2", ["table", "2 values", "6"]),
    ("score two.keras few.fa -o new.tsv --extra table=nowhere.tsv", ["nowhere.tsv"]),
    ("score two.keras few.fa -o new.tsv --extra table=1 --extra table=2", ["table", "twice"]),
    ("score two.keras few.fa -o new.tsv --extra table=narrow.tsv", ["narrow.tsv, line 1", "2 values", "6"]),
    ("score two.keras few.fa -o new.tsv --extra table=words.tsv", ["words.tsv, line 2"]),
    ("score two.keras few.fa -o new.tsv --extra table=empty.fa", ["empty.fa"]),
    ("score two.keras few.fa -o new.tsv --extra table=rows.tsv", ["record 12", "table"]),
    ("explain two.keras few.fa -o new.zarr --extra table=rows.tsv", ["record 12", "table"]),
    # --- the output
    ("score model.keras few.fa -o nowhere/new.tsv", ["nowhere"]),
    ("score model.keras few.fa -o folder", ["folder"]),
    ("score model.keras few.fa -o notes.txt", ["notes.txt exists", "--overwrite"]),
    ("score model.keras few.fa -o /sys/new.tsv", ["/sys/new.tsv"]),
    ("explain model.keras few.fa --target 0 -o /sys/new.zarr", ["/sys/new.zarr"]),
    ("explain model.keras few.fa --target 0 -o nowhere/new.zarr", ["nowhere"]),
    ("explain model.keras few.fa --target 0 -o notes.txt", ["notes.txt", "not a result store"]),
    ("explain model.keras few.fa --target 0 -o notes.txt --overwrite", ["notes.txt", "not a result store"]),
    ("explain model.keras few.fa --target 0 -o taken --overwrite", ["taken", "not a result store"]),
    ("explain model.keras few.fa --target 0 -o few.zarr", ["few.zarr", "another run"]),
    ("explain model.keras few.fa --target 0 -o torn.zarr", ["torn.zarr"]),
    ("explain model.keras few.fa --target 0", ["--out"]),
    # --- pictures
    (f"{LOGO} nobody", ["'nobody'", "The first are: chr9:36995970-36996070"]),
    (f"{LOGO} chr9:36995970-36996071", ["Close names: chr9:36995970-36996070"]),
    ("logo few.zarr -o new.svg", ["--sequence", "--position"]),
    ("logo few.zarr -o new.svg --position 99", ["--position is 99", "0 to 11"]),
    ("logo few.zarr --position 0 -o new.jpg", ["new.jpg", ".svg, .png, .pdf"]),
    ("logo few.zarr --position 0 -o nowhere/new.svg", ["nowhere"]),
    ("logo few.zarr --position 0 -o new.svg --start 60 --end 40", ["start 60", "end 40"]),
    ("logo few.zarr --position 0 -o new.svg --end 101", ["101", "100 bp"]),
    ("logo few.zarr --position 0 -o new.svg --highlight everywhere", ["everywhere", "30-45"]),
    ("logo few.zarr --position 0 -o new.svg --highlight 45-30", ["--highlight 45-30"]),
    ("logo few.zarr --position 0 -o new.svg --highlight 200-300", ["200", "100"]),
    ("logo few.zarr --position 0 -o new.svg --colors rainbow", ["--colors", "rainbow", "classic"]),
    ("logo few.zarr --position 0 -o new.svg --target 5", ["'5'"]),
    ("logo few.zarr --position 0 -o new.png --dpi 0", ["dpi", "0"]),
    ("logo broken.zarr --position 0 -o new.svg", ["broken.zarr"]),
    ("logo torn.zarr --position 0 -o new.svg", ["torn.zarr"]),
    ("logo folder --position 0 -o new.svg", ["folder", "not a result store"]),
    ("logo nowhere.zarr --position 0 -o new.svg", ["nowhere.zarr"]),
    # --- exports
    ("export nowhere.zarr -o new.npz", ["nowhere.zarr"]),
    ("export few.zarr -o new.xlsx", ["new.xlsx", ".npz"]),
    ("export few.zarr -o new.npz", ["target", "0, 1"]),
    ("export few.zarr -o new.npz --target 5", ["5", "0, 1"]),
    ("export few.zarr -o nowhere/new.tsv", ["nowhere"]),
    ("export few.zarr -o notes.txt --format tsv", ["notes.txt exists", "--overwrite"]),
    ("export broken.zarr -o new.npz --target 0", ["broken.zarr"]),
    ("export few.zarr -o new.npz --format excel", ["excel"]),
    # --- the demo
    ("demo -o taken", ["taken", "not empty"]),
    ("demo -o notes.txt", ["notes.txt"]),
    ("demo -o nowhere/demo", ["nowhere"]),
    ("demo -n 1", ["-n", "1"]),
]  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("command", "culprits"), BAD, ids=[command for command, _ in BAD])
def test_bad_input(cli, here, command, culprits):
    before = contents(here)
    outcome = cli(*command.split())
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("seqexplain: error: ")
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    for culprit in culprits:
        assert culprit in outcome.err
    assert contents(here) == before
    assert not (here / "new.zarr").exists()
