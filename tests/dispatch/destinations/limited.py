"""A list of limits in a world's database, and a catalogue with an embassy beside the office."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from services.dispatch.destinations.import_list import compare, import_list
from services.dispatch.destinations.limits import Rule
from services.dispatch.destinations.tend import RouteKeeper
from shared.catalogue import Catalogue, Entry, Policy
from shared.database import Database
from shared.tables.routes import LimitKind
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_case, a_catalogue, a_policy, a_recipient, an_address

DAY = NOON.date()
SOURCE = "https://post.example/notices"


def a_rule(**changes: Any) -> Rule:
    """No letters to the office's country, since yesterday."""
    fields: dict[str, Any] = {
        "country": "BY",
        "region": None,
        "vendor": None,
        "product": None,
        "kind": LimitKind.SUSPENDED,
        "starts": DAY - dt.timedelta(days=1),
        "ends": None,
        "reason": "No flights.",
        "source": SOURCE,
        "noted_by": "ops",
    }
    return Rule(**fields | changes)


def noted(database: Database, *rules: Rule, at: dt.datetime = NOON) -> None:
    """Makes these the whole list."""
    with database.read() as connection:
        told = compare(connection, rules)
    import_list(database, rules, told, at)


def embassy(**changes: Any) -> Entry:
    fields = {
        "slug": "embassy",
        "office": "Embassy of Belarus",
        "addresses": (an_address(lines=("2 Invented Road", "3000 Bern"), country="CH"),),
    }
    return a_recipient(**fields | changes)


def with_embassy(*changed: Entry, **policy: Any) -> Catalogue:
    fallback = {"paper_fallback": ({"by": "embassy", "to": "embassy"},)}
    told = Policy.model_validate(a_policy().model_dump() | fallback | policy)
    return a_catalogue(embassy(), a_case(policy=told), *changed)


def tended(world: World, keeper: RouteKeeper | None = None) -> RouteKeeper:
    """As the relay does."""
    keeper = keeper or RouteKeeper()
    with world.database.begin() as connection:
        keeper.tend(connection, world.catalogue, world.clock())
    keeper.confirm()
    return keeper


def reasons(world: World, ids: Sequence[Any]) -> list[str | None]:
    return [world.delivery(one).held_reason for one in ids]
