"""Copy the Markdown guides to a folder of Sphinx sources, with an index: ``pages.py FOLDER``.

Links to files that are no pages of the site become plain text, since the site does not contain them.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOP = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "MAINTAINING.md")
CHAPTERS = {
    "Install": "install",
    "Configure": "configure",
    "Operate": "operate",
    "Troubleshoot": "troubleshoot",
    "Understand": "understand",
    "Reference": "reference",
    "Architecture decisions": "adr",
    "Contribute": "contribute",
}
LINK = re.compile(r"(?<![\\!])\[([^\]]*)\]\(([^)\s]+)\)")


def page_of(file: Path) -> str | None:
    """Return the path of a file's page in the site, or None if the site has no such page."""
    if file.is_relative_to(DOCS) and file.suffix == ".md":
        return f"guides/{file.relative_to(DOCS).as_posix()}"
    return f"guides/{file.name}" if file.parent == ROOT and file.name in TOP else None


def rewritten(markdown: str, source: Path, here: str) -> str:
    """Return a part of a file with links that resolve in the site. here: the page that has it."""

    def link(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        if target.startswith(("http:", "https:", "mailto:", "#")):
            return match[0]
        path, sign, anchor = target.partition("#")
        page = page_of((source.parent / path).resolve())
        if page is None:
            return text
        return f"[{text}]({os.path.relpath(page, Path(here).parent)}{sign}{anchor})"

    return LINK.sub(link, markdown)


def introduction() -> str:
    """Return what the README says before its first section."""
    readme = ROOT / "README.md"
    return rewritten(readme.read_text(encoding="utf-8").partition("\n## ")[0], readme, "index.md")


def in_order(pages: list[str]) -> list[str]:
    """Return the pages in the order of docs/README.md, and those that it does not list by their names."""
    overview = (DOCS / "README.md").read_text(encoding="utf-8")
    listed = [f"guides/{target}" for _text, target in LINK.findall(overview)]
    return sorted(pages, key=lambda page: (listed.index(page) if page in listed else len(listed), page))


def index(pages: list[str]) -> str:
    lines = [introduction(), "", "Start on [one machine](guides/install/one-machine.md).", ""]
    for title, folder in CHAPTERS.items():
        members = [page for page in pages if page.startswith(f"guides/{folder}/")]
        if folder == "contribute":
            members += [page for page in pages if page.count("/") == 1 and not page.endswith("/README.md")]
        lines += [f"```{{toctree}}\n:caption: {title}\n:maxdepth: 1\n", *members, "```", ""]
    lines += ["```{toctree}\n:caption: Roles and modules\n:maxdepth: 2\n", "reference/index", "```", ""]
    lines += ["```{toctree}\n:hidden:\n", "guides/README.md", "```", ""]
    return "\n".join(lines)


def main(folder: str) -> None:
    sources = [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in TOP)]
    pages = []
    shutil.copytree(DOCS / "images", Path(folder) / "guides" / "images")
    for source in sources:
        page = page_of(source)
        if page is not None:
            target = Path(folder) / page
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rewritten(source.read_text(encoding="utf-8"), source, page), encoding="utf-8")
            pages.append(page)
    (Path(folder) / "index.md").write_text(index(in_order(pages)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
