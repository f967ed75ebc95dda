"""Importing the room costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import seqexplain.plot


def test_import_is_light():
    code = (
        "import sys, seqexplain.plot as plot; heavy = "
        "{'matplotlib', 'pandas', 'logomaker', 'keras', 'tensorflow'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); assert 'logo' in dir(plot);"
        "plot.logo; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_every_public_name_exists():
    for name in seqexplain.plot.__all__:
        assert callable(getattr(seqexplain.plot, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = seqexplain.plot.nothing
