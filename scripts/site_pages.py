#!/usr/bin/env python3
"""Lays out the pages of the site for MkDocs: a mirror of the tree's Markdown with what it links to.

usage: scripts/site_pages.py PAGES TAGFILE SITE

PAGES is the folder to fill, TAGFILE what Doxygen wrote about the reference in PAGES/reference, SITE where MkDocs
is to build. Writes PAGES.yml, MkDocs's configuration. A mirror keeps links between pages as they are
in the tree; a link to a source file leads to a page that shows it.
"""

import re
import shutil
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {".h": "cpp", ".cpp": "cpp", ".cu": "cuda", ".py": "python", ".json": "json", ".sh": "bash", "": "bash"}
PICTURES = {".png", ".svg"}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")

# The tabs: a title, and pages or folders of pages.
TABS = [
    ("Course", ["docs/course/README.md", "docs/course", "docs/teaching.md"]),
    ("Exercises", ["exercises/README.md", "exercises"]),
    ("Guides", ["docs/your-own.md", "docs/models.md", "docs/runs.md", "docs/augmentation.md", "docs/explain.md",
                "docs/attacks.md", "docs/fooling.md", "docs/robust.md", "docs/distributed.md", "docs/tracing.md",
                "docs/movies.md", "docs/terminal.md"]),
    ("Inside", ["docs/architecture.md", "docs/three-machines.md", "docs/convolution.md", "docs/ladder.md", "docs/adding-an-op.md",
                "docs/operations.md", "docs/glossary.md", "emulator/README.md"]),
    ("Results", ["docs/results"]),
]


def own_pages():
    """The Markdown of the tree, relative to it."""
    pages = [Path("README.md"), Path("emulator/README.md")]
    for folder in ("docs", "exercises"):
        pages += sorted(p.relative_to(ROOT) for p in (ROOT / folder).rglob("*.md"))
    return pages


def title_of(page):
    lines = (ROOT / page).read_text().splitlines()
    return next((line[2:] for line in lines if line.startswith("# ")), page.stem)


def outside_code(text, change):
    """`text` with `change` made to all but fenced and indented blocks and code within lines."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            parts = re.split(r"(`[^`]*`)", line)
            line = "".join(p if p.startswith("`") else change(p) for p in parts)
        lines.append(line)
    return "\n".join(lines)


def listing(path):
    """A page that shows a source file."""
    text = (ROOT / path).read_text()
    return f"# {path}\n\n````{LANGUAGES[path.suffix]}\n{text}````\n"


def lay_out(page, pages, missing):
    """Copies a page and what it shows, and makes its links to files links to pages of them.

    What a link names and is not there is added to `missing`.
    """
    def follow(match):
        target, _, anchor = match[2].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = (ROOT / page.parent / target).resolve()
        if not path.is_relative_to(ROOT) or not path.exists():
            missing.append(f"{page}: there is no {target}.")
            return match[0]
        path = path.relative_to(ROOT)
        if path.suffix == ".md":
            return match[0]
        copy = pages / path if path.suffix in PICTURES else pages / f"{path}.md"
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in PICTURES:
            shutil.copyfile(ROOT / path, copy)
            return match[0]
        copy.write_text(listing(path))
        return f"{match[1]}{target}.md{'#' + anchor if anchor else ''}{match[3]}"

    copy = pages / page
    copy.parent.mkdir(parents=True, exist_ok=True)
    text = outside_code((ROOT / page).read_text(), lambda part: LINK.sub(follow, part))
    # Markdown within a hint is Markdown only if that is said.
    copy.write_text(text.replace("<details>", '<details markdown="1">'))


def first_comment(header):
    """The sentence at the head of a header."""
    words = []
    for line in (ROOT / header).read_text().splitlines():
        if not line.startswith("// "):
            break
        words.append(line[3:])
    return re.split(r"(?<=\.)\s", " ".join(words))[0].replace("|", "\\|")


def reference(tagfile, pages):
    """The page that lists the headers, folder by folder, with links into Doxygen's pages."""
    folders = {}
    for compound in xml.parse(tagfile).getroot().iterfind("compound[@kind='file']"):
        header = (ROOT / compound.findtext("path") / compound.findtext("name")).relative_to(ROOT)
        html = compound.findtext("filename")
        folders.setdefault(header.parent, []).append((header, html if html.endswith(".html") else html + ".html"))
    text = ["# C++ reference", "", "Every header with what it is about; the links lead to what Doxygen makes of its "
            "comments. [Classes](reference/annotated.html), [all files](reference/files.html).", ""]
    for folder in sorted(folders):
        text += [f"## {folder}/" if str(folder) != "." else "## All of it", "", "| header | about |", "|---|---|"]
        text += [f"| [`{h}`](reference/{html}) | {first_comment(h)} |" for h, html in sorted(folders[folder])]
        text.append("")
    (pages / "reference.md").write_text("\n".join(text))


def navigation(found):
    """MkDocs's nav, as lines of YAML: every page of the tree stands in it once."""
    left = [p for p in found if p != Path("README.md")]
    lines = ["nav:", "  - Tweed: README.md"]
    for title, members in TABS:
        taken = []
        for member in map(Path, members):
            wanted = [p for p in left if p == member or member in p.parents] if member.suffix != ".md" else [member]
            taken += [p for p in wanted if p in left]
            left = [p for p in left if p not in taken]
        if taken:
            lines.append(f"  - {title}:")
            lines += [f"      - {quoted(title_of(p))}: {p}" for p in taken]
    lines.append("  - Reference: reference.md")
    if left:
        sys.exit(f"In no tab of the site: {', '.join(map(str, left))}.")
    return lines


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    pages, tagfile, site = map(Path, sys.argv[1:])
    found = own_pages()
    missing = []
    for page in found:
        lay_out(page, pages, missing)
    if missing:
        sys.exit("\n".join(missing))
    reference(tagfile, pages)
    shutil.copyfile(ROOT / "docs/site/site.css", pages / "site.css")
    settings = (ROOT / "docs/site/mkdocs.yml").read_text()
    places = f"docs_dir: {quoted(str(pages.resolve()))}\nsite_dir: {quoted(str(site.resolve()))}\n"
    Path(f"{pages}.yml").write_text(settings + places + "\n".join(navigation(found)) + "\n")


if __name__ == "__main__":
    main()
