"""Messages speak of Python's parameters; here they come to speak of the command line's options."""

from __future__ import annotations

import re

# In order; each is tried on what the ones before have left.
_REWORDINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"overwrite=True \(--overwrite\)", "--overwrite"),
        (r"target= \(--target\)", "--target"),
        (r"(?:pass )?allow_incomplete=True", "add --allow-incomplete"),
        (r"extra_inputs=\{[^}]*\}, or (--extra \S+) on the command line", r"\1"),
        (r"extra_inputs=\{'([^']*)': …\}, or ", ""),
        (r"sequence_input='([^']*)', or --sequence-input on the command line", r"--sequence-input \1"),
        (
            r'seqexplain\.fit_length\(…, policy="crop" or "pad"\), or --fit on the command line',
            "--fit crop or --fit pad",
        ),
        (r'policy="([\w-]+)"', r"--fit \1"),
        (r'edges="(\w+)"', r"--edges \1"),
        (r'centre="(\w+)"', r"--centre \1"),
        (r'level="(\w+)"', r"--level \1"),
        (r'empty="skip"', "--skip-empty"),
        (r"Use read_bed with a genome \(--bed and --genome\)", "Give it as --bed FILE --genome GENOME.fa"),
        (r"Use read_fasta, without a genome", "Give it in place of --bed and --genome"),
        (r"Use fit_length\(references, (\d+), --fit crop-or-pad\), or other references", r"Bring them to \1 bp"),
        (r"highlight \((\d+), (\d+), '[^']*'\)", r"--highlight \1-\2"),
        (r", or from `start`\.", "."),
        (
            r"colors is (.*), a Matplotlib colour or a mapping\. Or give a colour a base.*",
            r"--colors is \1, or a colour.",
        ),
        (r"dpi is (.*), such as dpi=", r"--dpi is \1, such as "),
        (r'layout="(\w+)"', r"--layout \1"),
        (r"layout='(\w+)'", r"--layout \1"),
        (r"average_strands=True", "--average-strands"),
        (r"base_order='([^']*)'", r"--base-order \1"),
        (r"load_model\('([^']*)', weights='([^']*)'\)", r"\1 --weights \2"),
        (r"with weights=…", "with --weights FILE"),
        (
            r"pass allow_lambda=\['([^']*)'\]; or give the function yourself with custom_objects=\{.*?\}, "
            r"which runs nothing from the file\.",
            r"add --allow-lambda \1.",
        ),
        (r"target=\((\d+), (\d+)\)", r"--target \1,\2"),
        (r"target=\(\"?'?([^'\"(),]+)'?\"?, \((\d[\d, ]*)\)\)", r"--target \1:\2"),
        (r"target=\(\"?'?([^'\"(),]+)'?\"?, (\d+)\)", r"--target \1:\2"),
        (r"target=(\d+)", r"--target \1"),
        (r"target='([^']*)'", r"--target \1"),
        (r"(--target [^ ,]+), (\d+)", r"\1,\2"),
        (r", or a callable that combines several values", ""),
        (r"No target was given, and", "No --target was given, and"),
        (
            r'batch_size=(\S+) must be a whole number from 1, or "auto"',
            r"--batch-size \1: give a whole number from 1, or auto",
        ),
        (r"random_state is", "--seed is"),
        (r"\b(start|end|window|stride)=(\d+)", r"--\1 \2"),
        (r"^prefix is", "--prefix is"),
        (r"give chromosome_sizes to have", "give --chrom-sizes to have"),
        (r"choose another prefix \(--prefix on the command line\)", "choose another --prefix"),
        (r"length=… in bp \(--length on the command line\)", "--length, in bp"),
        (r"^length is (\d+), but", r"--length is \1, but"),
        (r"n_references=(\S+) must be", r"-n \1 must be"),
    )
)


def for_command_line(message: str) -> str:
    """Return a message in which Python's parameters are replaced by options.

    Examples
    --------
    >>> for_command_line('it has 90 bases; expected 100. Use policy="pad" to add N.')
    'it has 90 bases; expected 100. Use --fit pad to add N.'
    >>> for_command_line("target=('profile', 3) is out of range.")
    '--target profile:3 is out of range.'
    """
    for pattern, replacement in _REWORDINGS:
        message = pattern.sub(replacement, message)
    return message
