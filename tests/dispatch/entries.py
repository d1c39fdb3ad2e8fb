"""A small catalogue: one campaign, one case, one office."""

import datetime as dt
from typing import Any

from shared.catalogue import (
    Campaign,
    Case,
    Catalogue,
    Channel,
    Entry,
    Kind,
    Mailbox,
    Policy,
    PostalAddress,
    Recipient,
    Template,
)

INVENTED = "invented"


def a_policy(**changes: Any) -> Policy:
    return Policy(**{"channels": (Channel.EMAIL, Channel.LETTER)} | changes)


def a_case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "slug": "mikita",
        "campaign": "letters",
        "name": "Mikita",
        "country": "BY",
        "summary": "A young man.",
        "ask": "Let him go.",
        "policy": a_policy(),
        "authorities": ("prosecutor",),
        "source": INVENTED,
    }
    return Case(**fields | changes)


def an_address(**changes: Any) -> PostalAddress:
    fields: dict[str, Any] = {
        "lines": ("1 Invented Street", "220000 Minsk"),
        "country": "BY",
        "source": INVENTED,
    }
    return PostalAddress(**fields | changes)


def a_mailbox(**changes: Any) -> Mailbox:
    return Mailbox(**{"email": "office@prosecutor.example", "source": INVENTED} | changes)


def a_recipient(**changes: Any) -> Recipient:
    fields: dict[str, Any] = {
        "slug": "prosecutor",
        "kind": "authority",
        "office": "Prosecutor General",
        "country": "BY",
        "languages": ("en",),
        "time_zone": "Europe/Minsk",
        "salutations": {"en": "Dear Prosecutor"},
        "addresses": (an_address(),),
        "mailboxes": (a_mailbox(),),
        "source": INVENTED,
    }
    return Recipient(**fields | changes)


def a_template(**changes: Any) -> Template:
    fields: dict[str, Any] = {
        "case": "mikita",
        "kind": Kind.APPEAL,
        "language": "en",
        "subject": "About {{ case }}",
        "body": "{{ salutation }},\n\n{{ words }}\n\nYours",
    }
    return Template(**fields | changes)


def a_catalogue(*changed: Entry) -> Catalogue:
    """One of everything; an entry given here takes the place of the one with its name."""
    campaign = Campaign(
        slug="letters",
        name="Letters",
        organiser="Friends of Letters",
        opens=dt.date(2026, 1, 1),
        sender={  # type: ignore[arg-type]
            "name": "Friends of Letters",
            "email": "letters@send.example",
            "postal": "Friends of Letters, 1 Road",
            "place": "Bern",
        },
        source=INVENTED,
    )
    return Catalogue([campaign, a_case(), a_recipient(), a_template(), *changed], version=1)
