"""The house as it is written: the floors that script/house/floors allows, the files, who uses whom.

A file is its .c and its .h together and is named by its path without an ending: "server/chat/post".
A folder is "server/chat"; a file that stands beside the folders is a folder of its own, "server/main.c".
"""

import os
import re
import subprocess

FLOORS = "script/house/floors"
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
COMPILED = re.compile(r"/CMakeFiles/[^/]+\.dir/(.+)\.o$")


class Floors:
    """Parts, their folders with their height, and which parts lie below a part."""

    def __init__(self, lines):
        self.levels = {}  # part -> lists of folders, lowest first
        self.below = {}  # part -> the parts that it may use
        for line in lines:
            line = line.split("#")[0].strip()
            if ":" in line:
                part, order = line.split(":")
                self.levels[part] = [level_of(part, level) for level in order.split("<")]
            elif line:
                self._stack([part.strip() for part in line.split("<")])

    def _stack(self, parts):
        for height, part in enumerate(parts):
            self.below.setdefault(part, set()).update(parts[:height])

    def height(self, folder):
        """The level of a folder in its part, or None when the list does not have it."""
        levels = self.levels.get(folder.split("/")[0], [])
        return next((at for at, level in enumerate(levels) if folder in level), None)

    def allow(self, user, used):
        """Whether the list lets one folder use another."""
        part, other = user.split("/")[0], used.split("/")[0]
        if part != other:
            return other in self.below.get(part, ())
        heights = self.height(user), self.height(used)
        return user == used or (None not in heights and heights[0] > heights[1])


def level_of(part, level):
    return [f"{part}/{folder.strip()}" for folder in level.split(",")]


def read_floors():
    with open(FLOORS) as lines:
        return Floors(lines)


def sources(parts):
    """Every .c and .h of these parts, in order."""
    found = []
    for part in parts:
        for folder, _, names in os.walk(part):
            found += [f"{folder}/{name}" for name in names if name.endswith((".c", ".h"))]
    return sorted(found)


def file_of(path):
    return path[:-2]


def folder_of(file):
    part, name, *deeper = file.split("/")
    return f"{part}/{name}" if deeper else f"{part}/{name}.c"


class Arrows:
    """Who uses whom: (user, used) -> what ties them, in words, the clearest first."""

    def __init__(self):
        self.ties = {}

    def add(self, user, used, tie):
        if user != used:
            self.ties.setdefault((user, used), []).append(tie)

    def read_includes(self, paths):
        for path in paths:
            with open(path) as lines:
                for number, line in enumerate(lines, 1):
                    found = INCLUDE.match(line)
                    if found:
                        self.add(file_of(path), file_of(found[1]), f"{path}:{number} includes {found[1]}")

    def read_calls(self, build, paths):
        """What an object needs and another has, whatever header declared it."""
        defined, needed = symbols_of(objects(build, paths))
        for source, names in sorted(needed.items()):
            for name in sorted(names & defined.keys()):
                self.add(file_of(source), file_of(defined[name]), f"{mention(source, name)} uses {name}")


def objects(build, paths):
    """Object -> its source, for the sources that are there: a build keeps objects of files that left."""
    found = {}
    for folder, _, names in os.walk(build):
        for name in names:
            compiled = COMPILED.search(f"{folder}/{name}")
            if compiled and compiled[1] in paths:
                found[f"{folder}/{name}"] = compiled[1]
    return found


def symbols_of(object_sources):
    """Symbol -> the source that defines it, and source -> the symbols that it needs."""
    defined, needed = {}, {}
    if not object_sources:
        return defined, needed
    command = ["nm", "-A", "-P", "-g", *sorted(object_sources)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        where, name, kind = line.split()[:3]
        source = object_sources[where[:-1]]
        if kind == "U":
            needed.setdefault(source, set()).add(name)
        else:
            defined[name] = source
    return defined, needed


def mention(source, name):
    """Where a source first says a name; it need not, when a header of its says it."""
    word = re.compile(rf"\b{name}\b")
    with open(source) as lines:
        for number, line in enumerate(lines, 1):
            if word.search(line):
                return f"{source}:{number}"
    return source
