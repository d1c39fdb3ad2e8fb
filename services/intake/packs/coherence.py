"""What must be true between the files of a pack: every name leads somewhere, every text is read.

In: the files as they were read.  Out: the faults that no single file shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.intake.moderation.phrases import Phrases
from services.intake.packs.fallbacks import fallback_faults, fallback_offices
from services.intake.packs.recipients import is_language, shared_mailbox_faults
from services.intake.packs.source import Fault, Source
from services.intake.packs.toml_file import TomlFile
from shared.catalogue import WRITTEN, Campaign, Case, Entry, Kind, Recipient, Template


@dataclass
class TemplateFile:
    source: Source | None
    file: str
    template: Template | None = None


@dataclass
class PackFiles:
    """All files by name; None stands for a file that is there and could not be read."""

    campaign: Campaign | None = None
    campaign_seen: bool = False
    cases: dict[str, tuple[TomlFile, Case] | None] = field(default_factory=dict)
    recipients: dict[str, tuple[TomlFile, Recipient] | None] = field(default_factory=dict)
    templates: dict[tuple[str, Kind, str], TemplateFile] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        if self.campaign:
            yield self.campaign
        yield from (found[1] for found in self.cases.values() if found)
        yield from (found[1] for found in self.recipients.values() if found)
        yield from (one.template for one in self.templates.values() if one.template)


def coherence_faults(files: PackFiles) -> Iterator[Fault]:
    if not files.campaign_seen:
        yield Fault("pack.toml", 1, "the file that names the campaign is missing")
    if not files.cases:
        yield Fault("pack.toml", 1, "the pack has no case: add cases/<slug>/case.toml")
    for found in files.cases.values():
        if found:
            yield from _case_faults(files, *found)
    yield from _template_faults(files)
    yield from shared_mailbox_faults(found for found in files.recipients.values() if found)
    yield from _unused(files)


def _named(case: Case, kind: Kind) -> tuple[str, tuple[str, ...]]:
    """The key and the recipients of one kind of action for a case."""
    if kind is Kind.SOLIDARITY:
        return "solidarity", case.solidarity
    return "authorities", case.authorities


def _case_faults(files: PackFiles, file: TomlFile, case: Case) -> Iterator[Fault]:
    if not case.policy.channels:
        yield file.fault(("policy", "channels"), "a case needs at least one channel")
    if not case.policy.kinds:
        yield file.fault(("policy", "kinds"), "a case needs at least one kind")
    yield from _moderation_faults(file, case)
    yield from fallback_faults(file, case, files.recipients)
    for kind in WRITTEN:
        key, slugs = _named(case, kind)
        yield from _named_recipients(files, file, key, slugs)
    for kind in case.policy.kinds:
        yield from _allowed_kind(files, file, case, kind)


def _moderation_faults(file: TomlFile, case: Case) -> Iterator[Fault]:
    try:
        Phrases.of(case.policy.moderation.forbidden)
    except ValueError as error:
        yield file.fault(("policy", "moderation", "forbidden"), str(error))


def _allowed_kind(files: PackFiles, file: TomlFile, case: Case, kind: Kind) -> Iterator[Fault]:
    key, slugs = _named(case, kind)
    if kind is Kind.PUBLIC_POST:
        return  # to nobody in particular
    if not slugs:
        why = f"`policy.kinds` allows {kind}, but `{key}` names no recipient"
        yield file.fault((key,), why) if key in file.data else file.fault(("policy", "kinds"), why)
    if kind in WRITTEN and (case.slug, kind, "en") not in files.templates:
        why = f"the kind {kind} is allowed, but there is no {kind}.en.md"
        yield file.fault(("policy", "kinds"), why)


def _named_recipients(
    files: PackFiles, file: TomlFile, key: str, slugs: tuple[str, ...]
) -> Iterator[Fault]:
    kind = "authority" if key == "authorities" else "solidarity"
    for number, slug in enumerate(slugs):
        found = files.recipients.get(slug)
        why = None
        if slug not in files.recipients:
            why = f"unknown recipient `{slug}`: there is no recipients/{slug}.toml"
        elif found and found[1].kind != kind:
            why = f"`{slug}` is of the kind {found[1].kind} and cannot stand in `{key}`"
        elif slug in slugs[:number]:
            why = f"`{slug}` stands here twice"
        if why:
            yield file.fault((key,), why, near=f'"{slug}"')


def _template_faults(files: PackFiles) -> Iterator[Fault]:
    homeless = sorted({slug for slug, _, _ in files.templates} - files.cases.keys())
    for slug in homeless:
        yield Fault(f"cases/{slug}/case.toml", 1, "the file that describes the case is missing")
    for (slug, kind, language), text in files.templates.items():
        if not is_language(language):
            yield Fault(text.file, 1, f"unknown language {language!r} in the file's name")
        found = files.cases.get(slug)
        if found is None:
            continue
        case = found[1]
        if kind not in case.policy.kinds:
            yield Fault(text.file, 1, f"`policy.kinds` does not allow {kind} for this case")
        else:
            yield from _readers(files, case, kind, language)


def _readers(files: PackFiles, case: Case, kind: Kind, language: str) -> Iterator[Fault]:
    """A text in a language needs a recipient who reads it, and a salutation for every one."""
    known = [found for slug in _named(case, kind)[1] if (found := files.recipients.get(slug))]
    text = f"cases/{case.slug}/{kind}.{language}.md"
    if known and not any(language in recipient.languages for _, recipient in known):
        why = f"no recipient of this text has {language!r} among its `languages`"
        yield Fault(text, 1, why)
    for file, recipient in (*known, *fallback_offices(case, kind, files.recipients)):
        if not _is_addressed(recipient, language):
            yield file.fault(("salutations",), f"no salutation in {language!r}, which {text} needs")


def _is_addressed(recipient: Recipient, language: str) -> bool:
    if language in recipient.salutations:
        return True
    holders = recipient.holders
    return bool(holders) and all(language in holder.salutations for holder in holders)


def _unused(files: PackFiles) -> Iterator[Fault]:
    cases = [found[1] for found in files.cases.values() if found]
    if len(cases) < len(files.cases):
        return  # a case that could not be read may name any of them
    used = {slug for case in cases for slug in (*case.authorities, *case.solidarity)}
    used |= {one.to for case in cases for one in case.policy.paper_fallback}
    for slug in sorted(files.recipients.keys() - used):
        yield Fault(f"recipients/{slug}.toml", 1, "no case names this recipient")
