"""Helpers of these tests are found wherever pytest is run from."""

import sys
from pathlib import Path

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:  # for `doc_blocks`
    sys.path.insert(0, _HERE)
