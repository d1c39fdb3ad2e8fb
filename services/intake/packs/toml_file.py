"""One TOML file of a pack: its data, checked against a model, and the line of every key.

`tomllib` keeps no positions, so the lines are found again by a search for headers and keys in the
text.  Where it cannot tell (inline tables), the fault lands on the nearest key above.
"""

import datetime as dt
import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.intake.packs.source import Fault, Source, unfit_characters

Path = tuple[str | int, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A TOML file that was read: what it says and where it says it."""

    source: Source
    data: Mapping[str, Any]
    lines: Mapping[Path, int] = field(repr=False)

    def fault(self, path: Path, message: str, *, near: str = "") -> Fault:
        """A fault at the key `path`, or below it on the first line that holds the text `near`."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return self.source.fault(self._line_with(near, line) if near else line, message)

    def _line_with(self, near: str, first: int) -> int:
        last = min((line for line in self.lines.values() if line > first), default=None)
        block = self.source.text.split("\n")[first - 1 : last and last - 1]
        return next((first + n for n, line in enumerate(block) if near in line), first)

    def build(
        self, model: type[_Model], *, renamed: Mapping[str, str], given: Mapping[str, str]
    ) -> tuple[_Model | None, list[Fault]]:
        """The file's data as a `model`, and what stands against it.

        `renamed` maps the file's keys to the model's (`holder` to `holders`); `given` are the
        fields that come from the file's place, which the file may repeat but not contradict.
        """
        faults = list(self._contradictions(given))
        data = {renamed.get(key, key): value for key, value in self.data.items()}
        wrong = {new for new in renamed.values() if new in self.data}
        faults += [self._unknown((key,), [*renamed]) for key in wrong]
        try:
            # Strict, so that "yes" is no truth; through JSON, so that a list may be a tuple.
            text = json.dumps({**data, **given}, default=_plain)
            return model.model_validate_json(text, strict=True), faults
        except ValidationError as error:
            names = {new: old for old, new in renamed.items()}
            return None, faults + [self._translate(one, names, model) for one in error.errors()]

    def _contradictions(self, given: Mapping[str, str]) -> Iterator[Fault]:
        for key, value in given.items():
            if self.data.get(key, value) != value:
                yield self.fault((key,), f"`{key}` must be {value!r}, as the file's place says")

    def _translate(self, error: Any, names: Mapping[str, str], model: type[BaseModel]) -> Fault:
        first, *rest = error["loc"]
        path: Path = (names.get(first, first), *rest)
        key = ".".join(str(part) for part in path if part != "[key]")
        if error["type"] == "missing":
            return self.fault(path, f"`{key}` is missing")
        if error["type"] == "extra_forbidden":
            known = [old for old in (names.get(n, n) for n in model.model_fields)]
            return self._unknown(path, known if len(path) == 1 else [])
        message = error["msg"][0].lower() + error["msg"][1:]
        near = error["input"] if isinstance(error["input"], str) else ""
        return self.fault(path, f"`{key}`: {message}", near=near)

    def _unknown(self, path: Path, known: list[str]) -> Fault:
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        return self.fault(path, f"unknown key `{'.'.join(map(str, path))}`{hint}")


def parse_toml(source: Source) -> tuple[TomlFile | None, list[Fault]]:
    """Read one TOML file.  No file comes back when its syntax is broken."""
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else source.text.count("\n") + 1
        reason = _AT_LINE.sub("", str(error)).strip()
        return None, [source.fault(line, f"not valid TOML: {reason}")]
    file = TomlFile(source, data, _find_lines(source.text))
    if any(unfit_characters(source.text)):
        return file, []  # told already, with the exact line
    return file, list(_escaped_characters(file))


def _plain(value: object) -> str:
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise TypeError(f"TOML has no {type(value).__name__}")


def _escaped_characters(file: TomlFile) -> Iterator[Fault]:
    """Characters that are plain ASCII in the text, such as \\u202E, and unfit once read."""
    for path, text in _strings(file.data, ()):
        for _, reason in unfit_characters(text):
            yield file.fault(path, reason)


def _strings(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, (*path, number))


def _find_lines(text: str) -> dict[Path, int]:
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    fence = ""
    for number, line in enumerate(text.split("\n"), start=1):
        inside, fence = fence, _fence_after(line, fence)
        if inside:
            continue
        if header := _HEADER.match(line):
            table = _table(header[2], header[1] == "[[", counts)
            lines.setdefault(table, number)
            if header[1] == "[[":
                lines.setdefault(table[:-1], number)  # a list of tables begins with its first
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _fence_after(line: str, fence: str) -> str:
    """The quotes of a string over many lines that is still open after `line`, or nothing."""
    for quotes in (fence,) if fence else ('"""', "'''"):
        if line.count(quotes) % 2:
            return "" if fence else quotes
    return fence


def _table(dotted: str, is_array: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    *above, last = _parts(dotted)
    for part in above:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, last)
    if is_array:
        counts[path] = counts.get(path, -1) + 1
        return (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_NAME, dotted)]
