"""Which settings the code reads, and with which default: found in the code itself.

A setting is read by a call such as `env.whole("WRIT_INTAKE_PORT", 8000)` (shared/settings.py).
"""

import ast

from tests.house.tree import committed

READERS = {"text", "whole", "seconds", "flag", "choice", "words", "path"}


def settings_read(*patterns: str) -> dict[str, str | None]:
    """Name to default, None where there is none, of every setting read in the matching files."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in committed(*patterns)]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    read = [(name, default(call)) for call in calls if (name := name_read(call))]
    return dict(sorted(read, key=lambda one: one[1] is not None))  # a default that is told wins


def name_read(call: ast.Call) -> str | None:
    match call:
        case ast.Call(
            func=ast.Attribute(attr=reader), args=[ast.Constant(value=str(name)), *_]
        ) if reader in READERS and name.isupper():
            return name
    return None


def default(call: ast.Call) -> str | None:
    given = [word.value for word in call.keywords if word.arg == "default"] + call.args[1:2]
    match given:
        case [ast.Constant(value=bool(yes))]:
            return "yes" if yes else "no"
        case [ast.Constant(value=value)]:
            return str(value)
        case [ast.BinOp(left=ast.Constant(value=int(left)), right=ast.Constant(value=int(right)))]:
            return str(left * right)  # 64 * 1024
    return None
