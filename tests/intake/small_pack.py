"""A small good pack, to be spoiled: `a_pack(parent, changes)` writes it with your changes."""

from collections.abc import Mapping
from pathlib import Path

SMALL: Mapping[str, str] = {
    "pack.toml": """\
slug = "small"
name = "A small campaign"
organiser = "A small organisation"
opens = 2030-01-01
closes = 2030-02-01
source = "https://source.example"
[sender]
name = "Letters"
email = "letters@small.example"
postal = "Letters, 1 Street, Town"
place = "Town"
""",
    "cases/ada/case.toml": """\
name = "Ada"
country = "BY"
summary = "Held for a letter."
ask = "Free Ada."
source = "https://source.example"
authorities = ["office"]
solidarity = [
  "ada",
]
[policy]
channels = ["email", "letter"]
kinds = ["appeal", "solidarity"]
""",
    "cases/ada/appeal.en.md": """\
---
subject: Please free {{ case }}
---

{{ salutation }},

Ada wrote a *letter* and
was taken **away**.

{{ words }}

- Free her.
- Hear her.

Yours sincerely,
""",
    "cases/ada/solidarity.en.md": """\
---
subject: For you
---
{{ salutation }},

{{ words }}

Yours,
""",
    "recipients/office.toml": """\
kind = "authority"
office = "The Office"
country = "BY"
languages = ["ru", "en"]
time_zone = "Europe/Minsk"
source = "https://source.example"
[salutations]
en = "Dear Office"
[[holder]]
name = "First Holder"
since = 2030-01-01
until = 2030-01-15
source = "https://source.example"
[[holder]]
name = "Second Holder"
since = 2030-01-16
salutations = { en = "Dear Second" }
source = "https://source.example"
[[address]]
lines = [
  "Street 1",
  "220000 Town",
]
country = "BY"
source = "https://source.example"
[[mailbox]]
email = "office@small.example"
source = "invented"
""",
    "recipients/ada.toml": """\
kind = "solidarity"
office = "Ada"
country = "BY"
languages = ["en"]
time_zone = "Europe/Minsk"
source = "https://source.example"
paper_hold = "No address was seen."
salutations = { en = "Dear Ada" }
""",
}

PACK, CASE, OFFICE = "pack.toml", "cases/ada/case.toml", "recipients/office.toml"
APPEAL, CARD, ADA = "cases/ada/appeal.en.md", "cases/ada/solidarity.en.md", "recipients/ada.toml"


def a_pack(parent: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Writes the pack into `parent`/small; a file whose change is None is left out."""
    folder = parent / "small"
    for file, content in {**SMALL, **(changes or {})}.items():
        if content is not None:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
