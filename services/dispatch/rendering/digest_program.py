"""A program of its own: one part of a digest's pages, JSON on its stdin, the PDF on its stdout.

Beside the worker, not in it: what Typst keeps of so many pages goes with the process, as in
docs/decisions/0013.  A character that no font of ours has is shown as a box, for one supporter's
sign must not keep thousands of messages back.  Exit status 1 where it cannot be set.
"""

import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from services.dispatch.rendering.faults import GlyphMissing, LetterFault
from services.dispatch.rendering.press import Press

TEMPLATE: Final = Path(__file__).with_name("digest.typ")
BOX: Final = "\u25a1"
MOST_BYTES: Final = 2 * 1024**3  # of address space
MOST_SECONDS: Final = 90  # of processor time
_ROUNDS: Final = 5  # Typst names all that is missing at once; a second look finds what that hid


def set_pages(press: Press, data: dict[str, Any]) -> bytes:
    """The PDF.  Raises LetterFault."""
    for _ in range(_ROUNDS):
        try:
            return press.print("digest", data)
        except GlyphMissing as missing:
            boxes = str.maketrans(dict.fromkeys(missing.characters, BOX))
            data = _translated(data, boxes)
    return press.print("digest", data)


def _translated(told: Any, boxes: dict[int, str]) -> Any:
    match told:
        case str():
            return told.translate(boxes)
        case list():
            return [_translated(one, boxes) for one in told]
        case dict():
            return {name: _translated(one, boxes) for name, one in told.items()}
        case _:
            return told


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = from_json(sys.stdin.buffer.read())
    try:
        # A place that cannot exist: a template of ours loads no packages.
        pdf = set_pages(Press(TEMPLATE, Path(os.devnull)), data)
    except LetterFault:
        return 1
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
