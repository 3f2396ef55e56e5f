"""Tests what script/lint knows of the house, on small houses that are made for it and broken on purpose.

Each test makes a folder with files as they are named, and says what must be found in it.
"""

import os
import subprocess
import sys
import tempfile

HOUSE = os.path.abspath(f"{os.path.dirname(__file__)}/../../script/house")
FLOORS = "shared: low < high\nserver: session < chat, booking\nshared < server\n"
HEADER = "/*\n * {name}: a thing.\n */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


def write(files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w") as file:
            file.write(text)


def compiled(files):
    """The objects, where CMake would have them."""
    for path in files:
        if path.endswith(".c"):
            made = f"build/CMakeFiles/house.dir/{path}.o"
            os.makedirs(os.path.dirname(made), exist_ok=True)
            subprocess.run(["cc", "-I.", "-c", "-o", made, path], check=True)


def said(script, *arguments):
    run = subprocess.run([sys.executable, "-B", f"{HOUSE}/{script}", *arguments], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def arrows(files):
    write({"script/house/floors": FLOORS, **files})
    compiled(files)
    return said("arrows.py", "build")


def expect(found, *parts):
    status, text = found
    assert status == 1, f"nothing was found: {text}"
    for part in parts:
        assert part in text, f"{part!r} is not in: {text}"


def expect_clean(found):
    assert found == (0, ""), found


def down_is_fine():
    files = {
        "server/chat/post.c": '#include "shared/low/a.h"\nint post(void) { return a(); }\n',
        "shared/low/a.h": "int a(void);\n",
        "shared/low/a.c": '#include "shared/low/a.h"\nint a(void) { return 1; }\n',
    }
    expect_clean(arrows(files))


def an_include_that_goes_up_is_named():
    files = {"shared/low/a.h": '#include "shared/high/b.h"\n', "shared/high/b.h": "\n"}
    expect(arrows(files), "shared/low may not use shared/high: shared/low/a.h:1 includes shared/high/b.h")


def an_include_beside_is_named():
    files = {"server/chat/a.h": '\n#include "server/booking/b.h"\n', "server/booking/b.h": "\n"}
    expect(arrows(files), "server/chat may not use server/booking: server/chat/a.h:2")


def a_call_that_goes_up_is_named_though_nothing_is_included():
    files = {
        "server/session/input.c": "int post(void);\nint input(void) { return post(); }\n",
        "server/chat/post.c": "int post(void) { return 1; }\n",
    }
    expect(arrows(files), "server/session may not use server/chat: server/session/input.c:1 uses post")


def a_part_below_may_not_use_one_above():
    files = {"shared/low/a.h": '#include "server/chat/b.h"\n', "server/chat/b.h": "\n"}
    expect(arrows(files), "shared/low may not use server/chat")


def a_circle_of_files_is_told_with_its_ties():
    files = {
        "shared/low/a.h": "struct a;\nint a(void);\n",
        "shared/low/a.c": "int b(void);\nint a(void) { return b(); }\n",
        "shared/low/b.c": '#include "shared/low/a.h"\nint b(void) { return 1; }\n',
    }
    expect(
        arrows(files),
        "a circle: shared/low/a -> shared/low/b -> shared/low/a",
        "shared/low/a.c:1 uses b",
        "shared/low/b.c:1 includes shared/low/a.h",
    )


def a_folder_that_the_list_lacks_is_named():
    expect(arrows({"server/cellar/a.h": "\n"}), "server/cellar is not in the list of floors")


def what_was_built_of_a_file_that_left_does_not_count():
    files = {
        "shared/low/a.c": "int b(void);\nint a(void) { return b(); }\n",
        "shared/low/b.c": "int a(void);\nint b(void) { return a(); }\n",
    }
    expect(arrows(files), "a circle")
    os.remove("shared/low/b.c")
    expect_clean(said("arrows.py", "build"))


FORMS = """
bool f(char *p, struct s *s)
{{
	if ({null} && {there}) {{
		memset(s, 0, {size});
	}}
	return p != NULL; /* if (p == NULL), sizeof *s */
}}
"""


def bad_forms_are_found_and_mended():
    bad = FORMS.format(null="s->next == NULL", there="(p = next(p)) != NULL", size="sizeof *s")
    good = FORMS.format(null="!s->next", there="(p = next(p))", size="sizeof(*s)")
    write({"a.c": bad, "good.c": good})
    expect(said("form.py", "a.c"), 'a.c:4: a condition is "!p"', "without", 'a.c:5: "sizeof(*s)"')
    expect_clean(said("form.py", "--mend", "a.c"))
    with open("a.c") as file:
        assert file.read() == good
    expect_clean(said("form.py", "a.c", "good.c"))


def the_end_of_a_comment_joins_its_line_or_gets_company():
    long = "w" * 95
    write({"a.c": f"/* Short.\n */\nint a;\n/* {long}\n */\n"})
    expect(said("form.py", "a.c"), "a.c:2: the end", "a.c:5: the end")
    said("form.py", "--mend", "a.c")
    with open("a.c") as file:
        assert file.read() == f"/* Short. */\nint a;\n/*\n * {long}\n */\n"


def a_header_says_its_own_name_and_guard():
    write({"db/a.h": HEADER.format(name="b", guard="DB_B_H", body="")})
    expect(said("form.py", "db/a.h"), 'begins with "a: ', "guard of this header is DB_A_H")
    write({"db/a.h": HEADER.format(name="db_a", guard="DB_A_H", body="")})
    expect_clean(said("form.py", "db/a.h"))


def links_and_names_that_lead_nowhere_are_found():
    write({
        "README.md": "# A b\n[x](docs/gone.md) [y](#a-b) [z](#gone) `server/gone.c`, post.c, old.c, `server/chat/post`\n",
        "server/chat/post.c": "/* See shared/gone.h. */\nchar *s = \"db/none.c\";\nint say(int x)\n{\n\thear(x);\n}\n",
        "docs/a.md": "`say` in `server/chat/post.c`, `hear` in\n`server/chat/post.c`, `say` in `server/gone.c`\n",
    })
    expect(
        said("names.py"),
        "docs/a.md:1: server/chat/post.c has no function hear",
        "docs/a.md:2: no such file: server/gone.c",
        "README.md:2: a link that leads nowhere: docs/gone.md",
        "leads nowhere: #gone",
        "no such file: server/gone.c",
        "no file has this name: old.c",
        "server/chat/post.c:1: no such file: shared/gone.h",
    )
    text = said("names.py")[1]
    assert text.count("\n") == 7, text


def the_picture_is_the_same_twice_and_follows_the_files():
    write({
        "script/house/floors": "shared: low\ndb: store\nserver: chat\nclient: send\n",
        "script/house/ways": "line: a line\n\tserver/chat/post\n",
        **{f"{folder}/post.c": "" for folder in ("shared/low", "db/store", "server/chat", "client/send")},
    })
    status, first = said("draw.py")
    assert status == 0 and first == said("draw.py")[1]
    write({"server/chat/new.c": ""})
    assert ">new<" in said("draw.py")[1] and ">new<" not in first
    os.remove("server/chat/post.c")
    expect(said("draw.py"), "script/house/ways:2: no such file: server/chat/post")


TESTS = [
    down_is_fine,
    an_include_that_goes_up_is_named,
    an_include_beside_is_named,
    a_call_that_goes_up_is_named_though_nothing_is_included,
    a_part_below_may_not_use_one_above,
    a_circle_of_files_is_told_with_its_ties,
    a_folder_that_the_list_lacks_is_named,
    what_was_built_of_a_file_that_left_does_not_count,
    bad_forms_are_found_and_mended,
    the_end_of_a_comment_joins_its_line_or_gets_company,
    a_header_says_its_own_name_and_guard,
    links_and_names_that_lead_nowhere_are_found,
    the_picture_is_the_same_twice_and_follows_the_files,
]


def main():
    failed = 0
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                test()
            except AssertionError as error:
                failed += 1
                print(f"{test.__name__}: {error}")
            os.chdir("/")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
