"""Results on disk: written chunk by chunk, readable piece by piece, exported to what other tools read.

A store is a Zarr (version 3) group, a folder by custom named `….zarr`. All arrays but `done` run over the
`n` sequences and are cut alike along them, so that a *chunk* of the job is one chunk, one file, of every
array. `L` is the length of the longest sequence, `r` the number of references; with several targets the
arrays marked † have the targets, `T`, as second axis.

=========================  ==================  ========  ==================================================
array                      shape               type      holds
=========================  ==================  ========  ==================================================
`hypothetical` †           `(n, L, 4)`         float32   contribution that each base would have
`contributions` †          `(n, L)`            float32   in its place where a method has no hypothetical
                                                         scores: what the observed base contributes
`subset`, `rank` †         `(n, L)`            int32     of sufficient input subsets: the subset that a base belongs
                                                         to, and its place in it; from 1, 0 = none
`subset_value` †           `(n, L)`            float32   f of the base's subset alone
`threshold`,               `(n,)`              float32   what subsets have to reach; f with all subsets masked, and
`rest_predictions`,                                      with everything masked
`masked_predictions` †
`stopped` †                `(n,)`              uint8     why no more was looked for: `results.STOPPED`
`codes`                    `(n, L)`            uint8     the sequence: A C G T = 0 1 2 3, unknown or none = 4
`names`                    `(n,)`              string    names
`predictions` †            `(n,)`              float32   f(X)
`reference_predictions` †  `(n, r)`            float32   f at each reference; absent without references
`completeness_error` †     `(n, r)`            float32   error of each sequence–reference pair; may be absent
`diagnostics` †            `(n, k)`            float32   how well a fit is, by `parameters["diagnostics"]`; may be
                                                         absent
`lengths`                  `(n,)`              int64     real length; absent where all have length `L`
`chromosome`, `start`,     `(n,)`              string,   0-based half-open coordinates; absent when no
`end`, `strand`                                int64,    sequence has any. `strand`: 0 = no interval, 1 = `+`,
                                               uint8     2 = `-`, 3 = `.`
`done`                     `(chunks,)`         uint8     1 for a chunk that is whole; written last
=========================  ==================  ========  ==================================================

Only `done` says what is there: each file is written in one step, but a chunk consists of several. Chunks are
compressed with zstd, with a checksum, and are written even where they hold nothing but fill values.

The attribute `seqexplain` of the group holds `format`, `format_version`, `layout` (shapes, targets, chunk
size), `method`, `parameters`, and for a job `run`: the command line, the input (label, SHA-256 of its content
and of its files), the explainer's batch shape, and the versions, model and device it ran with.

Beside a store `NAME` that is being written stand `.NAME.lock` and, until its first chunk is whole,
`.NAME.seqexplain-new`.
"""

from seqexplain.storage._bigwig import export_bigwig
from seqexplain.storage._exports import export
from seqexplain.storage._files import atomic_file, clear_staging, peek, refuse_foreign, refuse_taken
from seqexplain.storage._layout import default_chunk, jsonable
from seqexplain.storage._lock import writer_lock
from seqexplain.storage._saving import load, save
from seqexplain.storage._store import ResultStore
from seqexplain.storage._subset_exports import export_subsets
from seqexplain.storage._writer import StoreWriter, begin_store

__all__ = [
    "ResultStore",
    "StoreWriter",
    "atomic_file",
    "begin_store",
    "clear_staging",
    "default_chunk",
    "export",
    "export_bigwig",
    "export_subsets",
    "jsonable",
    "load",
    "peek",
    "refuse_foreign",
    "refuse_taken",
    "save",
    "writer_lock",
]
