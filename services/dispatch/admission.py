"""The last question before a claim: may these leave at this moment, to these addresses?

In: deliveries that are ready to go.  Out: those that may be claimed now, in the same transaction.
The others are held (their address was stopped, the post does not reach it), go to a fallback, or
are put off (it is not their mailbox's turn).
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from services.dispatch import claims
from services.dispatch.destinations.keep_back import keep_back
from services.dispatch.due import Prepared
from services.dispatch.pacing.guard import Wanted, admit
from services.dispatch.providers.contract import Email
from services.dispatch.stops import hold_stopped
from shared.catalogue import Catalogue
from shared.clock import Clock

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Chosen once, in worker.py.  Not `paced`: a sandbox's mailboxes take everything at once."""

    catalogue: Callable[[], Catalogue]
    clock: Clock
    paced: bool
    domain_per_hour: int  # 0: no limit of a domain

    def admit(
        self, connection: Connection, ready: Sequence[Prepared], provider: str
    ) -> tuple[list[Prepared], dt.datetime]:
        """Those that may leave by `provider`, and the moment at which that was decided."""
        catalogue, now = self.catalogue(), self.clock()
        held = hold_stopped(connection, ready, catalogue, now)
        left = [one for one in ready if one.due.id not in held]
        kept = keep_back(connection, left, provider, catalogue, now)
        left = [one for one in left if one.due.id not in kept]
        if not any(self._wanted(one, catalogue) for one in left):
            return left, now
        # Whoever is admitted has used up the mailbox's turn: nobody who cannot be claimed may.
        free = claims.free(connection, left)
        left = [one for one in left if one.due.id in free]
        wanted = [found for one in left if (found := self._wanted(one, catalogue))]
        admitted = admit(connection, wanted, self.clock, domain_per_hour=self.domain_per_hour)
        claims.put_off(connection, admitted.later, paced=left)
        for one, until in admitted.later.items():
            log.info("put_off", delivery_id=str(one), until=until.isoformat(), reason="pace")
        return [one for one in left if one.due.id not in admitted.later], admitted.at

    def _wanted(self, one: Prepared, catalogue: Catalogue) -> Wanted | None:
        """What the pace concerns: emails that really reach an office's mailbox."""
        recipient = catalogue.recipients.get(one.due.recipient)
        is_email = isinstance(one.handover, Email)
        if not self.paced or not is_email or one.due.mode != "live" or recipient is None:
            return None
        return Wanted(
            delivery_id=one.due.id,
            email=one.address,
            recipient=recipient,
            is_digest=one.due.carrier == "digest",
            is_repeat=one.due.attempts > 0,
        )
