"""Words the page that lies on top of a pile: what it holds, where it goes, how to tell its number.

In: a count, the catalogue, a language.  Out: `CoverSheetOrder`, which dispatch sets.  The pile goes
to whoever runs the campaign: it is counted there, and no recipient's address is ever told.
Owns pile.json, the words of this page and of the one that its code leads to (edges/pile.py).
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from babel.numbers import format_decimal

from services.intake.counts.counts import Count
from services.intake.links import SignedLinks
from shared import spoken
from shared.catalogue import Campaign, Catalogue, Channel, Kind
from shared.previews import CoverSheetOrder

PATH = "/pile/"
OPEN_FOR = dt.timedelta(days=180)  # so long a pile's number may be told by its link

FAULT_CODES: Mapping[str, str] = {
    "not_on_paper": "Only letters, postcards and signatures on paper lie in a pile.",
    "case_stopped": "The case was stopped: nothing is to be sent in for it.",
    "not_printable": "The words cannot be printed; `detail` says why.",
}
_ON_PAPER = (Channel.LETTER, Channel.POSTCARD, Channel.PETITION)


def pile_links(identity_key: bytes, public_url: str) -> SignedLinks:
    """Whoever holds the paper may tell the number of that very pile, and nothing else."""
    return SignedLinks(identity_key, b"pile", f"{public_url}{PATH}")


def words(language: str) -> Mapping[str, str]:
    """What is said in this language; spoken.language_of finds one of ours."""
    return _words()[language]


def languages() -> Mapping[str, str]:
    """Each language with its own name."""
    return {language: said["own_name"] for language, said in _words().items()}


def contents(count: Count, language: str) -> str:
    """“Letters to the authorities”."""
    return words(language).get(f"{count.kind}/{count.channel}", "")


def day(count: Count, language: str) -> str:
    return spoken.day(dt.datetime.combine(count.event_on, dt.time(12), dt.UTC), language)


def number(value: int, language: str) -> str:
    return format_decimal(value, locale=language)


def is_open(count: Count, at: dt.datetime) -> bool:
    """Whether its number may still be told by its link."""
    return count.withdrawn_at is None and at < count.reported_at + OPEN_FOR


def why_none(channel: str, case: str, catalogue: Catalogue) -> str | None:
    """The code of the reason why no pile is to be sent in; None: it may be."""
    if channel not in _ON_PAPER:
        return "not_on_paper"
    known = catalogue.cases.get(case)
    return "case_stopped" if known is None or known.policy.stopped else None


def order(count: Count, catalogue: Catalogue, links: SignedLinks, language: str) -> CoverSheetOrder:
    """The whole page.  The case must be in the catalogue: why_none says so."""
    said = words(language)
    campaign = catalogue.campaigns[catalogue.cases[count.case].campaign]
    label = said["signatures"] if count.kind == Kind.SIGNATURE else said["number"]
    return CoverSheetOrder(
        language=language,
        top=said["top"],
        title=catalogue.cases[count.case].name,
        rows=tuple(_rows(count, campaign, language)),
        number=(label, None if count.number is None else number(count.number, language)),
        write=said["write"],
        send_to=(said["send_to"], (campaign.organiser, *campaign.sender.postal.split(", "))),
        scan=(said["tell"] if count.number is None else said["right"], said["scan"]),
        link=links.link(count.id),
    )


def _rows(count: Count, campaign: Campaign, language: str) -> Iterator[tuple[str, str]]:
    said = words(language)
    yield said["campaign"], campaign.name
    yield said["pile"], contents(count, language)
    if count.organiser:  # else forgotten: its time was over
        yield said["organiser"], count.organiser
    yield said["day"], day(count, language)


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    text = files("services.intake.counts").joinpath("pile.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found
