"""Says which links and file names lead nowhere: in every page, and in what comments and scripts say.

A link of a page leads to a file, and to a heading if it names one. A path ("server/chat/post.c",
"script/lint", "db/sqlite") is one of ours that is there, with .c or .h if need be; a name alone
("post.c") is that of some file. Of "`NAME` in `FILE.c`" the file must have that function.
"""

import glob
import os
import re
import sys

TOPS = "server|client|db|shared|tests|bench|script|docs|packaging|cmake|demo"
# Not what stands inside a longer path: build/release/tests/..., /usr/share/man.
PATH = re.compile(rf"(?<![\w./$<>}}-])(?:{TOPS})/[\w./*{{,}}-]*\w[\w/*}}-]*")
NAME = re.compile(r"(?<![\w./*<>%$-])[a-z][a-z0-9_]*\.(?:c|h|pml)\b(?!\()")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
FUNCTION = re.compile(r"`(\w+)`\s+in\s+`([\w/]+\.[ch])`")
HEADING = re.compile(r"^#+ (.*)$", re.M)
SKIPPED = ("build", ".git", ".cache", "demo", "corpus")
BINARY = (".png",)
MADE_UP = "tests/house/"  # makes houses of its own
# Names of others, that comments speak of.
FOREIGN = {"pan.c", "http_parser.h", "qrencode.h"}
# In capitals stands what somebody puts in: tests/FOLDER.
OPEN = re.compile(r"\b(?:NAME|FOLDER)\b")


def our_files():
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and name != "__pycache__")
        found += [os.path.relpath(f"{folder}/{name}") for name in sorted(names)]
    return [path for path in found if not path.endswith(BINARY) and not path.startswith(MADE_UP)]


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def said(path, text):
    """What the file says to people, everything else blank: of code it is the comments."""
    if not path.endswith((".c", ".h")):
        return text
    kept = []
    end = 0
    for comment in COMMENT.finditer(text):
        kept += [blank(text[end : comment.start()]), comment[0]]
        end = comment.end()
    return "".join(kept)


def there(name):
    name = name.rstrip("./")
    if "{" in name:
        head, choices, tail = re.match(r"(.*?)\{(.*?)\}(.*)", name).groups()
        return all(there(head + choice + tail) for choice in choices.split(","))
    return bool(glob.glob(name) or glob.glob(f"{name}.[ch]"))


def anchors(path):
    with open(path) as file:
        headings = HEADING.findall(file.read())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_link(path, link):
    if re.match(r"[a-z]+:", link):
        return False
    target, _, anchor = link.partition("#")
    target = os.path.normpath(f"{os.path.dirname(path) or '.'}/{target}") if target else path
    return not os.path.exists(target) or bool(anchor) and anchor not in anchors(target)


def lacks_function(path, name):
    if not os.path.exists(path):
        return False  # said already
    with open(path, encoding="utf-8") as file:
        return not re.search(rf"^\w.*\b{name}\(", file.read(), re.M)


def complaints(path, text, names):
    for found in LINK.finditer(text) if path.endswith(".md") else ():
        if broken_link(path, found[1]):
            yield found.start(), f"a link that leads nowhere: {found[1]}"
    words = LINK.sub(lambda found: blank(found[0]), said(path, text))
    for found in PATH.finditer(words):
        if not OPEN.search(found[0]) and not there(found[0]):
            yield found.start(), f"no such file: {found[0]}"
    for found in NAME.finditer(words):
        if found[0] not in names:
            yield found.start(), f"no file has this name: {found[0]}"
    for found in FUNCTION.finditer(words):
        if lacks_function(found[2], found[1]):
            yield found.start(), f"{found[2]} has no function {found[1]}"


def main():
    files = our_files()
    names = {os.path.basename(path) for path in files} | FOREIGN
    status = 0
    for path in files:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            continue
        for at, complaint in sorted(complaints(path, text, names)):
            print(f"{path}:{text.count(chr(10), 0, at) + 1}: {complaint}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
