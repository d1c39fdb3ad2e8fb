"""Supporters: forget one."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from services.intake.erase import erase, of_client
from shared.api_keys import Client, Scope
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op

_REF = r"^[a-z2-7]{26}$"


class SupporterPath(BaseModel):
    ref: Annotated[
        str,
        Field(pattern=_REF, description="`supporter_ref`, as the answer to an action gave it"),
    ]


class Erased(BaseModel):
    erased: int = Field(description="How many actions this call erased; 0 when it was done before")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportersEdge:
    database: Database
    clock: Clock

    # Not `admin`, which reaches every client's: whoever may hand in a supporter's data must be able
    # to take it back, on the supporter's word and at any hour.  It reaches the client's own alone.
    @op("DELETE", "/v1/supporters/{ref}", scope=Scope.SUBMIT)
    def erase_supporter(self, path: SupporterPath, client: Client) -> Erased:
        """Erase a supporter.

        Of all actions that you handed in for this supporter the name, the email address, the words
        and your `reference` are erased for good, and so are rendered emails and letters, and what
        providers told about them. What has not left yet is cancelled. The sums stay: an action that
        was counted is still counted, for nobody. A file that you handed in before, and that is not
        over yet, leaves out the rows of this supporter, and tells so (`erased_meanwhile`).

        Actions that the supporter took through other organisations are theirs to erase. Asking
        again changes nothing, and answers 0. A later action of the same supporter is a new one.
        """
        with self.database.begin() as connection:
            erased = erase(
                connection,
                of_client(client.id, path.ref),
                at=self.clock(),
                actor=str(client.id),
                subject=f"a supporter of {client.id}",
                why="the client asked for it",
            )
        return Erased(erased=erased)
