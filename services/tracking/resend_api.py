"""Tracking's edge for what is to leave again: a campaign tool asks, tracking decides."""

from dataclasses import dataclass

from services.tracking.models import IdPath, ResendAsked, ResendBody
from services.tracking.queries.deliveries import get
from services.tracking.resend import SAYS, NotAgain, ask, command
from shared.api_keys import Client, Scope
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.problems import NOT_FOUND, Problem, ProblemKind

KINDS = {one: ProblemKind(409, one.value, said.rstrip(".")) for one, said in SAYS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendEdge:
    """What came back, and is to leave again."""

    database: Database
    clock: Clock

    # As with erasing: whoever may hand actions in may have them sent again, its own alone.
    @op(
        "POST",
        "/v1/deliveries/{id}/resend",
        scope=Scope.SUBMIT,
        status=202,
        problems=list(KINDS.values()),
    )
    def resend_delivery(self, path: IdPath, body: ResendBody, client: Client) -> ResendAsked:
        """Send a delivery of yours again that came back: bounced, returned, refused, expired.

        Its actions leave on a new delivery (`again_as`), to the address that is known today; the
        earlier one stays as it is. Where that address is stopped, the new one waits for a person.
        What was delivered, or may yet arrive, is refused (409); `code` says why.

        Asking again changes nothing, and answers how it stands: seconds later, `effect` says what
        was done. Only where nothing could be done then, it is asked anew.
        """
        with self.database.begin() as connection:
            shown = get(connection, path.id, client_id=client.id)
            if shown is None or not client.may(shown.campaign):
                raise Problem(NOT_FOUND)
            wish = command(connection, path.id, given_by=f"client {client.id}", why=body.why)
            try:
                asked = ask(connection, wish, client.id, self.clock())
            except NotAgain as refusal:
                raise Problem(KINDS[refusal.against], refusal.says) from refusal
        return ResendAsked.model_validate(asked, from_attributes=True)
