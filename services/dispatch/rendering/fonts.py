"""The fonts letters are set in: Noto, from three pinned PyPI packages, and no other.

Owns: fonts.json, the SHA-256 of every file. In: the installed packages. Out: one `typst.Fonts` that
holds exactly those files, so that the same letter is the same bytes on every machine.
"""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Final

import typst

SERIF: Final = "Noto Serif"
SANS: Final = "Noto Sans"

SCRIPTS: Final = tuple(
    f"{SANS} {script}"
    for script in (
        "Arabic",
        "Hebrew",
        "Thai",
        "Devanagari",
        "Bengali",
        "Gurmukhi",
        "Gujarati",
        "Oriya",
        "Tamil",
        "Telugu",
        "Kannada",
        "Malayalam",
        "Sinhala",
        "Lao",
        "Khmer",
        "Myanmar",
        "Ethiopic",
        "Georgian",
        "Armenian",
    )
)
"""One family a script; each is a fallback for a name or a quotation inside any other letter."""

PICTURES: Final = (f"{SANS} Symbols", "Noto Emoji")

MANIFEST: Final = Path(__file__).with_name("fonts.json")


class FontFault(Exception):
    """A font file is missing, extra or not the one we measured; names the package and the file."""


def load_fonts(manifest: Path = MANIFEST) -> typst.Fonts:
    """Verify every font file and load them all, about 0.2 s.  Raises FontFault.

    Once a process: the answer is read-only and may be shared by every thread's compiler.
    """
    packages: dict[str, dict[str, str]] = json.loads(manifest.read_text())
    folders = [_verified_folder(place, sums) for place, sums in packages.items()]
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=folders
    )
    found = {Path(font.path).name for font in fonts.fonts() if font.path}
    known = {name for sums in packages.values() for name in sums}
    if found != known:
        raise FontFault(f"font files that differ from the list: {sorted(found ^ known)}")
    return fonts


def _verified_folder(place: str, sums: dict[str, str]) -> Path:
    package, _, inner = place.partition("/")
    try:
        folder = Path(str(files(package))) / inner
    except ModuleNotFoundError:
        raise FontFault(f"font package {package} is not installed") from None
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise FontFault(f"font file {name} of {package} is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise FontFault(f"font file {name} of {package} is not the one in fonts.json")
    return folder
