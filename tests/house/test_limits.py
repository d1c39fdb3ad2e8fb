"""Design, section 3: limits on the tail, not the average. Beauty lives in the tail."""

import ast
from pathlib import Path

from tests.house.tree import committed, name_of

CODE = ("services/*.py", "shared/*.py", "deploy/*.py")
FUNCTION_P95, FUNCTION_LONGEST = 25, 50  # lines, from def to end
FILE_LONGEST, TEST_FILE_LONGEST = 300, 400
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


def test_most_functions_fit_25_lines_and_none_exceeds_50() -> None:
    lengths = [(length, where) for path in code() for length, where in functions(path)]

    longest_first = sorted(lengths, reverse=True)
    assert [where for length, where in longest_first if length > FUNCTION_LONGEST] == []
    length, where = longest_first[len(longest_first) // 20]
    assert length <= FUNCTION_P95, f"one function in twenty is longer than {where}: {length} lines"


def test_no_file_is_too_long_to_read_in_one_sitting() -> None:
    code_files = [(path, FILE_LONGEST) for path in code()]
    test_files = [(path, TEST_FILE_LONGEST) for path in committed("tests/*.py")]

    assert [name_of(path) for path, most in code_files + test_files if lines(path) > most] == []


def test_no_module_is_a_drawer_without_a_name_of_its_own() -> None:
    assert [name_of(path) for path in committed("*.py") if path.stem in DRAWERS] == []


def code() -> list[Path]:
    return [path for path in committed(*CODE) if "versions" not in path.parts]


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def functions(path: Path) -> list[tuple[int, str]]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{name_of(path)}: {node.name}")
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
