"""Finds what one action alone cannot show: the same text, or the same hand, often in an hour.

Owns the windows `burst` of the table `client_usage`.  In: actions about to be stored.  Out: reasons
to hold some of them.  Counted in the running transaction, and the call's own actions too, by a few
statements however many they are; only `remember` writes.

What is held as similar is not remembered: of near-identical texts as many pass in an hour as the
case's policy says, the others wait for a person, and a flood makes the table no longer.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from services.intake.accept import Action
from services.intake.moderation import word_prints
from services.intake.moderation.likeness import are_near, bands, print_of
from services.intake.moderation.rules import Reason
from shared.catalogue import CARRIED, Catalogue
from shared.tables.intake import Standing, actions, api_clients, client_usage

WITHIN = dt.timedelta(hours=1)

#: A tool may hand in this part of its day's actions within an hour.  A tool without a daily cap has
#: no burst either: only people know what is much for it, and the cap is how they say so.
_OF_A_DAY = 2
_BURST = "burst"  # the limit's name in `client_usage`
#: A client's count is kept by every nth action alone: else all its calls would wait for one row.
_SAMPLES = 200  # for a whole burst: the count is right to about a fourteenth

Held = Mapping[UUID, tuple[Reason, ...]]


def held_by_bursts(
    connection: Connection,
    accepted: Sequence[Action],
    catalogue: Catalogue,
    identity_key: bytes,
    now: dt.datetime,
    *,
    capped: bool = True,
) -> Held:
    """Those that come after too many, in order, and why.  Not `capped`: no client has a cap."""
    since = now - WITHIN
    found: dict[UUID, list[Reason]] = defaultdict(list)
    for one in _similar(connection, accepted, catalogue, identity_key, since=since):
        found[one].append(Reason.SIMILAR_TEXT)
    for one in _of_one_supporter(connection, accepted, catalogue, since):
        found[one].append(Reason.SUPPORTER_BURST)
    for one in _of_one_client(connection, accepted, now) if capped else ():
        found[one].append(Reason.CLIENT_BURST)
    return {action_id: tuple(why) for action_id, why in found.items()}


def remember(
    connection: Connection,
    stored: Sequence[Action],
    identity_key: bytes,
    *,
    capped: bool = True,
) -> None:
    """Counts what was stored, for what comes after."""
    if not stored:
        return
    passed = (
        one
        for one in stored
        if one.standing is not Standing.DUPLICATE and Reason.SIMILAR_TEXT not in one.held_for
    )
    word_prints.keep(connection, list(_printed(passed, identity_key)))
    if capped:
        _count_for_clients(connection, stored)


class _Seen:
    """Prints and how often each was seen, found again by what is near them."""

    def __init__(self) -> None:
        self._number: Counter[tuple[str, int]] = Counter()
        self._by_band: dict[tuple[str, int, int], set[int]] = defaultdict(set)

    def add(self, case: str, bits: int, number: int = 1) -> None:
        self._number[case, bits] += number
        for band in enumerate(bands(bits)):
            self._by_band[case, *band].add(bits)

    def near(self, case: str, bits: int) -> int:
        sharing = set().union(*(self._by_band.get((case, *b), ()) for b in enumerate(bands(bits))))
        return sum(self._number[case, other] for other in sharing if are_near(bits, other))


def _similar(
    connection: Connection,
    accepted: Iterable[Action],
    catalogue: Catalogue,
    identity_key: bytes,
    *,
    since: dt.datetime,
) -> Iterator[UUID]:
    limits = {slug: one.policy.moderation.similar_per_hour for slug, one in catalogue.cases.items()}
    limited = [one for one in accepted if limits[one.case]]
    printed = list(_printed(limited, identity_key))
    if not printed:
        return
    seen, wanted = _Seen(), {(one.case, bits) for one, bits in printed}
    for case, bits, number in word_prints.near(connection, wanted, since):
        seen.add(case, bits, number)
    for one, bits in printed:
        if seen.near(one.case, bits) >= limits[one.case]:
            yield one.id
        else:
            seen.add(one.case, bits)


def _printed(some: Iterable[Action], identity_key: bytes) -> Iterator[tuple[Action, int]]:
    for one in some:
        bits = print_of(one, identity_key) if one.channel in CARRIED else None
        if bits is not None:
            yield one, bits


def _of_one_supporter(
    connection: Connection, accepted: Iterable[Action], catalogue: Catalogue, since: dt.datetime
) -> Iterator[UUID]:
    rules = {slug: one.policy.moderation for slug, one in catalogue.cases.items()}
    limited = [one for one in accepted if rules[one.case].per_supporter_per_hour]
    if not limited:
        return
    identities = list({one.supporter_identity for one in limited})
    rows = connection.execute(_ACTED, {"identities": identities, "since": since})
    number = Counter({(identity, mode): count for identity, mode, count in rows})
    for one in limited:
        number[one.supporter_identity, one.mode] += 1
        if number[one.supporter_identity, one.mode] > rules[one.case].per_supporter_per_hour:
            yield one.id


def _of_one_client(
    connection: Connection, accepted: Iterable[Action], now: dt.datetime
) -> Iterator[UUID]:
    by_client = _by_client(accepted)
    for client_id, most, before in _limited(connection, by_client, now):
        yield from (one.id for one in by_client[client_id][max(0, most - before) :])


def _count_for_clients(connection: Connection, stored: Sequence[Action]) -> None:
    by_client = _by_client(stored)
    for client_id, most, _ in _limited(connection, by_client, stored[0].accepted_at):
        mine = by_client[client_id]
        step = max(1, most // _SAMPLES)
        number = step * sum(one.id.int % step == 0 for one in mine)
        if number:
            _count(connection, client_id, _hour(mine[0].accepted_at), number)


def _by_client(some: Iterable[Action]) -> Mapping[UUID, list[Action]]:
    """A file is a burst by nature, and was looked at before it was taken in: it does not count."""
    found: dict[UUID, list[Action]] = defaultdict(list)
    for one in some:
        if one.import_id is None:
            found[one.client_id].append(one)
    return found


def _limited(
    connection: Connection, ids: Collection[UUID], at: dt.datetime
) -> Iterator[tuple[UUID, int, int]]:
    """Of clients with a daily cap: the most in an hour, and how many there were in this one."""
    if not ids:
        return
    asked = {"ids": list(ids), "this_hour": _hour(at)}
    for client_id, cap, before in connection.execute(_CAPPED, asked).all():
        yield client_id, max(1, cap // _OF_A_DAY), before


def _hour(at: dt.datetime) -> int:
    return int(at.timestamp()) // 3600 * 3600


def _count(connection: Connection, client_id: UUID, window: int, number: int) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(client_usage).values(
        client_id=client_id, limit=_BURST, window=window, taken=number
    )
    key = (client_usage.c.client_id, client_usage.c.limit, client_usage.c.window)
    added = {"taken": client_usage.c.taken + adding.excluded.taken}
    connection.execute(adding.on_conflict_do_update(index_elements=key, set_=added))


# Built once: building a statement takes as long as running it.
_ACTED = (
    select(actions.c.supporter_identity, actions.c.mode, func.count())
    .where(
        actions.c.supporter_identity.in_(bindparam("identities", expanding=True)),
        actions.c.accepted_at > bindparam("since"),
    )
    .group_by(actions.c.supporter_identity, actions.c.mode)
)
_CAPPED = (
    select(api_clients.c.id, api_clients.c.daily_actions, func.coalesce(client_usage.c.taken, 0))
    .join_from(
        api_clients,
        client_usage,
        and_(
            client_usage.c.client_id == api_clients.c.id,
            client_usage.c.limit == _BURST,
            client_usage.c.window == bindparam("this_hour"),
        ),
        isouter=True,
    )
    .where(api_clients.c.id.in_(bindparam("ids", expanding=True)), api_clients.c.daily_actions > 0)
    .order_by(api_clients.c.id)
)
