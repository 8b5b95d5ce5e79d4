#!/usr/bin/env python3
"""Finds what leads nowhere on the pages of a site.

usage: scripts/check_links.py SITE

Every link of every page within SITE has to lead to a file of it, and to an anchor that is there. Nothing that a
page shows or runs may come from elsewhere, so that it can be read without a network. Links to other
sites are counted, not followed. Exit codes: 1 if something leads nowhere.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, and what it goes to on a click.
FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("object", "data")}
FOLLOWED = {("a", "href"), ("area", "href")}
# Doxygen 1.9 links to a list of nested classes, and leaves it out where they are private.
DOXYGENS = "nested-classes"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.fetched = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors.update(found[key] for key in ("id", "name") if found.get(key))
        if tag == "link" and found.get("rel") in ("canonical", "prev", "next"):
            return
        for key, value in attributes:
            if value and (tag, key) in FETCHED:
                self.fetched.append(value)
            elif value and (tag, key) in FOLLOWED:
                self.links.append(value)


def fault(site, pages, page, link, fetched):
    """What is wrong with a link of a page, or nothing."""
    parts = urlsplit(link)
    if parts.scheme in ("data", "javascript", "mailto"):
        return None
    if parts.scheme or parts.netloc:
        return "is fetched from elsewhere" if fetched else None
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.is_file():
        return "is not there"
    if parts.fragment == DOXYGENS:
        return None
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "has no such anchor"
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    site = Path(sys.argv[1]).resolve()
    # A server may show 404.html in any folder, so it alone speaks of places from the root.
    pages = {p: Page(p.read_text()) for p in site.rglob("*.html") if p.name != "404.html"}
    checked = faults = elsewhere = 0
    for page, content in sorted(pages.items()):
        for links, fetched in ((content.fetched, True), (content.links, False)):
            for link in links:
                checked += 1
                elsewhere += bool(urlsplit(link).netloc)
                wrong = fault(site, pages, page, link, fetched)
                if wrong:
                    faults += 1
                    print(f"{page.relative_to(site)}: {link} {wrong}.", file=sys.stderr)
    print(f"{checked} links of {len(pages)} pages, {elsewhere} of them to other sites; {faults} lead nowhere.")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
