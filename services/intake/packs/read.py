"""Reads a pack: a folder, written by hand, that says what a campaign asks, of whom and how.

Owns nothing and writes nothing.  In: a folder such as `packs/write-for-rights-2021`.  Out: the
entries of `shared.catalogue`, or every fault of the folder at once, each with its file and line.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from services.intake.packs.campaigns import campaign_faults
from services.intake.packs.coherence import PackFiles, TemplateFile, coherence_faults
from services.intake.packs.doubts import doubts
from services.intake.packs.recipients import country_fault, recipient_faults, with_lines
from services.intake.packs.source import Fault, PackFaults, Source, read_source
from services.intake.packs.templates import read_template
from services.intake.packs.toml_file import TomlFile, parse_toml
from shared.catalogue import WRITTEN, Campaign, Case, Entry, Kind, Recipient, Template

__all__ = ["Fault", "Pack", "PackFaults", "read_pack"]

CAMPAIGN_FILE = "pack.toml"
# No longer than `Slug` and `Language` in shared/catalogue.py.
_SLUG = r"(?![a-z0-9-]{65})[a-z0-9]+(?:-[a-z0-9]+)*"
_LANGUAGE = r"(?![A-Za-z0-9-]{17})[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
_CASE = re.compile(rf"cases/({_SLUG})/case\.toml")
_RECIPIENT = re.compile(rf"recipients/({_SLUG})\.toml")
_TEMPLATE = re.compile(rf"cases/({_SLUG})/({'|'.join(WRITTEN)})\.({_LANGUAGE})\.md")
_LISTS = {"holder": "holders", "address": "addresses", "mailbox": "mailboxes"}


@dataclass(frozen=True, slots=True)
class Pack:
    """The entries of one pack: its campaign, then its cases, recipients and texts, by key."""

    entries: tuple[Entry, ...]
    doubts: tuple[Fault, ...] = ()  # what looks odd, and may be right


def read_pack(folder: Path) -> Pack:
    """The pack in `folder`.  Raises PackFaults with all that is wrong, never only the first."""
    reader = _Reader(folder)
    faults = reader.read()
    if faults:
        raise PackFaults(faults)
    return Pack(tuple(reader.files.entries()), tuple(reader.doubts()))


@dataclass
class _Reader:
    """One pass over one folder."""

    folder: Path
    files: PackFiles = field(default_factory=PackFiles)
    faults: list[Fault] = field(default_factory=list)

    def read(self) -> list[Fault]:
        for file, path in self._walk():
            self._read_file(file, path)
        self._read_templates()
        self.faults += coherence_faults(self.files)
        return sorted(set(self.faults))

    def doubts(self) -> list[Fault]:
        """Of a pack without faults."""
        known = filter(None, self.files.recipients.values())
        return sorted({doubt for found in known for doubt in doubts(*found)})

    def _walk(self) -> list[tuple[str, Path]]:
        """Every file of the folder from A to Z, by its name relative to the folder."""
        found = []
        for path in sorted(self.folder.rglob("*")):
            file = path.relative_to(self.folder).as_posix()
            if path.is_symlink():
                self.faults.append(Fault(file, 1, "a link: put the file itself here"))
            elif path.is_file():
                found.append((file, path))
        return found

    def _read_file(self, file: str, path: Path) -> None:
        if file == "README.md":
            return
        if file == CAMPAIGN_FILE:
            self._read_campaign(self._toml(file, path))
        elif match := _CASE.fullmatch(file):
            self._read_case(match[1], self._toml(file, path))
        elif match := _RECIPIENT.fullmatch(file):
            self._read_recipient(match[1], self._toml(file, path))
        elif match := _TEMPLATE.fullmatch(file):
            key = (match[1], Kind(match[2]), match[3])
            self.files.templates[key] = TemplateFile(self._source(file, path), file)
        else:
            self.faults.append(Fault(file, 1, "a stray file: no part of a pack has this name"))

    def _source(self, file: str, path: Path) -> Source | None:
        source, faults = read_source(file, path.read_bytes())
        self.faults += faults
        return source

    def _toml(self, file: str, path: Path) -> TomlFile | None:
        source = self._source(file, path)
        if source is None:
            return None
        parsed, faults = parse_toml(source)
        self.faults += faults
        return parsed

    def _read_campaign(self, file: TomlFile | None) -> None:
        self.files.campaign_seen = True
        if file is None:
            return
        # The folder's own name is the campaign's slug: one name to say, everywhere.
        given = {"slug": self.folder.resolve().name}
        campaign, faults = file.build(Campaign, renamed={}, given=given)
        self.faults += faults
        if campaign:
            self.files.campaign = campaign
            self.faults += campaign_faults(file, campaign)

    def _read_case(self, slug: str, file: TomlFile | None) -> None:
        self.files.cases[slug] = None
        if file is None:
            return
        given = {"slug": slug, "campaign": self.folder.resolve().name}
        case, faults = file.build(Case, renamed={}, given=given)
        self.faults += faults
        if case:
            self.files.cases[slug] = (file, case)
            self.faults += country_fault(file, ("country",), case.country)

    def _read_recipient(self, slug: str, file: TomlFile | None) -> None:
        self.files.recipients[slug] = None
        if file is None:
            return
        recipient, faults = file.build(Recipient, renamed=_LISTS, given={"slug": slug})
        self.faults += faults
        if recipient:
            recipient = with_lines(recipient)
            self.files.recipients[slug] = (file, recipient)
            self.faults += recipient_faults(file, recipient)

    def _read_templates(self) -> None:
        """Last, since a subject's length depends on the case's name."""
        for (slug, kind, language), file in self.files.templates.items():
            if file.source is None:
                continue
            case = self.files.cases.get(slug)
            name = case[1].name if case else slug
            text, faults = read_template(file.source, case_name=name)
            self.faults += faults
            if text:
                file.template = Template(
                    case=slug, kind=kind, language=language, subject=text.subject, body=text.body
                )
