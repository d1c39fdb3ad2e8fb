"""Tracking's edge for what came back: a campaign tool asks what its deliveries were answered."""

from dataclasses import dataclass

from services.tracking.inbound.forward import note_given, replies_for
from services.tracking.models import DeliveryReplies, IdPath, ReplyView
from shared.api_keys import Client, Scope
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.problems import NOT_FOUND, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RepliesEdge:
    """What came back by email."""

    database: Database
    catalogue: CatalogueReader
    clock: Clock

    @op("GET", "/v1/deliveries/{id}/replies", scope=Scope.READ)
    def list_replies(self, path: IdPath, client: Client) -> DeliveryReplies:
        """See what came back on a delivery that carries an action of yours: its kind, and when.

        The text of an answer is given only by the campaign's policy, so that you pass it on to the
        supporter; keep it no longer than that takes. It is gone when the supporter is forgotten.
        """
        catalogue = self.catalogue.current()
        with self.database.read() as connection:
            found = replies_for(connection, path.id, client.id, catalogue=catalogue)
        if found is None:
            raise Problem(NOT_FOUND)
        if any(one.text is not None and not one.given_before for one in found):
            with self.database.begin() as connection:
                note_given(connection, found, self.clock())
        return DeliveryReplies(
            delivery=path.id,
            replies=[ReplyView.model_validate(one, from_attributes=True) for one in found],
        )
