"""Listens to the queue that receipts come through, and takes in what it brings.

In: messages of a Queue.  Out: receipts, in one transaction for all that were at hand.  A message
is deleted only after its receipt is committed; one that cannot be read or stored stays, stops none
beside it, and is put aside by the queue itself (deploy/README.md, "Receipts through SQS").
"""

import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.tracking.blame import is_about_one
from services.tracking.receipts.contract import Reader, Receipt, ReceiptFault
from services.tracking.take import Taker

ENOUGH = 100  # messages in one transaction
# After a hand that emptied the queue: whoever asks at once gets a few, each with its own call to
# fetch and to delete it, its own transaction, and its own price.
GATHER_S = 0.1
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

log = structlog.get_logger(__name__)


class QueueAway(Exception):
    """The queue does not answer, or does not let us in."""


class NotNow(Exception):
    """A taker has committed all that it was given but these: they are to come again."""

    def __init__(self, left: Sequence[Receipt]) -> None:
        super().__init__(f"{len(left)} receipts are left for later")
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in our hands: the queue shows it to nobody else for a while."""

    id: str
    handle: str  # what it is deleted by
    body: bytes


class Queue(Protocol):
    """A queue that gives each message until it is deleted."""

    at_once: int  # messages in one answer at most

    def receive(self, *, wait: bool) -> Sequence[Message]:
        """The next few; none: there are none, though it waited.  Raises QueueAway."""

    def delete(self, messages: Sequence[Message]) -> None:
        """Those of them that stay come again.  Raises QueueAway."""


class Listener:
    """Takes messages until told to stop.  One for a thread."""

    def __init__(self, queue: Queue, reader: Reader, taker: Taker) -> None:
        self._queue = queue
        self._read = reader
        self._taker = taker
        self._at_work = threading.Lock()
        self.fell = False  # by an error of ours

    def run(self, stop: threading.Event) -> None:
        """Returns once `stop` is set and what was in hand is done; sets it when it falls."""
        try:
            self._listen(stop)
        except Exception as error:
            self.fell = True
            trace = traceback.format_tb(error.__traceback__)
            log.error("listener_fell", error=type(error).__name__, trace=trace)
            stop.set()

    def finish(self) -> None:
        """Returns when what is in hand is done; a queue that says nothing is not waited for.

        Call it after `stop` is set.  What comes in afterwards is left, and shown again.
        """
        with self._at_work:
            return

    def _listen(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                if failures:
                    # A message that is fetched in vain too often is put aside: look first.
                    self._taker.reach()
                self._once(stop)
                failures = 0
            except (QueueAway, SQLAlchemyError) as error:
                if stop.is_set():
                    return
                failures += 1
                # Of the queue's faults the message is one word; the database's may quote a row.
                why = str(error) if isinstance(error, QueueAway) else type(error).__name__
                log.warning("listening_failed", why=why, failures=failures)
                stop.wait(wait_s(failures))

    def _once(self, stop: threading.Event) -> None:
        messages = list(self._queue.receive(wait=True))
        with self._at_work:
            if stop.is_set() or not messages:
                return
            more = len(messages)
            # A full hand: there is more, and many cost little more than one.
            while more == self._queue.at_once and len(messages) < ENOUGH:
                messages += (another := self._queue.receive(wait=False))
                more = len(another)
            self._take(messages)
        if len(messages) < ENOUGH:
            stop.wait(GATHER_S)

    def _take(self, messages: Sequence[Message]) -> None:
        read = list(self._readable(messages))
        try:
            done = self._recorded(read)
        except SQLAlchemyError as error:
            if not is_about_one(error):
                raise
            done = [one for pair in read for one in self._alone(pair)]
        if done:
            self._queue.delete(done)
        log.info("receipts_taken", messages=len(messages), done=len(done))

    def _readable(self, messages: Sequence[Message]) -> Iterator[tuple[Message, Receipt | None]]:
        for message in messages:
            try:
                yield message, self._read(message.body)
            except ReceiptFault as fault:
                log.warning("message_left", message=message.id, why=str(fault))

    def _recorded(self, read: Sequence[tuple[Message, Receipt | None]]) -> list[Message]:
        """The messages that are done with."""
        receipts = [receipt for _, receipt in read if receipt is not None]
        left: Sequence[Receipt] = ()
        try:
            if receipts:
                self._taker.take(receipts)
        except NotNow as later:
            left = later.left
            for message in (message for message, receipt in read if receipt in left):
                log.warning("message_left", message=message.id, why=NotNow.__name__)
        return [message for message, receipt in read if receipt not in left]

    def _alone(self, pair: tuple[Message, Receipt | None]) -> list[Message]:
        """The message where its receipt could be stored, else nothing."""
        try:
            return self._recorded([pair])
        except SQLAlchemyError as error:
            if not is_about_one(error):
                raise
            log.warning("message_left", message=pair[0].id, why=type(error).__name__)
            return []


def wait_s(failures: int) -> float:
    """Seconds before the next try after so many failures in a row: doubling, up to a minute."""
    return min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S)
