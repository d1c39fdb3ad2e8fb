"""What a case offers to supporters now: whether it is open, to whom, in which languages.

Pure questions to the catalogue, asked by accept.py for one action and by edges/actions.py for
the list.
"""

import datetime as dt
import re

from babel import Locale

from shared.catalogue import Campaign, Case, Catalogue, Channel, Kind, Policy

# Codes that the Unicode locale data knows and that are no country to write from:
# unions, tests, outlying islands as a whole, and "unknown".
_NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_COUNTRIES = {str(code) for code in Locale("en").territories if len(str(code)) == 2}
_COUNTRIES -= _NO_COUNTRIES

#: The form of a language tag (BCP 47), as far as anybody needs it, and as long as it is stored.
LANGUAGE_TAG = re.compile(r"(?!.{17})[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def is_country(code: str) -> bool:
    """Whether it is a country's code in ISO 3166-1 alpha-2, in capitals."""
    return code in _COUNTRIES


def why_closed(case: Case, campaign: Campaign, day: dt.date) -> str | None:
    """The code of the reason why no action is taken on that day (UTC); None: it is open."""
    if case.policy.stopped:
        return "case_stopped"
    if day < campaign.opens:
        return "campaign_not_open"
    if campaign.closes is not None and day > campaign.closes:
        return "campaign_closed"
    return None


def allows(policy: Policy, channel: Channel) -> bool:
    """Whether an action may go by this channel.  Who may be written to on paper may be by hand."""
    if channel is Channel.OWN_POST:
        return any(one in policy.channels for one in (channel, Channel.LETTER, Channel.POSTCARD))
    return channel in policy.channels


def recipients_of(case: Case, kind: Kind) -> tuple[str, ...]:
    """The slugs of those who may be written to, which are also those who are by default."""
    if kind is Kind.PUBLIC_POST:
        return ()
    return case.solidarity if kind is Kind.SOLIDARITY else case.authorities


def languages(catalogue: Catalogue, case: Case, kind: Kind) -> list[str]:
    """In which the case has a text of that kind."""
    return sorted(
        one.language
        for one in catalogue.templates.values()
        if one.case == case.slug and one.kind is kind
    )


def language_for(catalogue: Catalogue, case: Case, kind: Kind, asked: str) -> str | None:
    """The language of the text that serves who asked for `asked`: itself, or less of its tag.

    `pt-BR` is served by a text in `pt`, however its letters are cased (RFC 4647, 3.4, "lookup");
    nobody gets another language than their own words are in.
    """
    if catalogue.template(case.slug, kind, asked):  # nearly always: the rest reads every text
        return asked
    there = {one.lower(): one for one in languages(catalogue, case, kind)}
    subtags = asked.lower().split("-")
    tags = ("-".join(subtags[:size]) for size in range(len(subtags), 0, -1))
    return next((there[tag] for tag in tags if tag in there), None)
