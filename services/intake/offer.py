"""What a case offers to supporters now: whether it is open, to whom, in which languages.

Pure questions to the catalogue, asked by accept.py for one action and by api.py for the list.
"""

import datetime as dt

from babel import Locale

from shared.catalogue import Campaign, Case, Catalogue, Kind

# Codes that the Unicode locale data knows and that are no country to write from:
# unions, tests, outlying islands as a whole, and "unknown".
_NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_COUNTRIES = {str(code) for code in Locale("en").territories if len(str(code)) == 2}
_COUNTRIES -= _NO_COUNTRIES


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


def recipients_of(case: Case, kind: Kind) -> tuple[str, ...]:
    """The slugs of those who may be written to, which are also those who are by default."""
    return case.authorities if kind is Kind.APPEAL else case.solidarity


def languages(catalogue: Catalogue, case: Case, kind: Kind) -> list[str]:
    """In which the case has a text of that kind."""
    return sorted(
        one.language
        for one in catalogue.templates.values()
        if one.case == case.slug and one.kind is kind
    )
