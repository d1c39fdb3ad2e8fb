"""A program of its own: one part of a long document, JSON on its stdin, the PDF on its stdout.

Arguments: the template's name, the seconds of processor time and the megabytes it may take.  A
character that no font of ours has is shown as a box, for one supporter's sign must not keep
thousands back.  Exit status 1 where it cannot be set.
"""

import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from services.dispatch.rendering.faults import GlyphMissing, LetterFault
from services.dispatch.rendering.press import Press

BOX: Final = "\u25a1"
_ROUNDS: Final = 5  # Typst names all that is missing at once; a second look finds what that hid


def set_pages(press: Press, name: str, data: dict[str, Any]) -> bytes:
    """The PDF; `name` is what the template calls its data.  Raises LetterFault."""
    for _ in range(_ROUNDS):
        try:
            return press.print(name, data)
        except GlyphMissing as missing:
            boxes = str.maketrans(dict.fromkeys(missing.characters, BOX))
            data = _translated(data, boxes)
    return press.print(name, data)


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


def main(template: str, seconds: int, megabytes: int) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1024**2,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = from_json(sys.stdin.buffer.read())
    path = Path(__file__).with_name(template)
    try:
        # A place that cannot exist: a template of ours loads no packages.
        pdf = set_pages(Press(path, Path(os.devnull)), path.stem, data)
    except LetterFault:
        return 1
    sys.stdout.buffer.write(pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
