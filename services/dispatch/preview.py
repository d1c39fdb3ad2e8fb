"""Shows what recipients would get, before anything is handed in.  Nothing of it is kept.

In: an action as intake checked it, to some recipients; today's catalogue.  Out: for each recipient
the carrier with its reason, the very email or letter that would leave now, and why it would wait.
Of a solidarity recipient nothing is shown that the API does not show: neither who nor where.
"""

import base64
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.dispatch.due import Due, Hold, Prepared
from services.dispatch.plan import choose
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.faults import (
    AddressDoesNotFit,
    GlyphMissing,
    LetterFault,
    TooLong,
)
from services.dispatch.rendering.letter import LetterPress
from shared.catalogue import Catalogue, Channel, Entry, Kind, Mailbox, PostalAddress, Recipient
from shared.pages import page_picture
from shared.previews import Hindrance, Obstacle, Preview, PreviewOrder

#: Printed where a delivery's own number will stand: nobody takes a preview for a delivery.
NUMBER: Final = UUID(int=0)
HIDDEN: Final = "Not shown in previews"
NO_ADDRESS: Final = "No address yet"
_SHOWN_BY = (Channel.EMAIL, Channel.LETTER)  # the others are planned, and made later
_OBSTACLE_OF: Final[Mapping[type, Obstacle]] = {
    GlyphMissing: Obstacle.GLYPH_MISSING,
    TooLong: Obstacle.TOO_LONG,
    AddressDoesNotFit: Obstacle.ADDRESS_DOES_NOT_FIT,
}


class TooSlow(Exception):
    """The previews took longer than somebody waits for them."""


@dataclass(frozen=True, slots=True)
class Previewer:
    """Makes previews; one for a process, used by all its threads."""

    catalogue: Callable[[], Catalogue]
    press: LetterPress

    def preview(
        self, order: PreviewOrder, now: dt.datetime, *, in_time: Callable[[], bool]
    ) -> Iterator[Preview]:
        """One for each recipient, in the order asked for.

        `in_time` is asked between two of them: each is bounded by its own size.  Raises TooSlow.
        """
        catalogue = self.catalogue()
        for slug in order.recipients:
            if not in_time():
                raise TooSlow
            yield self._preview(order, slug, catalogue, now)

    def _preview(
        self, order: PreviewOrder, slug: str, catalogue: Catalogue, now: dt.datetime
    ) -> Preview:
        case, recipient = catalogue.cases.get(order.case), catalogue.recipients.get(slug)
        choice = choose(order.channel, case, now)
        secret = order.kind == Kind.SOLIDARITY
        holder = recipient.holder_on(now.date()) if recipient and not secret else None
        shown = Preview(
            recipient=slug,
            carrier=choice.carrier,
            why=choice.why,
            holder=holder.name if holder else None,
        )
        waits = [Hindrance(code=Obstacle.HELD, detail=choice.held)] if choice.held else []
        if choice.not_before > now:
            waits.append(Hindrance(code=Obstacle.EMBARGO, detail=choice.why))
        if order.channel in _SHOWN_BY:
            prepared, found = self._prepare(_due(order, slug), catalogue, recipient, now)
            waits += found
            shown = shown.model_copy(update=_document(prepared))
        return shown.model_copy(update={"hindrances": tuple(waits)})

    def _prepare(
        self, due: Due, catalogue: Catalogue, recipient: Recipient | None, now: dt.datetime
    ) -> tuple[Prepared | None, list[Hindrance]]:
        """What would leave, and why it would not; a letter without an address shows its text."""
        prepared, hold = self._try(due, catalogue, now)
        secret = due.kind == Kind.SOLIDARITY
        if recipient is None or (prepared is not None and not secret):
            return prepared, [_hindrance(hold)] if hold else []
        stand_in = _hidden(recipient) if secret else _addressed(recipient, NO_ADDRESS)
        prepared, still = self._try(due, _with(catalogue, stand_in), now)
        if still:
            return None, [_hindrance(still)]
        return prepared, [_unreachable(hold, secret=secret)] if hold else []

    def _try(
        self, due: Due, catalogue: Catalogue, now: dt.datetime
    ) -> tuple[Prepared | None, Hold | None]:
        try:
            return Preparer(lambda: catalogue, self.press).prepare(due, now), None
        except Hold as hold:
            return None, hold


def _due(order: PreviewOrder, recipient: str) -> Due:
    return Due(
        id=NUMBER,
        mode=order.mode,
        campaign=order.campaign,
        case=order.case,
        kind=order.kind,
        channel=order.channel,
        language=order.language,
        recipient=recipient,
        attempts=0,
        supporter_name=order.supporter_name,
        supporter_email=order.supporter_email,
        supporter_country=order.supporter_country,
        words=order.words,
        consent=order.consent,
    )


def _document(prepared: Prepared | None) -> dict[str, object]:
    match prepared.handover if prepared else None:
        case Email() as email:
            return {"subject": email.subject, "text": email.text, "html": email.html}
        case Letter() as letter:
            # Pictures of the very file: what they show is what is printed.
            pictures = (page_picture(letter.pdf, number) for number in range(letter.pages))
            return {"pdf": _base64(letter.pdf), "pages": tuple(map(_base64, pictures))}
    return {}


def _hindrance(hold: Hold) -> Hindrance:
    cause = hold.__cause__
    code = _OBSTACLE_OF.get(type(cause))
    if code is None:
        code = Obstacle.NOT_PRINTABLE if isinstance(cause, LetterFault) else Obstacle.HELD
    return Hindrance(code=code, detail=str(hold))


def _unreachable(hold: Hold, *, secret: bool) -> Hindrance:
    """Of what an address would mend; of a secret one not even the reason is told."""
    if secret:
        said = "Somebody must look at this recipient's address before anything is sent there."
        return Hindrance(code=Obstacle.NO_ADDRESS, detail=said)
    found = _hindrance(hold)
    if found.code is Obstacle.HELD:
        return Hindrance(code=Obstacle.NO_ADDRESS, detail=found.detail)
    return found


def _hidden(recipient: Recipient) -> Recipient:
    """The recipient as everybody may see it.  The salutation is part of the letter's text."""
    holders = tuple(one.model_copy(update={"name": ""}) for one in recipient.holders)
    hidden = recipient.model_copy(update={"office": HIDDEN, "holders": holders})
    return _addressed(hidden, "", country="\u2014")


def _addressed(recipient: Recipient, line: str, *, country: str | None = None) -> Recipient:
    """The recipient with an address that only fills the space of one."""
    postal = PostalAddress.model_construct(
        lines=(line,) if line else (), country=country or recipient.country, source=""
    )
    mailbox = Mailbox(email="nobody@writ.invalid", source="")
    places = {"addresses": (postal,), "mailboxes": (mailbox,), "paper_hold": None}
    return recipient.model_copy(update=places)


def _with(catalogue: Catalogue, recipient: Recipient) -> Catalogue:
    entries: list[Entry] = [*catalogue.campaigns.values(), *catalogue.cases.values()]
    return Catalogue([*entries, *catalogue.templates.values(), recipient])


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
