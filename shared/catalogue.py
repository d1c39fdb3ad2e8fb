"""What a campaign asks, of whom, and how: the catalogue, read by intake and dispatch.

Owns nothing: intake writes the entries (from packs, see services/intake/packs), this module gives
them back as typed, frozen values.  In: the table `catalogue_entries`.  Out: `Catalogue`.
"""

import datetime as dt
import operator
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.addresses import PostalAddress as PostalAddress
from shared.countries import Country, CountryNames

#: What a template may say in `{{ … }}`.  Nothing else: campaign text is never a program.
PLACEHOLDERS = {
    "salutation": "how this holder is addressed, in the template's language",
    "holder": "the holder's name, or the office where no holder is known",
    "office": "the office's name",
    "case": "the case's name",
    "words": "the supporter's own words, exactly as typed; a paragraph of its own",
    "supporter": "the supporter's name, by consent",
    "country": "the supporter's country, by consent",
}
PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)]


class Channel(StrEnum):
    EMAIL = "email"  # an email to the recipient's mailbox
    LETTER = "letter"  # a letter on paper, through a print vendor
    POSTCARD = "postcard"  # a card on paper, through a print vendor
    PETITION = "petition"  # a name under a shared text, handed over with all others
    OWN_POST = "own_post"  # the supporter posted it: counted, never printed
    PUBLIC = "public"  # in public, under the supporter's own account: counted, never sent


class Kind(StrEnum):
    APPEAL = "appeal"  # to an authority, asking it to act
    SOLIDARITY = "solidarity"  # to the person at risk or their family
    SIGNATURE = "signature"  # under a petition to an authority
    PUBLIC_POST = "public_post"  # a tweet, a Facebook post


#: Which kind of action goes by which channel.
CHANNELS_OF: Mapping[Kind, tuple[Channel, ...]] = {
    Kind.APPEAL: (Channel.EMAIL, Channel.LETTER, Channel.POSTCARD, Channel.OWN_POST),
    Kind.SOLIDARITY: (Channel.EMAIL, Channel.LETTER, Channel.POSTCARD, Channel.OWN_POST),
    Kind.SIGNATURE: (Channel.PETITION,),
    Kind.PUBLIC_POST: (Channel.PUBLIC,),
}
#: What Writ carries; by the other channels an action is only counted.
CARRIED = (Channel.EMAIL, Channel.LETTER, Channel.POSTCARD, Channel.PETITION)
#: Kinds that are written in a text of the case.
WRITTEN = (Kind.APPEAL, Kind.SOLIDARITY)


class Duplicates(StrEnum):
    """When a supporter's second action for a case is a duplicate: kept, and never sent."""

    PER_CHANNEL = "per_channel"  # to the same recipients by the same channel
    PER_KIND = "per_kind"  # to the same recipients, by whatever channel
    ALLOWED = "allowed"  # never


class Replies(StrEnum):
    """Where an office's answer goes: what an email's Reply-To says."""

    SUPPORTER = "supporter"  # to the supporter who asked for replies; else to nobody
    CAMPAIGN = "campaign"  # to `sender.mailbox`, with a token that names the delivery
    NONE = "none"  # to the From address alone


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sender(_Frozen):
    """Who the campaign's emails and letters come from, always on a domain of its own."""

    name: str
    email: str  # the From address; the supporter's name goes in front of it
    postal: str  # one line, printed small above a letter's address
    place: str  # the town that letters are dated from
    show_supporter: bool = True  # the supporter's name stands in front of the From address
    mailbox: str | None = None  # where answers are read, with a token before the `@`
    # On envelopes: what its post asks for.
    country_names: Annotated[CountryNames, Field(exclude_if=CountryNames.ENGLISH.__eq__)] = (
        CountryNames.ENGLISH
    )


class Campaign(_Frozen):
    slug: Slug
    name: str
    organiser: str
    opens: dt.date
    closes: dt.date | None = None  # the last day on which actions are taken; None: open
    sender: Sender
    confirmation: bool = False  # an action waits until its supporter says "yes, this was me"
    retention_days: Annotated[int, Field(ge=1)] = 730  # how long supporters' data is kept
    replies: Replies = Replies.SUPPORTER
    forward: bool = False  # an answer that a person wrote is passed on to the supporter
    follow_reading: bool = False  # opened and clicked are recorded, where the provider tells
    source: str


class Moderation(_Frozen):
    """What is held for a person to read, besides threats and abuse.  Nothing is dropped."""

    links: bool = True
    phone_numbers: bool = True
    other_script: bool = True  # words in another script than the language is written in
    forbidden: tuple[str, ...] = ()  # words that could harm: a religion, an organisation
    #: So many near-identical texts within an hour are held from there on; 0: never.
    similar_per_hour: Annotated[int, Field(ge=0)] = 20
    #: So many actions of one supporter within an hour are held from there on; 0: never.
    per_supporter_per_hour: Annotated[int, Field(ge=0)] = 20


class PaperFallback(_Frozen):
    """Where paper goes while the post does not reach a recipient."""

    by: Literal["embassy", "section"]  # of its country, where we are; of the organisation, there
    to: Slug  # a recipient of the same kind, with a text of its own address and salutation
    instead_of: Slug | None = None  # whose paper; None: any of the case's


