"""The page itself: template, scripts and style put together, under a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from seqexplain.report._overview import flat

# in the order in which they stand in the page: one script, one scope
SCRIPTS = (
    "data.js", "svg.js", "settings.js", "logos.js", "motifs.js", "list.js", "tracks.js", "layers.js", "gestures.js",
    "view.js", "main.js",
)  # fmt: skip
STYLES = ("base.css", "parts.css", "print.css")


def policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy of a page with this script and style, and nothing else.

    No request of any kind leaves the page, nothing but the script (known by its SHA-256) runs, and text can never
    become markup or code by way of a DOM property (Trusted Types).
    """
    parts = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "data:",  # the icon
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def render(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page piece by piece.

    Parameters
    ----------
    context
        What the template shows; see `page/report.html`. Everything is escaped.
    """
    script, style = _joined(SCRIPTS, '(() => {\n"use strict";\n', "\n})();\n"), _joined(STYLES)
    template = _environment().get_template("report.html")
    yield from template.generate(
        script=Markup(script),
        style=Markup(style),
        policy=policy(script, style),
        **context,
    )


@cache
def _joined(names: tuple[str, ...], before: str = "", after: str = "") -> str:
    folder = files("seqexplain.report") / "page"
    return before + "\n".join((folder / name).read_text("utf-8").strip() for name in names) + after


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("seqexplain.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # `tojson` escapes <, >, & and ', so that no text can end the element it stands in
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["flat"] = lambda settings: list(flat(settings))
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["short"] = _short
    return environment


def _short(value: float, digits: int = 3) -> str:
    text = f"{value:.{digits}g}".replace("-", "−")
    return re.sub(r"e([+−])0*", lambda match: "e" + match[1].replace("+", ""), text)
