"""Counts without names: reported by organisers, with a picture, and never mixed with actions."""

from dataclasses import dataclass
from uuid import UUID

from flask import Response
from sqlalchemy import Connection

from services.intake.counts import counts, evidence
from services.intake.counts.counts import Count, ReferenceTaken
from services.intake.counts.evidence import KEPT_AS, MEDIA, MOST_BYTES, NoPicture
from services.intake.counts.models import (
    CountLinks,
    CountPath,
    CountsQuery,
    CountView,
    NewCount,
)
from shared.api_keys import Client, Mode, Scope
from shared.catalogue import Channel, Kind
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.bodies import Upload
from shared.http.operations import Answer, Media, op
from shared.http.paging import Page, read_cursor, write_cursor
from shared.http.problems import INVALID, NOT_FOUND, Fault, Problem, ProblemKind, invalid

REFERENCE_TAKEN = ProblemKind(409, "reference_taken", "The reference stands for another count")
WITHDRAWN = ProblemKind(409, "count_withdrawn", "The count was withdrawn")

_BYTES = {"type": "string", "format": "binary"}
_PART = 43  # bits: three of them make an id, and each is a number that a cursor can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsEdge:
    database: Database
    catalogue: CatalogueReader
    clock: Clock

    @op(
        "POST",
        "/v1/counts",
        scope=Scope.SUBMIT,
        status=201,
        problems=[REFERENCE_TAKEN],
        faults=counts.FAULT_CODES,
    )
    def post_count(self, body: NewCount, client: Client) -> Answer[CountView]:
        """Report a number without names.

        120 letters written at a school, by whom nobody kept a list. Such a number is a claim: it
        is shown apart, as `reported`, and never added to actions.

        With a `reference` a repeat is safe: the same one with the same body gets the same answer.
        Where it stands for a cover sheet without a number, the number is filled in.
        """
        catalogue = self.catalogue.current()
        asked = counts.check(body, client, catalogue=catalogue, at=self.clock())
        with self.database.begin() as connection:
            view = shown(keep(connection, asked))
        return Answer(body=view, headers={"Location": view.links.self})

    @op("GET", "/v1/counts/{id}", scope=Scope.READ)
    def get_count(self, path: CountPath, client: Client) -> CountView:
        """Look at a reported number.  Only your own; who organised it is never given back."""
        with self.database.read() as connection:
            return shown(own(connection, path.id, client))

    @op("GET", "/v1/counts", scope=Scope.READ)
    def list_counts(self, query: CountsQuery, client: Client) -> Page[CountView]:
        """List your reported numbers, the oldest first."""
        cursor = read_cursor(query.cursor, 3)
        with self.database.read() as connection:
            found = counts.page(
                connection,
                client.id,
                after=_id_of(cursor) if cursor else None,
                limit=query.limit,
                case=query.case,
                reference=query.reference,
            )
        following = write_cursor(*_numbers_of(found[-1].id)) if found else None
        return Page(data=[shown(one) for one in found], next=following)

    @op("DELETE", "/v1/counts/{id}", scope=Scope.SUBMIT)
    def withdraw_count(self, path: CountPath, client: Client) -> CountView:
        """Withdraw a reported number.

        It is kept, marked, and counts nowhere any more. Again changes nothing.
        """
        with self.database.begin() as connection:
            count = own(connection, path.id, client)
            by = str(client.id)
            return shown(counts.withdraw(connection, count, by=by, at=self.clock()))

    @op(
        "PUT",
        "/v1/counts/{id}/evidence",
        scope=Scope.SUBMIT,
        problems=[INVALID, WITHDRAWN],
        faults={"no_picture": "The body is no picture that can be opened, or is too large."},
        media=Media(dict.fromkeys(MEDIA, _BYTES), MOST_BYTES),
    )
    def put_evidence(self, path: CountPath, body: Upload, client: Client) -> CountView:
        """Add a picture.

        At most 10 MB: a JPEG of up to 50 million pixels, or a PNG or WebP of up to 24 million. It
        is turned upright, made at most 2,000 pixels wide and high, and stored sealed, without
        anything that the file says of its place, time or maker. A second one replaces the first.
        """
        with self.database.read() as connection:  # before 10 MB are read, and unpacked
            _open(own(connection, path.id, client))
        try:
            picture = evidence.developed(body.whole(), body.mimetype)
        except NoPicture as error:
            raise invalid([Fault("", "no_picture", str(error))]) from None
        with self.database.begin() as connection:
            _open(own(connection, path.id, client))
            evidence.put(connection, self.database.keyring, path.id, picture)
            return shown(own(connection, path.id, client))

    @op(
        "GET",
        "/v1/counts/{id}/evidence",
        scope=(Scope.READ, Scope.SUBMIT),
        gives={KEPT_AS: _BYTES},
    )
    def get_evidence(self, path: CountPath, client: Client) -> Response:
        """Look at the picture.  Only of your own counts."""
        with self.database.read() as connection:
            own(connection, path.id, client)
            picture = evidence.get(connection, self.database.keyring, path.id)
        if picture is None:
            raise Problem(NOT_FOUND, "This count has no picture")
        return Response(picture, mimetype=KEPT_AS)


def keep(connection: Connection, count: Count) -> Count:
    """Stored, or found under its reference.  Raises Problem."""
    try:
        return counts.keep(connection, count)
    except ReferenceTaken:
        said = "This reference stands for another count, or its number was corrected since"
        raise Problem(REFERENCE_TAKEN, said) from None


def own(connection: Connection, count_id: UUID, client: Client) -> Count:
    """Raises Problem where the client has no such count."""
    found = counts.find(connection, client.id, id=count_id)
    if found is None:
        raise Problem(NOT_FOUND, "There is no count of yours with this id")
    return found


def shown(count: Count) -> CountView:
    here = f"/v1/counts/{count.id}"
    return CountView(
        id=count.id,
        mode=Mode(count.mode),
        campaign=count.campaign,
        case=count.case,
        kind=Kind(count.kind),
        channel=Channel(count.channel),
        number=count.number,
        event_on=count.event_on,
        reference=count.reference,
        reported_at=count.reported_at,
        withdrawn_at=count.withdrawn_at,
        links=CountLinks(
            self=here,
            cover_sheet=f"{here}/cover-sheet",
            evidence=f"{here}/evidence" if count.evidence_type else None,
        ),
    )


def _open(count: Count) -> None:
    if count.withdrawn_at is not None:
        raise Problem(WITHDRAWN)


def _numbers_of(count_id: UUID) -> tuple[int, ...]:
    return tuple((count_id.int >> (_PART * part)) % (1 << _PART) for part in (2, 1, 0))


def _id_of(numbers: tuple[int, ...]) -> UUID | None:
    high, middle, low = numbers
    return UUID(int=((high << (2 * _PART)) + (middle << _PART) + low) % (1 << 128))