class Policy(_Frozen):
    """Do no harm, for one case.  The machine enforces it."""

    channels: tuple[Channel, ...]
    kinds: tuple[Kind, ...] = (Kind.APPEAL, Kind.SOLIDARITY)
    duplicates: Duplicates = Duplicates.PER_CHANNEL
    moderation: Moderation = Moderation()
    show_supporter_name: bool = True
    show_supporter_country: bool = True
    embargo_until: AwareDatetime | None = None  # nothing leaves before this moment
    stopped: bool = False  # nothing leaves, and no action is taken
    #: In this order, where the post does not reach the recipient; without one it is held.
    paper_fallback: Annotated[tuple[PaperFallback, ...], Field(exclude_if=operator.not_)] = ()

    def fallbacks(self, recipient: str) -> tuple[PaperFallback, ...]:
        return tuple(
            one
            for one in self.paper_fallback
            if one.instead_of in {None, recipient} and one.to != recipient
        )


class Case(_Frozen):
    slug: Slug
    campaign: Slug
    name: str
    country: Country
    summary: str
    ask: str
    policy: Policy
    authorities: tuple[Slug, ...]  # the default recipients of appeals
    solidarity: tuple[Slug, ...] = ()  # the default recipients of solidarity messages
    source: str


class Holder(_Frozen):
    """Who held an office, and from when to when (dates inclusive; None: not known or not ended)."""

    name: Annotated[str, Field(max_length=200)]
    since: dt.date | None = None
    until: dt.date | None = None
    salutations: Mapping[Language, str] = Field(default_factory=dict)
    source: str


class Mailbox(_Frozen):
    email: str
    since: dt.date | None = None
    until: dt.date | None = None
    hold: str | None = None
    source: str


class Pace(_Frozen):
    """How many emails a mailbox gets, by all campaigns together: politely, and not to be blocked.

    Gmail takes 60 a minute from everybody and then suspends the mailbox, Exchange Online 1,200 an
    hour from one sender; people take far fewer.
    """

    per_hour: Annotated[int, Field(ge=1, le=1200)] = 30  # in the best hours of a working day
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 16  # local: when the day's digest leaves
    weekends: bool = False  # emails leave on days off, too
    region: str | None = None  # of the country, for its holidays: ISO 3166-2 without the country


class Recipient(_Frozen):
    slug: Slug
    kind: Literal["authority", "solidarity"]
    office: str  # the office; for a solidarity recipient, whom the post is handed to
    country: Country
    languages: tuple[Language, ...]  # in which it may be written to, the best first
    time_zone: str
    salutations: Mapping[Language, str] = Field(default_factory=dict)  # for the office itself
    holders: tuple[Holder, ...] = ()
    addresses: tuple[PostalAddress, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    pace: Pace = Pace()
    paper_hold: str | None = None  # why paper waits where no complete address is known
    source: str

    def holder_on(self, day: dt.date) -> Holder | None:
        return _in_force(self.holders, day)

    def address_on(self, day: dt.date) -> PostalAddress | None:
        return _in_force(self.addresses, day)

    def mailbox_on(self, day: dt.date) -> Mailbox | None:
        return _in_force(self.mailboxes, day)


class Template(_Frozen):
    """One text: a case, a kind and a language.  The body is light Markdown with placeholders."""

    case: Slug
    kind: Kind
    language: Language
    subject: str
    body: str

    @property
    def key(self) -> str:
        return f"{self.case}/{self.kind}.{self.language}"


Entry = Campaign | Case | Recipient | Template
ENTRY_TYPES: Mapping[str, type[Entry]] = {
    "campaign": Campaign,
    "case": Case,
    "recipient": Recipient,
    "template": Template,
}


def entry_key(entry: Entry) -> tuple[str, str]:
    """The table's two words for an entry: its type and its key, unique within the type."""
    if isinstance(entry, Template):
        return "template", entry.key
    return type(entry).__name__.lower(), entry.slug


class Catalogue:
    """Every current entry, by key.  Immutable: a newer load makes a newer catalogue."""

    def __init__(self, entries: Iterable[Entry], *, version: int = 0) -> None:
        by_type: dict[str, dict[str, Entry]] = {name: {} for name in ENTRY_TYPES}
        for entry in entries:
            name, key = entry_key(entry)
            by_type[name][key] = entry
        self.version = version
        self._by_type = by_type

    @cached_property
    def campaigns(self) -> Mapping[str, Campaign]:
        return {k: e for k, e in self._by_type["campaign"].items() if isinstance(e, Campaign)}

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        return {k: e for k, e in self._by_type["case"].items() if isinstance(e, Case)}

    @cached_property
    def recipients(self) -> Mapping[str, Recipient]:
        return {k: e for k, e in self._by_type["recipient"].items() if isinstance(e, Recipient)}

    @cached_property
    def templates(self) -> Mapping[str, Template]:
        return {k: e for k, e in self._by_type["template"].items() if isinstance(e, Template)}

    def template(self, case: str, kind: str, language: str) -> Template | None:
        return self.templates.get(f"{case}/{kind}.{language}")


_Dated = TypeVar("_Dated", Holder, PostalAddress, Mailbox)


def _in_force(dated: tuple[_Dated, ...], day: dt.date) -> _Dated | None:
    """The entry whose dates hold `day`; of several, the one that began last."""
    fitting = [
        one for one in dated if (one.since or dt.date.min) <= day <= (one.until or dt.date.max)
    ]
    return max(fitting, key=lambda one: one.since or dt.date.min, default=None)
