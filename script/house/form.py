"""Checks the form that clang-format does not know: form.py [--mend] FILE...

One form for each of these: "!p" for a pointer that is NULL and "p" as a condition, "sizeof(x)", a
comment that does not leave its end alone on a line, a header that begins with its name and
its purpose (its name may have in front what its functions have: "bench_cost" in cost.h), and a guard that is its
path. --mend changes all but the guard where they stand; clang-format folds the lines again.
"""

import re
import sys

COLUMNS = 100
TAB = 8
QUIET = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
COMPARED = re.compile(r"\s*([!=]=)\s*NULL\b")
SIZEOF = re.compile(r"\bsizeof\s+([*&]*\w+(?:(?:\.|->)\w+|\[[^]\n]*\])*)")
LONE_END = re.compile(r"^([ \t]*)/\* ([^\n]*)\n[ \t]*\*/$", re.M)
PURPOSE = re.compile(r"/\*\n \* (\w+): ")
JOINED = ("&&", "||", "?")


def quieted(text):
    """The text with blanks in place of what comments and strings say, as long as before."""
    return QUIET.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def operand_start(code, end):
    """Where the operand that ends before END begins: after what can stand before an operand."""
    depth = 0
    for at in range(end - 1, -1, -1):
        char = code[at]
        if char in ")]":
            depth += 1
        elif char in "([" and depth:
            depth -= 1
        elif not depth and (char in "([{;,?:=&|" or code.startswith("return ", at - 6)):
            return at + 1
    return 0


def is_condition(code, start, end):
    """Whether the comparison decides something, rather than being a value of its own."""
    before, after = code[:start].rstrip(), code[end:].lstrip()
    if before.endswith(JOINED) or after.startswith(JOINED):
        return True
    return bool(re.search(r"\b(if|while) \($|;$", before)) and after[:1] in ");"


def null_comparisons(code):
    """(start of the operand, end of the operand, end of the comparison, whether "is NULL")."""
    for found in COMPARED.finditer(code):
        start = operand_start(code, found.start())
        start += len(code[start : found.start()]) - len(code[start : found.start()].lstrip())
        equal = found[1] == "=="
        if equal or is_condition(code, start, found.end()):
            yield start, found.start(), found.end(), equal


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def complaints(path, text):
    code = quieted(text)
    for _, at, _, equal in null_comparisons(code):
        yield line_of(text, at), 'a condition is "!p"' if equal else 'a condition is "p", without "!= NULL"'
    for found in SIZEOF.finditer(code):
        yield line_of(text, found.start()), f'"sizeof({found[1]})" has parentheses'
    for found in LONE_END.finditer(text):
        yield line_of(text, found.end()), "the end of this comment stands alone"
    if path.endswith(".h"):
        yield from header_complaints(path, text)


def name_of(path):
    return path.split("/")[-1][:-2]


def header_complaints(path, text):
    name = name_of(path)
    said = PURPOSE.match(text)
    if not said or not re.fullmatch(rf"(\w+_)?{name}", said[1]):
        yield 1, f'a header begins with "{name}: what it is for"'
    guard = re.sub(r"\W", "_", path).upper()
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield 1, f"the guard of this header is {guard}"


def mend_nulls(text):
    for start, operand_end, end, equal in sorted(null_comparisons(quieted(text)), reverse=True):
        text = text[:start] + ("!" if equal else "") + text[start:operand_end] + text[end:]
    return text


def mend_sizeof(text):
    for found in reversed(list(SIZEOF.finditer(quieted(text)))):
        text = f"{text[:found.start()]}sizeof({found[1]}){text[found.end():]}"
    return text


def whole_comment(found):
    """On one line if that holds it, else with its beginning on a line of its own, too."""
    indent, words = found[1], found[2].rstrip()
    line = f"{indent}/* {words} */"
    if len(line.expandtabs(TAB)) <= COLUMNS:
        return line
    return f"{indent}/*\n{indent} * {words}\n{indent} */"


def mend_purpose(path, text):
    said = PURPOSE.match(text)
    if not path.endswith(".h") or not said or re.fullmatch(rf"(\w+_)?{name_of(path)}", said[1]):
        return text
    return text[: said.start(1)] + name_of(path) + text[said.end(1) :]


def mended(path, text):
    return mend_purpose(path, LONE_END.sub(whole_comment, mend_sizeof(mend_nulls(text))))


def main(arguments):
    mend = arguments[:1] == ["--mend"]
    status = 0
    for path in arguments[mend:]:
        with open(path) as file:
            text = file.read()
        if mend and mended(path, text) != text:
            with open(path, "w") as file:
                file.write(mended(path, text))
        for line, complaint in [] if mend else sorted(complaints(path, text)):
            print(f"{path}:{line}: {complaint}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
