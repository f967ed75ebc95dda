"""Which primitive operations each `keras.ops` operation becomes: one table, matched on the exact class.

An operation that is missing here, or whose handler returns None for the call at hand, becomes an opaque operation.
"""

from __future__ import annotations

from seqexplain.models._op_arithmetic import ARITHMETIC
from seqexplain.models._op_call import OpHandler
from seqexplain.models._op_normalisation import NORMALISATIONS
from seqexplain.models._op_products import PRODUCTS
from seqexplain.models._op_reductions import REDUCTIONS
from seqexplain.models._op_structure import STRUCTURE

OP_HANDLERS: dict[type, OpHandler] = {**ARITHMETIC, **STRUCTURE, **REDUCTIONS, **PRODUCTS, **NORMALISATIONS}
