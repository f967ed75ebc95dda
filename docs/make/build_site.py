"""Build the documentation: `python docs/make/build_site.py`, with the extra `docs` installed.

The pages of the site are put together in `build/docs`: those of `docs/pages`, the READMEs that stand beside the code,
the references of commands and names, which are written from the code, and the notebooks. `zensical build --strict`
makes the site, in `build/site`, and its links are followed. Any warning is an error.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from check_site import check_site
from commands import write_commands
from included import write_citation, write_included
from notebooks import write_notebooks
from pages import check_navigation, with_tutorials, write_pages
from reference import write_reference

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"


def assemble(stage: Path = STAGE) -> None:
    """Write all pages into one folder."""
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    write_pages(ROOT, stage)
    write_included(ROOT, stage)
    write_citation(ROOT, stage)
    write_notebooks(ROOT, stage)
    write_commands(stage)
    write_reference(ROOT, stage)
    check_navigation(ROOT, stage)


def build() -> None:
    """Make the site from the pages."""
    shutil.rmtree(SITE, ignore_errors=True)
    program = Path(sys.executable).with_name("zensical")
    config = ROOT / "mkdocs.build.yml"  # beside the other one, as its paths are relative
    config.write_text(with_tutorials((ROOT / "mkdocs.yml").read_text(), STAGE))
    done = subprocess.run(
        [str(program), "build", "--clean", "--strict", "-f", str(config)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"NO_COLOR": "1", "PATH": str(program.parent), "PYTHONPATH": ""},
    )
    sys.stdout.write(done.stdout)
    config.unlink()
    # what readers of docstrings complain of does not stop it: to us that is an error like any other
    known = ("Build started", "No issues found", "Build finished in")
    if done.returncode or any(line.strip() and not line.startswith(known) for line in done.stdout.splitlines()):
        raise SystemExit("The documentation has warnings; see above.")


def main() -> None:
    """Assemble, build, check."""
    start = time.perf_counter()
    assemble()
    build()
    check_site(SITE)
    pages = len(list(SITE.rglob("*.html")))
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) / 1e6
    sys.stdout.write(f"{SITE}: {pages} pages, {size:.1f} MB, {time.perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    main()
