"""What tools that speak OSDI send, put into our words; pure, and tolerant as OSDI asks.

In: a body of OSDI's record outreach or record signature helper, and the case it is for.  Out: a
`NewAction`, or `Refused` with pointers into that body.  Fields that we do not know are passed over,
those that we know are checked, and null is as good as absent.
Source: https://github.com/opensupporter/osdi-docs, record_outreach.md, record_signature.md,
people.md.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.models import Consent, NewAction, Supporter
from services.intake.offer import language_for
from shared.catalogue import Case, Catalogue, Channel, Kind
from shared.faults import Fault, Faults

#: OSDI's types of outreach that Writ carries.  A call or a visit is nothing to deliver.
CHANNELS = {"email": Channel.EMAIL, "postal mail": Channel.LETTER}

FAULT_CODES = {
    "no_targets": "The outreach names no target: it went to nobody, so it is not counted, and "
    "nothing was stored. There is nothing to send again.",
    "unknown_target": "None of the targets is in the advocacy campaign's `target_list`: the "
    "outreach is not counted, and nothing was stored.",
    "mixed_targets": "The person at risk and an authority are not written to in one outreach.",
    "type_not_carried": "Writ carries outreaches of the types `email` and `postal mail`.",
}

# people.md: an issuer and an id, in printable ASCII.
Identifier = Annotated[
    str, Field(pattern=r"^[!-9;-~][ -9;-~]*:[ -~]*[!-~]$", max_length=120, examples=["my-tool:88"])
]
_OURS = "writ:"
_NO_WORD = re.compile(r"[\W_]+")


_EXAMPLE: dict[str, Any] = {
    "identifiers": ["my_tool:outreach-88172"],
    "origin_system": "My Tool",
    "action_date": "2026-11-22T09:30:00Z",
    "person": {
        "given_name": "Ana",
        "family_name": "Beispiel",
        "email_addresses": [{"address": "ana@tools.example", "status": "subscribed"}],
        "postal_addresses": [{"country": "CH"}],
        "languages_spoken": ["en"],
    },
}


class _Theirs(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class OsdiEmail(_Theirs):
    address: str | None = None
    primary: bool | None = None
    status: str | None = Field(
        None, description="`subscribed` is consent to mailings; anything else, or nothing, is not"
    )


class OsdiPostal(_Theirs):
    country: str | None = Field(None, description="ISO 3166-1 alpha-2")
    primary: bool | None = None


class OsdiPerson(_Theirs):
    """The supporter."""

    identifiers: list[Identifier] | None = None
    given_name: str | None = None
    family_name: str | None = None
    email_addresses: list[OsdiEmail] | None = Field(
        None, description="The primary one is used, or else the first"
    )
    postal_addresses: list[OsdiPostal] | None = Field(None, description="Only for the country")
    languages_spoken: list[str] | None = Field(
        None, description="The text is the case's in the first of these that there is one in"
    )


class OsdiReferrer(_Theirs):
    source: str | None = None


class OsdiTarget(_Theirs):
    title: str | None = Field(
        None, description="The office as the case's `target_list` has it, or the recipient's slug"
    )
    organization: str | None = Field(None, description="Tried when no `title` fits")


def _shown(**own: Any) -> ConfigDict:
    """With an example of the whole."""
    return ConfigDict(json_schema_extra={"examples": [_EXAMPLE | own]})


class _Record(_Theirs):
    identifiers: list[Identifier] | None = Field(
        None,
        description="The first one makes a repeat safe: sent again, it gets the first answer. "
        "Those of ours (`writ:…`) are passed over",
    )
    origin_system: str | None = None
    action_date: AwareDatetime | None = None
    referrer_data: OsdiReferrer | None = None
    person: OsdiPerson


class RecordOutreach(_Record):
    """OSDI's record outreach helper."""

    model_config = _shown(
        type="email",
        targets=[{"title": "President of China"}],
        message="I read about her in my town, and I will not forget her name.",
    )

    type: str | None = Field(
        None, description="`email` or `postal mail`; without it, the advocacy campaign's"
    )
    subject: str | None = Field(None, description="Taken, and not used: the case has its own")
    message: str | None = Field(None, description="The supporter's own words, as a paragraph")
    targets: list[OsdiTarget] | None = Field(
        None, description="Whom it goes to. Without any it is not counted"
    )


class RecordSignature(_Record):
    """OSDI's record signature helper."""

    model_config = _shown(comments="Let her go.")

    comments: str | None = Field(None, description="The supporter's own words")


def type_of(case: Case) -> str | None:
    """The type of a case's outreaches, where they do not name one.  None: it takes none."""
    return next((name for name, one in CHANNELS.items() if one in case.policy.channels), None)


def outreach(given: RecordOutreach, case: Case, catalogue: Catalogue) -> NewAction:
    """Raises Refused where it went to nobody whom the case knows, or by no way that we carry."""
    faults = Faults()
    kind, recipients = _addressed(given.targets or (), case, catalogue, faults)
    named = given.type or type_of(case)
    if named not in CHANNELS:
        faults.add("/type", "type_not_carried", FAULT_CODES["type_not_carried"])
    faults.raise_any()
    return _action(
        given,
        case,
        {
            "kind": kind,
            "channel": CHANNELS[str(named)],
            "recipients": recipients,
            "words": given.message,
            "language": _language(given.person, case, kind, catalogue),
        },
    )


