"""Draws the house as it is, an SVG on stdout: the parts, their folders with their files, which folder
includes which, and the ways of script/house/ways through it.

The same files and includes give the same picture, byte for byte: script/lint compares it with
docs/house.svg. What a folder's arrows are is read from the includes alone, so no build is needed.
"""

import os
import sys

from house import Arrows, file_of, folder_of, read_floors, sources

WAYS = "script/house/ways"

# Lengths are pixels.
WIDTH = 1240
MARGIN = 24
HEAD = 92  # title and legend
PANEL_TITLE = 34
GUTTER = 62  # for the arcs at the left of a part's folders
LABEL = 98  # a folder's name
PAD = 9
SLAB_GAP = 9
CHIP_HEIGHT = 22
CHIP_GAP = 8  # at least
CHIP_GAP_MAX = 44
CHIP_ROW = CHIP_HEIGHT + 9
LETTER = 6.62  # of a monospaced font of 11 px
BADGE = 7
INSET = 58  # db is so much narrower than shared, for the arrows that pass it

INNER = WIDTH - 2 * MARGIN
SERVER_WIDTH = 600
CLIENT_WIDTH = 576
# Who stands where: rows of parts from the top, with the width of each.
ROWS = ((("server", SERVER_WIDTH), ("client", CLIENT_WIDTH)), (("db", INNER - 2 * INSET),), (("shared", INNER),))
PARTS_GAP = INNER - SERVER_WIDTH - CLIENT_WIDTH
PURPOSE = {
    "server": "turnstiled",
    "client": "turnstile",
    "db": "the store and the rules of selling",
    "shared": "what everything builds on",
}

STYLE = """text{font-family:system-ui,'DejaVu Sans',Verdana,sans-serif;fill:#1b1f24}
.paper{fill:#fbfaf7}.title{font-size:25px;font-weight:700}.faint{font-size:13px;fill:#59636e}
.part{fill:#f0eee8;stroke:#d9d5ca}.part-name{font-size:16px;font-weight:700}
.slab{fill:#fff;stroke:#ddd9cf}.folder{font-size:12.5px;font-weight:600}
.chip{fill:#f4f2ed;stroke:#cfcabd}.file{font:11px 'DejaVu Sans Mono',ui-monospace,monospace}
.arc{fill:none;stroke:#8c96a1;stroke-width:1.1}.tip{fill:#8c96a1}
.arc.up{stroke:#d03c00;stroke-width:2}.down{fill:#c9c4b7}
.way{fill:none;stroke-width:3.5;stroke-linecap:round;stroke-opacity:.5}
.line{stroke:#0072b2}.booking{stroke:#d55e00}.n-line{fill:#0072b2}.n-booking{fill:#d55e00}
.number{font-size:9px;font-weight:700;fill:#fff;text-anchor:middle}
@media (prefers-color-scheme:dark){text{fill:#e8ecf0}.paper{fill:#12161b}.faint{fill:#9aa5b1}
.part{fill:#191f26;stroke:#2c343d}.slab{fill:#222a32;stroke:#343d47}.chip{fill:#2c353f;stroke:#46515d}
.arc{stroke:#77838f}.tip{fill:#77838f}.down{fill:#3a444e}
.line{stroke:#56b4e9}.booking{stroke:#ff9a4d}.n-line{fill:#1787c9}.n-booking{fill:#d8660f}.number{fill:#fff}}"""


def read_ways():
    """[(kind, words, files)], and what is wrong with them."""
    ways, wrong = [], []
    with open(WAYS) as lines:
        for number, line in enumerate(lines, 1):
            text = line.split("#")[0].strip()
            if ":" in text:
                kind, words = text.split(":")
                ways.append((kind, words.strip(), []))
            elif text:
                ways[-1][2].append(text)
                if not os.path.exists(f"{text}.c") and not os.path.exists(f"{text}.h"):
                    wrong.append(f"{WAYS}:{number}: no such file: {text}")
    return ways, wrong


def px(number):
    return f"{number:.1f}".removesuffix(".0")


def words(x, y, css, text):
    return f'<text class="{css}" x="{px(x)}" y="{px(y)}">{text}</text>'


def box(css, x, y, width, height, radius):
    return (
        f'<rect class="{css}" x="{px(x)}" y="{px(y)}" width="{px(width)}" height="{px(height)}" rx="{radius}"/>'
    )


def chip_width(file):
    return round(len(os.path.basename(file)) * LETTER) + 14


def rows_of(files, room):
    """As many files in a row as there is room for."""
    rows, used = [[]], 0
    for file in files:
        used += chip_width(file) + CHIP_GAP
        if used - CHIP_GAP > room and rows[-1]:
            rows.append([])
            used = chip_width(file) + CHIP_GAP
        rows[-1].append(file)
    return rows


