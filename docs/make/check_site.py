"""What is wrong with a built site: links and images that lead nowhere, and anything fetched from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# what a browser fetches by itself when it opens a page; links (`a`) may lead elsewhere
_FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class _Page(HTMLParser):
    """The anchors of a page, what it links to and what it fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := values.get(key))}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        wanted = _FETCHED.get(tag)
        if wanted and values.get(wanted) and values.get("rel") != "canonical":
            self.fetched.append(values[wanted] or "")


def check_site(site: Path) -> None:
    """Raise with a list of all that is wrong."""
    problems = find_problems(site)
    if problems:
        raise SystemExit("\n".join(["The site has faults:", *problems]))


def find_problems(site: Path) -> list[str]:
    """Follow every link of every page."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = page = _Page()
        page.feed(path.read_text())
    found = []
    for path, page in pages.items():
        where = path.relative_to(site)
        for target in [*page.links, *page.fetched]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.fetched and parts.scheme != "data":
                    found.append(f"{where}: fetches {target}")
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if where.name == "404.html" and parts.path.startswith("/"):
                to = site / unquote(parts.path).lstrip("/")
            if to.is_dir():
                to /= "index.html"
            if not to.is_file():
                found.append(f"{where}: {target} leads nowhere")
            elif parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].anchors:
                found.append(f"{where}: {target} has no such place")
    for path in site.rglob("*.css"):
        text = path.read_text()
        found += [
            f"{path.relative_to(site)}: {word} of another host"
            for word in ("url(http", "url(//", "@import")
            if word in text
        ]
    return found
