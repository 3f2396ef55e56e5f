"""Proves that files use only what lies below them: arrows.py BUILD_DIRECTORY

Two things are wrong: an arrow that script/house/floors does not allow, and a circle of files. Each
is printed with what ties it together: the line of an #include, or the name that one object takes
from another. Needs the objects of a finished build.
"""

import sys

from house import Arrows, file_of, folder_of, read_floors, sources


def wrong_arrows(floors, arrows):
    """Arrows between folders that the list does not allow, one for two files."""
    found = []
    for (user, used), ties in sorted(arrows.ties.items()):
        from_folder, to_folder = folder_of(user), folder_of(used)
        if not floors.allow(from_folder, to_folder):
            more = f" (and {len(ties) - 1} more)" if len(ties) > 1 else ""
            found.append(f"{from_folder} may not use {to_folder}: {ties[0]}{more}")
    return found


def unknown_folders(floors, files):
    folders = sorted({folder_of(file) for file in files})
    return [f"{folder} is not in the list of floors" for folder in folders if floors.height(folder) is None]


def shortest_way(following, start, end):
    """The files of a shortest way, start and end included, or None."""
    came_from = {start: None}
    queue = [start]
    for file in queue:
        if file == end:
            break
        for next_file in following.get(file, ()):
            if next_file not in came_from:
                came_from[next_file] = file
                queue.append(next_file)
    if end not in came_from:
        return None
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def circle_through(following, file):
    """A shortest circle that comes back to this file, as a list that begins and ends with it."""
    ways = [shortest_way(following, next_file, file) for next_file in following.get(file, ())]
    closed = [way for way in ways if way]
    return [file] + min(closed, key=len) if closed else None


def circles(arrows):
    """Short circles, so many that every file that is in one is in one of these."""
    following = {}
    for user, used in sorted(arrows.ties):
        following.setdefault(user, []).append(used)
    found, told = [], set()
    for file in following:
        circle = None if file in told else circle_through(following, file)
        if circle:
            found.append(circle)
            told.update(circle)
    return found


def tell_circle(arrows, circle):
    lines = ["a circle: " + " -> ".join(circle)]
    for arrow in zip(circle, circle[1:]):
        lines.append(f"    {arrows.ties[arrow][0]}")
    return "\n".join(lines)


def main(build):
    floors = read_floors()
    paths = sources(floors.levels)
    arrows = Arrows()
    arrows.read_includes(paths)
    arrows.read_calls(build, set(paths))
    complaints = unknown_folders(floors, map(file_of, paths)) + wrong_arrows(floors, arrows)
    complaints += [tell_circle(arrows, circle) for circle in circles(arrows)]
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