def spread(files, end):
    """(file, left, width): from the folder's name to END, so that ways have room between them."""
    free = end - LABEL - sum(map(chip_width, files))
    gap = min(free / max(len(files) - 1, 1), CHIP_GAP_MAX)
    x = LABEL
    for file in files:
        yield file, x, chip_width(file)
        x += chip_width(file) + gap


class Slab:
    """A folder: its name, and its files in as many rows as they need."""

    def __init__(self, folder, files, width):
        self.folder, self.width = folder, width
        rows = rows_of(files, width - LABEL - PAD)
        self.chips = [(*chip, row) for row, files in enumerate(rows) for chip in spread(files, width - PAD)]
        self.height = 2 * PAD + len(rows) * CHIP_ROW - (CHIP_ROW - CHIP_HEIGHT)
        self.x = self.y = 0

    def middle(self):
        return self.y + self.height / 2

    def places(self):
        """File -> (left, top, width) of its chip."""
        return {file: (self.x + x, self.y + PAD + row * CHIP_ROW, width) for file, x, width, row in self.chips}

    def draw(self):
        yield box("slab", self.x, self.y, self.width, self.height, 7)
        name = self.folder.split("/")[1]
        yield words(self.x + 11, self.y + PAD + 15.5, "folder", name)


class Part:
    """A part of the house: its folders, the highest on top."""

    def __init__(self, name, width, levels, files_of):
        self.name, self.width = name, width
        folders = [folder for level in reversed(levels) for folder in reversed(level)]
        inner = width - GUTTER - 12
        self.slabs = [Slab(folder, files_of[folder], inner) for folder in folders if folder in files_of]
        self.height = PANEL_TITLE + sum(slab.height + SLAB_GAP for slab in self.slabs) + 5
        self.x = self.y = 0

    def place(self, x, y, height):
        """Puts it there; what it has too much of height goes between its folders."""
        gap = SLAB_GAP + (height - self.height) / max(len(self.slabs) - 1, 1)
        self.x, self.y, self.height = x, y, height
        y += PANEL_TITLE
        for slab in self.slabs:
            slab.x, slab.y = x + GUTTER, y
            y += slab.height + gap

    def draw(self):
        yield box("part", self.x, self.y, self.width, self.height, 11)
        yield (
            f'<text class="part-name" x="{px(self.x + 14)}" y="{px(self.y + 23)}">{self.name}'
            f'<tspan class="faint" dx="10" font-weight="400">{PURPOSE.get(self.name, "")}</tspan></text>'
        )
        for slab in self.slabs:
            yield from slab.draw()


def arc(user, used, farthest):
    """From the left side of one folder to that of another, wider the farther they are apart."""
    start, end = user.middle() + 4, used.middle() - 4
    up = start > end
    if up:
        start, end = user.middle() - 4, used.middle() + 4
    x, reach = user.x, 9 + (GUTTER - 16) * 4 / 3 * abs(end - start) / farthest
    yield (
        f'<path class="arc{" up" if up else ""}" '
        f'd="M{px(x)} {px(start)}C{px(x - reach)} {px(start)} {px(x - reach)} {px(end)} {px(x - 3)} {px(end)}"/>'
    )
    yield f'<path class="tip" d="M{px(x)} {px(end)}l-7 -3v6z"/>'


def draw_arcs(part, arrows):
    slabs = {slab.folder: slab for slab in part.slabs}
    pairs = {(folder_of(user), folder_of(used)) for user, used in arrows.ties}
    farthest = part.slabs[-1].middle() - part.slabs[0].middle()
    for user, used in sorted(pairs):
        if user != used and user in slabs and used in slabs:
            yield from arc(slabs[user], slabs[used], farthest)


def down(x, top, bottom):
    """A broad arrow from one part to another below it."""
    return f'<path class="down" d="M{px(x - 7)} {px(top)}h14V{px(bottom - 13)}h9L{px(x)} {px(bottom - 1)}l-16 -12h9z"/>'


def draw_parts_arrows(parts, arrows):
    """Between the parts; shared is reached from above past db, at both sides."""
    pairs = {(user.split("/")[0], used.split("/")[0]) for user, used in arrows.ties}
    for user, used in sorted(pairs):
        if user == used or user not in parts or used not in parts:
            continue
        upper, lower = parts[user], parts[used]
        x = upper.x + upper.width / 2
        if used == "shared" and user != "db":
            x = MARGIN + INSET / 2 if user == "server" else WIDTH - MARGIN - INSET / 2
        yield down(x, upper.y + upper.height, lower.y)


