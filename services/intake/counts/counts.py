"""Takes numbers without names, as organisers report them: 120 letters were written at a school.

Owns the table `reported_counts`, together with evidence.py.  In: what a client asks.  Out: `Count`.
Such a number is a claim: it is never among `actions`, and whoever shows it says so.  A cover sheet
may be made before anybody has counted: its number is then None, and 0 in the table.

ReferenceTaken     the client's reference stands for another count
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from services.intake import audit
from services.intake.counts.models import NewCoverSheet
from services.intake.models import MOST_IN_NAME, MOST_IN_REFERENCE
from services.intake.offer import allows
from shared.api_keys import Client
from shared.catalogue import CHANNELS_OF, WRITTEN, Case, Catalogue
from shared.clock import new_id
from shared.database import insert_new
from shared.faults import Faults
from shared.privacy import Private
from shared.tables.writing_events import reported_counts
from shared.text import CODES as TEXT_CODES
from shared.text import Unclean, clean_line, is_blank

EARLIEST_ZONE: Final = dt.timedelta(hours=14)  # where a day begins first: UTC+14

FAULT_CODES: Mapping[str, str] = {
    **TEXT_CODES,
    "unknown_case": "No case has this slug; `GET /v1/cases` lists them.",
    "campaign_not_allowed": "This key is for other campaigns.",
    "kind_not_allowed": "The case takes nothing of this kind.",
    "channel_not_of_kind": "Nothing of this kind goes by this channel.",
    "channel_not_allowed": "The case's policy does not allow this channel.",
    "empty": "Nothing is there that could be read.",
    "in_the_future": "This day has not begun anywhere yet.",
    "before_campaign": "The campaign had not begun on this day.",
    "after_campaign": "The campaign had ended before this day.",
}

_TABLE = reported_counts.c
_READ = tuple(one for one in reported_counts.c if one.name != "evidence")
_SAME = ("campaign", "case", "kind", "channel", "organiser", "event_on")


class ReferenceTaken(Exception):
    """Another count has this reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One row of `reported_counts`, without its picture."""

    id: UUID
    client_id: UUID
    mode: str
    campaign: str
    case: str
    kind: str
    channel: str
    number: int | None  # None: not counted yet
    organiser: str = field(repr=False)  # empty: forgotten, its time was over
    event_on: dt.date
    reference: str | None
    reported_at: dt.datetime
    evidence_type: str | None = None  # a media type; None: no picture
    withdrawn_at: dt.datetime | None = None


def check(asked: NewCoverSheet, client: Client, *, catalogue: Catalogue, at: dt.datetime) -> Count:
    """Raises Refused with every fault."""
    faults = Faults()
    organiser = _line(faults, "/organiser", asked.organiser, MOST_IN_NAME)
    if organiser is None and not faults.found:
        faults.add("/organiser", "empty", "Say who held the event")
    reference = _line(faults, "/reference", asked.reference, MOST_IN_REFERENCE)
    case = catalogue.cases.get(asked.case)
    if case is None:
        faults.add("/case", "unknown_case", "No case has this slug")
    else:
        _check_case(faults, asked, case, client)
        _check_day(faults, asked.event_on, catalogue, case, at)
    faults.raise_any()
    assert case is not None  # else there had been a fault
    assert organiser is not None
    return Count(
        id=new_id(),
        client_id=client.id,
        mode=client.mode,
        campaign=case.campaign,
        case=case.slug,
        kind=asked.kind,
        channel=asked.channel,
        number=asked.number,
        organiser=organiser,
        event_on=asked.event_on,
        reference=reference,
        reported_at=at,
    )


def keep(connection: Connection, count: Count) -> Count:
    """Stores it; or gives back what the same reference stands for already.

    A number that was not known yet is filled in.  Raises ReferenceTaken.
    """
    if insert_new(connection, reported_counts, [_row(count)]):
        return count
    earlier = find(connection, count.client_id, reference=count.reference)
    if earlier is None or any(getattr(earlier, one) != getattr(count, one) for one in _SAME):
        raise ReferenceTaken
    if count.number is None or count.number == earlier.number:
        return earlier
    if earlier.number is not None or earlier.withdrawn_at:
        raise ReferenceTaken
    return correct(connection, earlier, count.number, by=str(count.client_id), at=count.reported_at)


def find(
    connection: Connection,
    client_id: UUID | None,
    *,
    id: UUID | None = None,
    reference: str | None = None,
) -> Count | None:
    """By its id or by its client's reference.  `client_id` None: whoever's it is."""
    wanted = select(*_READ)
    for column, value in ((_TABLE.client_id, client_id), (_TABLE.id, id)):
        wanted = wanted.where(column == value) if value is not None else wanted
    if reference is not None:
        wanted = wanted.where(_TABLE.reference == reference)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _count(row)


def page(
    connection: Connection,
    client_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    case: str | None = None,
    reference: str | None = None,
) -> list[Count]:
    """The oldest first: ids grow with time."""
    wanted = select(*_READ).where(_TABLE.client_id == client_id)
    if after is not None:
        wanted = wanted.where(_TABLE.id > after)
    for column, value in ((_TABLE.case, case), (_TABLE.reference, reference)):
        wanted = wanted.where(column == value) if value is not None else wanted
    rows = connection.execute(wanted.order_by(_TABLE.id).limit(limit))
    return [_count(row) for row in rows]


def correct(
    connection: Connection, count: Count, number: int, *, by: str, at: dt.datetime
) -> Count:
    """Sets the number.  `by` goes to the audit log: a client's id, or what stands for a person."""
    changed = _TABLE.id == count.id
    connection.execute(update(reported_counts).where(changed).values(number=number))
    _note(connection, count, "count_corrected", by=by, number=number, at=at)
    return replace(count, number=number)


