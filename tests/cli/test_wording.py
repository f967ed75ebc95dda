"""Messages speak of options, not of Python's parameters."""

from __future__ import annotations

import pytest

from seqexplain.cli._wording import for_command_line


@pytest.mark.parametrize(
    ("python", "options"),
    [
        ('Use policy="crop-or-pad" to do.', "Use --fit crop-or-pad to do."),
        ('fill with N (edges="pad")', "fill with N (--edges pad)"),
        ("or pass overwrite=True (--overwrite).", "or pass --overwrite."),
        ("No target was given, and x. Use target=0, or a callable that combines several values.",
         "No --target was given, and x. Use --target 0."),
        ("Use target=('profile', (0, 0)), or a callable that combines several values.",
         "Use --target profile:0,0."),
        ("target=(1, 5) is out of range", "--target 1,5 is out of range"),
        ("load_model('m.json', weights='w.h5')", "m.json --weights w.h5"),
        ("nothing to change: target, weights", "nothing to change: target, weights"),
    ],
)  # fmt: skip
def test_wording(python, options):
    assert for_command_line(python) == options