def bend(start, end):
    """A curve between two chips: down or up into the other, or below both when they stand in a row."""
    (x, y), (to_x, to_y) = start, end
    if abs(y - to_y) < 1:
        sag = y + 24
        return f"C{px(x)} {px(sag)} {px(to_x)} {px(sag)} {px(to_x)} {px(to_y)}"
    pull = max(26, abs(to_y - y) * 0.45) * (1 if to_y > y else -1)
    return f"C{px(x)} {px(y + pull)} {px(to_x)} {px(to_y - pull)} {px(to_x)} {px(to_y)}"


def draw_way(kind, files, places, aside):
    """A line through the middles of the chips, a little aside so that two ways are seen beside each other."""
    points = []
    for file in files:
        x, y, width = places[file]
        points.append((x + width / 2 + aside, y + CHIP_HEIGHT / 2))
    curve = "".join(bend(start, end) for start, end in zip(points, points[1:]))
    return f'<path class="way {kind}" d="M{px(points[0][0])} {px(points[0][1])}{curve}"/>'


def draw_chip(file, place):
    x, y, width = place
    yield box("chip", x, y, width, CHIP_HEIGHT, 5)
    yield words(x + 7, y + 15, "file", os.path.basename(file))


def draw_badges(ways, places):
    """The steps of each way, numbered, at the upper edge of their chips."""
    taken = {}
    for kind, _, files in ways:
        for number, file in enumerate(files, 1):
            x, y, width = places[file]
            at = x + width - 4 - taken.get(file, 0) * (2 * BADGE + 1)
            taken[file] = taken.get(file, 0) + 1
            yield f'<circle class="n-{kind}" cx="{px(at)}" cy="{px(y)}" r="{BADGE}"/>'
            yield words(at, y + 3.2, "number", number)


def draw_legend(ways):
    yield words(MARGIN, 44, "title", "The house")
    yield words(MARGIN, 68, "faint", "What stands higher uses what stands lower, never the other way round.")
    x = WIDTH - MARGIN - 330
    for row, (kind, told, files) in enumerate(ways):
        y = 30 + row * 20
        yield f'<path class="way {kind}" d="M{x} {y}h34"/><circle class="n-{kind}" cx="{x + 17}" cy="{y}" r="{BADGE}"/>'
        yield words(x + 17, y + 3.2, "number", 1)
        yield words(x + 44, y + 4.5, "faint", f"{told}: {len(files)} files")
    y = 30 + len(ways) * 20
    yield f'<path class="arc" d="M{x} {y}h28"/><path class="tip" d="M{x + 34} {y}l-7 -3v6z"/>'
    yield words(x + 44, y + 4.5, "faint", "a folder uses another")


def lay_out(floors, files_of):
    """The parts in their places, and the height of it all."""
    parts, y = {}, HEAD
    for row in ROWS:
        here = [Part(name, width, floors.levels[name], files_of) for name, width in row]
        height = max(part.height for part in here)
        x = (WIDTH - sum(part.width for part in here) - (len(here) - 1) * PARTS_GAP) / 2
        for part in here:
            part.place(x, y, height)
            parts[part.name] = part
            x += part.width + PARTS_GAP
        y += height + 30
    return parts, y - 30 + MARGIN


def draw(floors, arrows, files, ways):
    files_of = {}
    steps = [file for _, _, way in ways for file in way]
    for file in sorted(files, key=lambda file: (steps.index(file) if file in steps else len(steps), file)):
        files_of.setdefault(folder_of(file), []).append(file)
    parts, height = lay_out(floors, files_of)
    places = {file: place for part in parts.values() for slab in part.slabs for file, place in slab.places().items()}
    yield f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {px(height)}">'
    yield "<title>The house of turnstile</title>"
    yield "<desc>Parts, folders and files, who includes whom, and the ways of a line and of a booking.</desc>"
    yield f"<style>\n{STYLE}\n</style>"
    yield '<rect class="paper" width="100%" height="100%" rx="14"/>'
    yield from draw_legend(ways)
    yield from draw_parts_arrows(parts, arrows)
    for part in parts.values():
        yield from part.draw()
        yield from draw_arcs(part, arrows)
    for number, (kind, _, way) in enumerate(ways):
        yield draw_way(kind, way, places, 5 * (2 * number - 1))
    for file, place in places.items():
        yield from draw_chip(file, place)
    yield from draw_badges(ways, places)
    yield "</svg>"


def main():
    ways, wrong = read_ways()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    floors = read_floors()
    paths = sources(floors.levels)
    arrows = Arrows()
    arrows.read_includes(paths)
    print("\n".join(draw(floors, arrows, sorted(set(map(file_of, paths))), ways)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