def withdraw(connection: Connection, count: Count, *, by: str, at: dt.datetime) -> Count:
    """It counts no more; kept and marked.  Again changes nothing."""
    if count.withdrawn_at is not None:
        return count
    connection.execute(update(reported_counts).where(_TABLE.id == count.id).values(withdrawn_at=at))
    _note(connection, count, "count_withdrawn", by=by, number=count.number or 0, at=at)
    return replace(count, withdrawn_at=at)


def _check_case(faults: Faults, asked: NewCoverSheet, case: Case, client: Client) -> None:
    policy = case.policy
    if not client.may(case.campaign):
        faults.add("/case", "campaign_not_allowed", FAULT_CODES["campaign_not_allowed"])
    if asked.kind not in policy.kinds:
        faults.add("/kind", "kind_not_allowed", FAULT_CODES["kind_not_allowed"])
    elif asked.channel not in CHANNELS_OF[asked.kind]:
        said = f"Of this kind are: {', '.join(CHANNELS_OF[asked.kind])}"
        faults.add("/channel", "channel_not_of_kind", said)
    elif asked.kind in WRITTEN and not allows(policy, asked.channel):
        said = f"This case takes: {', '.join(policy.channels)}"
        faults.add("/channel", "channel_not_allowed", said)


def _check_day(
    faults: Faults, day: dt.date, catalogue: Catalogue, case: Case, at: dt.datetime
) -> None:
    """Reports come in late: the day of the event must lie within the campaign, not today."""
    campaign = catalogue.campaigns[case.campaign]
    if day > (at + EARLIEST_ZONE).date():
        faults.add("/event_on", "in_the_future", FAULT_CODES["in_the_future"])
    elif day < campaign.opens:
        faults.add("/event_on", "before_campaign", f"The campaign began on {campaign.opens}")
    elif campaign.closes is not None and day > campaign.closes:
        faults.add("/event_on", "after_campaign", f"The campaign ended on {campaign.closes}")


def _line(faults: Faults, pointer: str, given: str | None, size: int) -> str | None:
    if given is None:
        return None
    try:
        line = clean_line(given)
    except Unclean as error:
        faults.add(pointer, error.code, error.detail)
        return None
    if len(line) > size:
        faults.add(pointer, "too_long", f"{len(line)} characters; at most {size:,} fit")
    return None if is_blank(line) else line


def _row(count: Count) -> dict[str, Any]:
    return {
        "id": count.id,
        "client_id": count.client_id,
        "mode": count.mode,
        "campaign": count.campaign,
        "case": count.case,
        "kind": count.kind,
        "channel": count.channel,
        "number": count.number or 0,
        "organiser": Private(count.id, count.organiser),
        "event_on": count.event_on,
        "reference": count.reference,
        "reported_at": count.reported_at,
    }


def _count(row: Row[Any]) -> Count:
    told = dict(row._mapping)
    organiser = row.organiser.open(row.id) if row.organiser else ""
    return Count(**{**told, "number": row.number or None, "organiser": organiser})


def _note(
    connection: Connection, count: Count, act: str, *, by: str, number: int, at: dt.datetime
) -> None:
    audit.record(
        connection,
        actor=by,
        act=act,
        subject=str(count.id),
        number=number,
        why="reported anew" if act == "count_corrected" else "withdrawn by its client",
        details={"before": count.number or 0},
        at=at,
    )