def signature(given: RecordSignature, case: Case) -> NewAction:
    """Under the case's petition."""
    return _action(
        given,
        case,
        {
            "kind": Kind.SIGNATURE,
            "channel": Channel.PETITION,
            "words": given.comments,
            "language": next(iter(given.person.languages_spoken or ()), "en"),
        },
    )


def title_of(slug: str, case: Case, catalogue: Catalogue) -> str:
    """What a target is called: its office; who hands post to a person at risk is told to nobody."""
    return slug if slug in case.solidarity else catalogue.recipients[slug].office


_PLACES = {
    "/supporter/name": "/person/given_name",
    "/supporter/email": "/person/email_addresses",
    "/supporter/country": "/person/postal_addresses",
    "/supporter/ref": "/person/identifiers",
    "/consent/replies": "/person/email_addresses",
    "/language": "/person/languages_spoken",
    "/source": "/referrer_data/source",
    "/reference": "/identifiers",
    "/occurred_at": "/action_date",
    "/channel": "/type",
    "/recipients": "/targets",
    "/case": "",  # in the address, not in the body
    "/kind": "",
}


def in_place(faults: Iterable[Fault], *, words: str) -> list[Fault]:
    """Faults of a `NewAction`, with pointers into the body that it was made of."""
    places = _PLACES | {"/words": words}
    return [Fault(places.get(one.pointer, one.pointer), one.code, one.detail) for one in faults]


def _action(given: _Record, case: Case, own: dict[str, Any]) -> NewAction:
    """`own` and what every record has."""
    source = given.referrer_data.source if given.referrer_data else None
    return NewAction.model_validate(
        own
        | {
            "case": case.slug,
            "supporter": _supporter(given.person),
            "consent": _consent(given.person),
            "source": source or given.origin_system,
            "reference": _own(given.identifiers),
            "occurred_at": given.action_date,
        }
    )


def _own(identifiers: Sequence[str] | None) -> str | None:
    return next((one for one in identifiers or () if not one.startswith(_OURS)), None)


def _addressed(
    targets: Sequence[OsdiTarget], case: Case, catalogue: Catalogue, faults: Faults
) -> tuple[Kind, list[str]]:
    """The recipients whom the targets name, once each."""
    known = [*case.authorities, *case.solidarity]
    by_name = {_folded(title_of(slug, case, catalogue)): slug for slug in known}
    by_name |= {_folded(slug): slug for slug in known}
    found = [_known(one, by_name) for one in targets]
    recipients = list(dict.fromkeys(slug for slug in found if slug))
    if not targets:
        faults.add("/targets", "no_targets", FAULT_CODES["no_targets"])
    elif not recipients:
        faults.add("/targets", "unknown_target", FAULT_CODES["unknown_target"])
    elif len({slug in case.solidarity for slug in recipients}) > 1:
        faults.add("/targets", "mixed_targets", FAULT_CODES["mixed_targets"])
    solidarity = bool(recipients) and recipients[0] in case.solidarity
    return Kind.SOLIDARITY if solidarity else Kind.APPEAL, recipients


def _known(target: OsdiTarget, by_name: dict[str, str]) -> str | None:
    names = [_folded(name) for name in (target.title, target.organization) if name]
    return next((by_name[name] for name in names if name in by_name), None)


def _folded(name: str) -> str:
    """What spellings of one name have in common: no capitals, no accents, no signs."""
    parted = unicodedata.normalize("NFKD", name)
    bare = "".join(one for one in parted if not unicodedata.combining(one))
    return _NO_WORD.sub(" ", bare.casefold()).strip()


def _supporter(person: OsdiPerson) -> Supporter:
    email, postal = _best(person.email_addresses), _best(person.postal_addresses)
    country = postal.country.strip().upper() if postal and postal.country else None
    return Supporter.model_validate(
        {
            "name": " ".join(part for part in (person.given_name, person.family_name) if part),
            "email": email.address if email else None,
            "country": country or None,
            "ref": _own(person.identifiers),
        }
    )


def _consent(person: OsdiPerson) -> Consent:
    email = _best(person.email_addresses)
    return Consent(mailings=email is not None and email.status == "subscribed")


_Primary = TypeVar("_Primary", OsdiEmail, OsdiPostal)


def _best(some: Sequence[_Primary] | None) -> _Primary | None:
    """The primary one, or else the first."""
    return max(some or (), key=lambda one: bool(one.primary), default=None)


def _language(person: OsdiPerson, case: Case, kind: Kind, catalogue: Catalogue) -> str:
    """The first that the case has a text in; or the first, for accept.py to say what there is."""
    spoken = person.languages_spoken or ["en"]
    fitting = (one for one in spoken if language_for(catalogue, case, kind, one))
    return next(fitting, spoken[0])
