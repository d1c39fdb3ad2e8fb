"""The relay: finds what is due and wakes the right queue.  The only publisher; one leads at a time.

In: actions, commands, deliveries that wait.  Out: planned deliveries, wake-ups of at most 100 ids.
It plans by itself, and not through a queue, so that planning and its cursor are one transaction
(docs/decisions/0002).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dramatiq
import structlog
from sqlalchemy.exc import DBAPIError

from services.dispatch import lanes, recover
from services.dispatch.close import close_digests
from services.dispatch.cursors import rewind_after_restore
from services.dispatch.destinations.tend import RouteKeeper
from services.dispatch.documents import Documents
from services.dispatch.forget import TakeBack, forget
from services.dispatch.leader import Leadership
from services.dispatch.mirror import Mirror
from services.dispatch.notices import plan_notices
from services.dispatch.obey import obey
from services.dispatch.pacing import breaker
from services.dispatch.pacing.line import Line
from services.dispatch.plan import BATCH, plan_new_actions
from services.dispatch.providers.contract import ProviderError
from services.dispatch.reroute import Rerouter
from services.dispatch.settings import Settings
from services.dispatch.wake import mark_due, publish_marked
from shared.catalogue import Catalogue, Channel
from shared.clock import Clock
from shared.database import DATABASE_AWAY, Database
from shared.queues import MAX_IDS, TEND, Wake, publish

_TEND_EVERY_S = 1.0
_SETTLE_EVERY_S = 5.0  # while anything is unsettled
_STANDBY_S = 1.0
_AFTER_FAULT_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WayOut:
    """How a channel's deliveries leave."""

    queue: Wake  # whoever listens on it hands them over
    provider: str  # nothing is woken while its account can send nothing
    take_back: TakeBack | None = None  # set where what was ordered waits on our own disk first


class Relay:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        broker: dramatiq.Broker,
        *,
        catalogue: Callable[[], Catalogue],
        ways: Mapping[str, WayOut],
        documents: Documents,
        clock: Clock,
        mirror: Mirror | None = None,
    ) -> None:
        """`ways`: how a channel's deliveries leave; a channel that is not here waits.

        `mirror`: tells a provider's own stop list; None where it keeps none.
        """
        self._settings = settings
        self._database = database
        self._broker = broker
        self._catalogue = catalogue
        self._ways = ways
        self._documents = documents
        self._clock = clock
        self._mirror = mirror
        self._rerouter = Rerouter()
        self._route_keeper = RouteKeeper()
        self._leadership = Leadership(database)
        self._leads = False
        self._tended_at = self._settled_at = self._clock()

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set; outlives a broker or a database that goes away."""
        while not stop.is_set():
            stop.wait(self._step())
        self._leadership.give_up()

    def _step(self) -> float:
        """One round; returns the seconds to wait before the next."""
        try:
            if not self._lead():
                return _STANDBY_S
            return 0.0 if self.tick() else self._settings.poll_s
        except dramatiq.BrokerConnectionError as error:
            log.warning("broker_away", error=type(error).__name__)
        except DATABASE_AWAY as error:
            log.warning("database_away", error=type(error).__name__)
            self._step_down()
        except DBAPIError as error:  # a fault of ours: the next round may meet it again
            code = getattr(error.orig, "sqlstate", None)
            log.error("round_failed", error=type(error).__name__, sqlstate=code)
            self._step_down()
        return _AFTER_FAULT_S

    def _step_down(self) -> None:
        self._leadership.give_up()
        self._leads = False

    def _lead(self) -> bool:
        leads = self._leadership.is_ours()
        if leads and not self._leads:
            log.info("leading")
            with self._database.begin() as connection:
                rewind_after_restore(connection)
                # What the leader before woke may have died with its broker; twice does no harm.
                recover.forget_lost_wakes(connection, self._clock(), rewake_s=0)
        self._leads = leads
        return leads

    def tick(self) -> bool:
        """Obeys, plans and wakes once; True where more is surely waiting."""
        now, catalogue = self._clock(), self._catalogue()
        if (now - self._tended_at).total_seconds() >= _TEND_EVERY_S:
            self._tended_at = now
            self._tend()
        with self._database.begin() as connection:
            obey(connection, catalogue, now)  # by itself: it locks domains one after the other
        with self._database.begin() as connection:
            line = Line(connection, now, domain_per_hour=self._settings.domain_per_hour)
            paced = self._settings.pace
            planned = plan_new_actions(connection, catalogue, now, line if paced else None)
            close_digests(connection, catalogue, line)
            more = plan_notices(connection, now)
            marked = {
                channel: mark_due(
                    connection,
                    channel=channel,
                    now=now,
                    backlog=self._settings.backlog,
                    domain_per_hour=line.domain_per_hour if paced else None,
                )
                for channel, way in self._ways.items()
                if not lanes.is_held(connection, way.provider, now)
            }
        size = min(self._settings.chunk, MAX_IDS)
        for channel, ids in marked.items():
            publish_marked(self._database, self._broker, self._ways[channel].queue, ids, size=size)
        return more or planned.actions == BATCH

    def _tend(self) -> None:
        now = self._clock()
        settles = (now - self._settled_at).total_seconds() >= _SETTLE_EVERY_S
        with self._database.begin() as connection:
            left = recover.abandon_stale_claims(
                connection, now, claim_ttl_s=self._settings.claim_ttl_s
            )
            asked = recover.ask_again(connection, now)
            lost = recover.forget_lost_wakes(connection, now, rewake_s=self._settings.rewake_s)
            breaker.reopen(connection, now)
            self._rerouter.tend(connection, self._catalogue(), now)
            self._route_keeper.tend(connection, self._catalogue(), now)
            unsettled = settles and (
                recover.any_on_their_way(connection, now)
                or recover.any_unsettled(connection)
                or recover.any_to_forget(connection, now)
            )
        self._rerouter.confirm()
        self._route_keeper.confirm()
        self._forget()
        if self._mirror:
            self._mirror.tend(self._catalogue(), now)
        if left or asked or lost:
            log.info("recovered", claims_left=left, orders_asked=asked, wakes_lost=lost)
        if unsettled:
            self._settled_at = now
            publish(self._broker, TEND)

    def _forget(self) -> None:
        way = self._ways.get(Channel.LETTER)
        try:
            forgotten = forget(self._database, self._documents, way.take_back if way else None)
        except (OSError, ProviderError) as error:
            # The next round tries again, and letters go on meanwhile.
            log.error("documents_not_deleted", error=type(error).__name__)
            return
        if forgotten:
            log.info("forgotten", actions=forgotten)
