"""The console's style and script: Bootstrap from its PyPI package, and two small files of our own.

Out: bytes by name, served from here alone: no CDN.  Bootstrap's dark colours hang on an attribute
that a script would have to set; here they hang on what the reader's system asks for instead.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

_BOOTSTRAP = "static/bootstrap5/css/bootstrap.min.css"
_DARK_RULE = re.compile(r"([^{}]*\[data-bs-theme=dark\][^{}]*)\{([^{}]*)\}")
_OWN = files("services.tracking.console")


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    mimetype: str

    @property
    def version(self) -> str:
        """Changes when the content does: browsers may keep an asset for ever."""
        return hashlib.sha256(self.content).hexdigest()[:12]


def load_assets() -> Mapping[str, Asset]:
    """Every asset by its name, read once."""
    bootstrap = _bootstrap()
    style = _OWN.joinpath("console.css").read_text(encoding="utf-8")
    return {
        "bootstrap.css": Asset(bootstrap.encode(), "text/css"),
        "console.css": Asset((dark_rules(bootstrap) + style).encode(), "text/css"),
        "console.js": Asset(_OWN.joinpath("console.js").read_bytes(), "text/javascript"),
    }


def dark_rules(css: str) -> str:
    """Bootstrap's rules for the dark, for whoever's system is dark."""
    rules = (
        f"{selector.replace('[data-bs-theme=dark]', ':root')}{{{body}}}"
        for selector, body in _DARK_RULE.findall(css)
        if ".navbar" not in selector  # dark on any page: not a matter of the theme
    )
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}\n"


def _bootstrap() -> str:
    # Its file alone is wanted: importing the package would bring in WTForms as well.
    spec = find_spec("flask_bootstrap")
    assert spec is not None
    assert spec.origin is not None
    css = (Path(spec.origin).parent / _BOOTSTRAP).read_text(encoding="utf-8")
    return css.removesuffix("\n").rpartition("/*# sourceMappingURL")[0] or css
