"""Runs a Markdown file's examples, in order, and compares what they print with what it shows.

In: ```sh and ```python blocks, each followed by what it prints (```json or ```text) or by nothing.
An id in the text stands for whatever id came at its place: equal ids must stay equal, and the
examples below it use the real one.  `…` in JSON leaves something out.  After `<!-- soon -->` an
example is asked again until it holds.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"(<!-- soon -->\n)?```(sh|python|json|text)\n(.*?)```\n", re.DOTALL)
_ID = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)"
    r"|(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[a-z2-7]{26}\b)"
    r"|(?P<key>writ_(?:test|live)_\S+)"
)
_LEFT_OUT = re.compile(r"^\s*…,?\s*$|,?\s*…(?=[}\]])", re.MULTILINE)
_LOOSE_COMMA = re.compile(r",(\s*[}\]])")
_PATIENCE_S = 40

_END = "\0\n"
_INTERPRETER = """
import json, sys, traceback
names = {}
for line in sys.stdin:
    try:
        exec(json.loads(line), names)
    except Exception:
        traceback.print_exc(file=sys.stdout)
    print("\\0", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Example:
    line: int
    language: str
    source: str
    shown: str | None
    form: str  # of what is shown: json or text
    soon: bool


def examples(guide: Path) -> Iterator[Example]:
    text = guide.read_text(encoding="utf-8")
    blocks = list(_BLOCK.finditer(text))
    for number, block in enumerate(blocks):
        if block[2] in {"json", "text"}:
            continue
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        shown = after if after and after[2] in {"json", "text"} else None
        yield Example(
            line=text[: block.start()].count("\n") + 1,
            language=block[2],
            source=block[3],
            shown=shown[3] if shown else None,
            form=shown[2] if shown else "",
            soon=block[1] is not None,
        )


@dataclass(slots=True)
class Reader:
    """Somebody who types the guide in, in one folder, from top to bottom."""

    folder: Path
    env: dict[str, str]
    real: dict[str, str] = field(default_factory=dict)  # what stands in the guide → what it is
    _python: subprocess.Popen[str] | None = None

    def close(self) -> None:
        if self._python:
            self._python.communicate()

    def try_out(self, example: Example) -> None:
        """Raises AssertionError where it is not as shown."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            printed = self._run(example)
            try:
                return self._compare(example, printed)
            except AssertionError:
                if not example.soon or time.monotonic() > end:
                    raise
            time.sleep(0.5)

    def _run(self, example: Example) -> str:
        source = self._translated(example.source)
        if example.language == "sh":
            return self._sh(source)
        return self._py(source)

    def _py(self, source: str) -> str:
        """In one interpreter, as somebody would who goes on where they were."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(source) + "\n")
        self._python.stdin.flush()
        printed = "".join(iter(self._python.stdout.readline, _END))
        assert "Traceback" not in printed, printed
        return printed

    def _sh(self, source: str) -> str:
        keep = self.folder / "environment"
        printed = self._call(["bash", "-euc", f"{source}\nenv -0 > {keep}"])
        pairs = keep.read_text(encoding="utf-8").split("\0")[:-1]
        self.env |= dict(pair.split("=", 1) for pair in pairs)
        return printed

    def _call(self, command: list[str]) -> str:
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def _translated(self, source: str) -> str:
        for written, real in self.real.items():
            source = source.replace(written, real)
        return source

    def _compare(self, example: Example, printed: str) -> None:
        found: dict[str, str] = {}
        if example.form == "json":
            shown = example.shown or ""
            partly = "…" in shown
            for ours, theirs in zip(_documents(shown), _documents(printed), strict=True):
                self._same(ours, theirs, found, partly=partly)
        elif example.shown is not None:
            self._same_text(example.shown.strip(), printed.strip(), found)
        self.real |= found

    def _same(self, shown: Any, real: Any, found: dict[str, str], *, partly: bool) -> None:
        if isinstance(shown, dict):
            assert isinstance(real, dict)
            assert shown.keys() <= real.keys() if partly else shown.keys() == real.keys()
            for name, value in shown.items():
                self._same(value, real[name], found, partly=partly)
        elif isinstance(shown, list):
            self._same_list(shown, real, found, partly=partly)
        elif isinstance(shown, str) and isinstance(real, str):
            self._same_text(shown, real, found)
        else:
            assert shown == real

    def _same_list(
        self, shown: list[Any], real: Any, found: dict[str, str], *, partly: bool
    ) -> None:
        """Where something is left out, each that is shown is one of those there are, in order."""
        if not partly:
            assert len(shown) == len(real)
        left = iter(real)
        for one in shown:
            assert any(self._fits(one, other, found, partly=partly) for other in left), one

    def _fits(self, shown: Any, real: Any, found: dict[str, str], *, partly: bool) -> bool:
        tried = dict(found)
        try:
            self._same(shown, real, tried, partly=partly)
        except AssertionError:
            return False
        found |= tried
        return True

    def _same_text(self, shown: str, real: str, found: dict[str, str]) -> None:
        real = real.replace(self.env["WRIT_URL"], "http://127.0.0.1:8000")
        if (_shape(shown), len(_ids(shown))) != (_shape(real), len(_ids(real))):
            raise AssertionError(f"shown {shown!r}, but it is {real!r}")
        for ours, theirs in zip(_ids(shown), _ids(real), strict=True):
            known = self.real | found
            assert known.get(ours, theirs) == theirs, f"{ours} was {known[ours]}, is {theirs}"
            found[ours] = theirs


def _ids(text: str) -> list[str]:
    return [one[0] for one in _ID.finditer(text) if not one["time"]]


def _shape(text: str) -> str:
    return _ID.sub(lambda one: f"<{one.lastgroup}>", text)


def _documents(text: str) -> list[Any]:
    """One JSON document, or one on each line."""
    text = _LOOSE_COMMA.sub(r"\1", _LEFT_OUT.sub("", text))
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
