"""Empties a mailbox: reads what waits there, keeps it, and only then takes it away.

In: a Mailbox.  Out: how many messages were read, and what they were.  Watching, it looks every few
seconds; while the database or the mailbox is away it waits, and loses nothing.  A message that
cannot be kept stays where it is, and stops none beside it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.tracking.inbound.keep import Kept, Mailroom, say
from services.tracking.inbound.maildir import Mailbox

LOOK_EVERY_S = 5.0
LONGEST_WAIT_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sorted:
    """Messages that were read."""

    read: int = 0
    repeated: int = 0  # we had them already
    unmatched: int = 0  # new, and nobody can tell what they answer
    left: int = 0  # they could not be kept; the log names them
    kinds: Counter[str] = field(default_factory=Counter)  # of the new ones


def sort(mailbox: Mailbox, mailroom: Mailroom, *, told: Callable[[Sequence[Kept]], None]) -> Sorted:
    """All that waits now; `told` hears of each batch that was kept.

    Raises OSError and the errors of the database.
    """
    done = Sorted()
    for batch in mailbox.batches():
        became = mailroom.keep_each(batch.arrived)
        batch.close(became)
        kept = [one for one in became if one is not None]
        new = [one for one in kept if one.id is not None]
        done.read += len(became)
        done.left += len(became) - len(kept)
        done.repeated += len(kept) - len(new)
        done.unmatched += sum(one.match.delivery_id is None for one in new)
        done.kinds.update(one.kind.value for one in new)
        told(kept)
    return done


def watch(mailbox: Mailbox, mailroom: Mailroom, stop: threading.Event) -> None:
    """Until `stop` is set; what is in hand is done first."""
    failures = 0
    while not stop.is_set():
        try:
            sort(mailbox, mailroom, told=say)
            failures = 0
        except (OSError, SQLAlchemyError) as error:
            failures += 1
            log.warning("mailbox_not_read", error=type(error).__name__, failures=failures)
        stop.wait(min(LOOK_EVERY_S * 2 ** min(failures, 10), LONGEST_WAIT_S))
