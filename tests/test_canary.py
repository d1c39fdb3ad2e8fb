"""Nobody's data lies open anywhere but where it must, also when things go wrong; and it can go.

Canaries fly in by every way that takes people's data, through a Writ in its production shape and an
embedded one.  They are looked for in the broker, the logs, Sentry, the database's files and the
data directory; then they are erased, and looked for in documents, receipts and all that is sealed.
"""

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
import urllib3
from sqlalchemy import Column, Connection, func, select, text

from services.intake.packs.load import load_entries
from services.intake.packs.read import read_pack
from services.intake.retention import Retention
from shared.catalogue import Campaign
from shared.clock import now
from shared.database import Database
from shared.privacy import Keyring, Personal
from shared.reseal import Sealed, sealed_tables
from shared.tables.dispatch import attempts
from shared.tables.intake import actions
from shared.tables.tracking import receipts
from tests.canaries import Canaries, FakeSentry, fake_sentry, files_in
from tests.embedded import writ_up
from tests.production import PACK, Production

PATIENCE_S = 90.0
# The sandbox is the world, which knows what was sent to it; documents are looked at apart.
_MAY_KNOW = ("documents", "sandbox", "sandbox.sqlite", "sandbox.sqlite-wal")
# Where canaries are, unreadable, before they are erased; a notice went to the address of one.
_SEALED = {
    *("actions.supporter_name", "actions.supporter_email", "actions.words"),
    *("attempts.address", "receipts.body", "reported_counts.organiser"),
}
_QUICK = {
    "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0.1",
    "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "0.5",
    "WRIT_CLAIM_TTL_S": "6",
    "WRIT_CONNECT_TIMEOUT_S": "1",
    "WRIT_READ_TIMEOUT_S": "2",
    "WRIT_UNKNOWN_MARGIN_S": "3",
    "WRIT_REWAKE_S": "2",
}


@dataclass
class Tool:
    """A campaign tool that hands canaries in."""

    url: str
    key: str
    canaries: Canaries
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(
            method, f"{self.url}{path}", body=sent, headers=named, retries=False, timeout=30
        )

    def taken(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to a call that must go well."""
        answer = self.call(method, path, body, **headers)
        assert answer.status < 300, (path, answer.data)
        return answer.json() if answer.data else None

    def an_action(self, who: str, **changes: Any) -> dict[str, Any]:
        supporter = {"name": self.canaries.name(who), "email": self.canaries.email(who)}
        body = {
            "case": "zhang-zhan",
            "channel": "email",
            "supporter": supporter | {"country": "CH"},
            "words": self.canaries.words(who),
            "consent": {"show_name": True, "show_country": True, "replies": True},
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    def refs(self) -> set[str]:
        """The handles of all supporters of this client."""
        page = self.taken("GET", "/v1/actions?limit=100")
        found = {one["supporter_ref"] for one in page["data"]}
        while page["data"]:
            page = self.taken("GET", f"/v1/actions?limit=100&cursor={page['next']}")
            found |= {one["supporter_ref"] for one in page["data"]}
        return found


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def sentry() -> Iterator[FakeSentry]:
    with fake_sentry() as taking:
        yield taking


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nobody_lies_open_in_production_and_everybody_can_be_erased(
    canaries: Canaries, sentry: FakeSentry
) -> None:
    with Production(settings=_QUICK | {"WRIT_SENTRY_DSN": sentry.dsn}, dispatchers=1) as writ:
        tool = Tool(writ.intake_url, writ.client.key, canaries)
        _everything_arrives(writ, tool)
        _wait(lambda: _messages(writ))
        assert _lying_open(writ, canaries, sentry) == {}

        _everything_goes_wrong(writ, tool, sentry)
        _the_supporter_is_asked(writ, tool)
        writ.wait_until_quiet(PATIENCE_S, meanwhile=lambda: _more_arrives(tool), every_s=5)

        assert _lying_open(writ, canaries, sentry) == {}
        assert _in_documents(writ.data_dir, canaries)
        assert _sealed(writ.database, canaries) == _SEALED
        before = _sums(writ.database)

        for ref in tool.refs():
            tool.taken("DELETE", f"/v1/supporters/{ref}")
        _wait(lambda: _forgotten(writ.database))
        assert not [*Retention(writ.database).run(now() + dt.timedelta(days=3650))]

        assert _sums(writ.database) == before
        assert _in_documents(writ.data_dir, canaries) == []
        assert _sealed(writ.database, canaries) == set()
        assert _lying_open(writ, canaries, sentry) == {}


@pytest.mark.slow
def test_nobody_lies_open_in_an_embedded_writ(tmp_path: Path, canaries: Canaries) -> None:
    with writ_up(tmp_path) as writ:
        tool = Tool(writ.url, writ.key("--mode", "live"), canaries)
        tool.taken("POST", "/v1/actions", tool.an_action("post"))
        tool.taken("POST", "/v1/actions", tool.an_action("letter", channel="letter"))
        with closing(_embedded_database(tmp_path)) as database:
            _wait(lambda: _count(database, receipts.c.body) >= 4)

            assert canaries.in_files(files_in(tmp_path, but=_MAY_KNOW)) == {}
            assert len(_in_documents(tmp_path, canaries)) == 1  # a letter's text is compressed
            assert _sealed(database, canaries)

            for kind in ("post", "letter"):
                writ.writ("erase", "--yes", "--email", canaries.email(kind))
            _wait(lambda: _forgotten(database))

            assert [*files_in(tmp_path / "documents")] == []
            assert _sealed(database, canaries) == set()
            assert canaries.in_files(files_in(tmp_path, but=_MAY_KNOW)) == {}


def _everything_arrives(writ: Production, tool: Tool) -> None:
    """By every way in, while nobody works: so that the broker keeps what it is told."""
    writ.stop("dispatch-1")
    link = f"{tool.canaries.words('held')} See https://a.example/{tool.canaries.stem}"
    for number, body in enumerate(
        (
            tool.an_action("post"),
            tool.an_action("twice"),
            tool.an_action("twice"),
            tool.an_action("letter", channel="letter"),
            tool.an_action("signature", kind="signature", channel="petition", words=None),
            tool.an_action("held", words=link),
        )
    ):
        tool.taken("POST", "/v1/actions", body, Idempotency_Key=f"key-{number}")
    lines = [tool.an_action(f"batch{number}") for number in range(3)] + [{"case": "nonsense"}]
    tool.taken("POST", "/v1/actions/batch", lines)
    tool.taken("POST", "/v1/previews", tool.an_action("preview", channel="letter"))
    _import(tool, "name,email,words\n", kind="csv")
    _import(tool, "", kind="headless")
    count = {"case": "zhang-zhan", "channel": "letter", "number": 7, "event_on": "2021-12-10"}
    tool.taken("POST", "/v1/counts", count | {"organiser": tool.canaries.name("organiser")})
    _osdi(tool)


def _import(tool: Tool, header: str, *, kind: str) -> None:
    """A file of a writing event; one whose first line is no header cannot be understood."""
    rows = [
        f"{tool.canaries.name(kind + str(number))},{tool.canaries.email(kind + str(number))},"
        f'"{tool.canaries.words(kind)}"\n'
        for number in range(3)
    ]
    path = f"/v1/imports?case=zhang-zhan&channel=email&file_name={tool.canaries.stem}file.csv"
    content = (header + "".join(rows)).encode()
    found = tool.taken("POST", path, content, Content_Type="text/csv")
    here = found["links"]["self"]
    _wait(lambda: tool.taken("GET", here)["state"] not in {"receiving", "checking"})
    tool.call("GET", f"{here}/preview")
    if tool.taken("GET", here)["state"] == "ready" and header:
        tool.taken("POST", f"{here}/start", {"rows": "good"})
        _wait(lambda: tool.taken("GET", here)["state"] == "done")


def _osdi(tool: Tool) -> None:
    person: dict[str, Any] = {"given_name": tool.canaries.name("osdi"), "family_name": "Example"}
    person["email_addresses"] = [{"address": tool.canaries.email("osdi")}]
    body = {"person": person, "type": "email", "message": tool.canaries.words("osdi")}
    path = "/osdi/v1/advocacy_campaigns/zhang-zhan/record_outreach_helper"
    tool.taken("POST", path, body | {"targets": [{"title": "President of China"}]})


def _everything_goes_wrong(writ: Production, tool: Tool, sentry: FakeSentry) -> None:
    """Refused bodies, a 500, a crash in an actor whose message ends in the dead letters, faults of
    providers, receipts that are nonsense, a kill."""
    nonsense = f'{{"supporter": {{"name": "{tool.canaries.name("broken")}"'.encode()
    long = tool.an_action("long", words=tool.canaries.words("long") * 400)
    for body in (
        nonsense,
        long,
        tool.an_action("bad", case="nonsense", surprise=tool.canaries.stem),
    ):
        assert tool.call("POST", "/v1/actions", body).status in {400, 413, 422}
    assert tool.call("POST", "/v1/actions", nonsense, Content_Type="text/plain").status == 415
    receipt = f"{writ.tracking_url}/v1/receipts/ses"
    assert urllib3.request("POST", receipt, body=nonsense, timeout=10).status == 400
    with _refusing(writ.database, "actions"):
        assert tool.call("POST", "/v1/actions", tool.an_action("refused")).status == 500
    _wait(lambda: sentry.naming("IntegrityError"))
    writ.put_faults(
        {
            "ses": [{"kind": "500", "next": 2}, {"kind": "reset_after", "next": 2}],
            "print": [{"kind": "garbage_after", "next": 1}],
        }
    )
    told = len(sentry.got)
    with _refusing(writ.database, "attempts"):
        writ.start("dispatch-1")
        _wait(lambda: len(sentry.got) > told and _dead_letters(writ))
    tool.taken("POST", "/v1/actions", tool.an_action("killed"))
    writ.kill9("dispatch-1")
    writ.start("dispatch-1")


@contextmanager
def _refusing(database: Database, table: str) -> Iterator[None]:
    """Every new row is refused by the database, whose words then quote it."""
    _alter(database, f"{table} ADD CONSTRAINT refusing CHECK (id IS NULL) NOT VALID")
    try:
        yield
    finally:
        _alter(database, f"{table} DROP CONSTRAINT refusing")


def _alter(database: Database, change: str) -> None:
    with database.begin() as connection:
        connection.execute(text(f"ALTER TABLE {change}"))


def _the_supporter_is_asked(writ: Production, tool: Tool) -> None:
    """By an email to the canary's own address."""
    entries = read_pack(PACK).entries
    asking = [
        one.model_copy(update={"confirmation": True}) if isinstance(one, Campaign) else one
        for one in entries
    ]
    load_entries(writ.database, PACK.name, asking)
    time.sleep(1.5)  # the services look at the catalogue every second
    told = tool.taken("POST", "/v1/actions", tool.an_action("asked"))
    assert told["status"] == "unconfirmed"


def _more_arrives(tool: Tool) -> None:
    """What SES tells of later emails proves what became of those that nobody can tell of."""
    some = [tool.an_action(f"late{time.monotonic_ns()}") for _ in range(4)]
    tool.taken("POST", "/v1/actions/batch", some)


def _lying_open(writ: Production, canaries: Canaries, sentry: FakeSentry) -> dict[str, str]:
    """Where canaries are that nobody may see; empty where all is well."""
    with writ.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CHECKPOINT"))
    found = canaries.in_files(files_in(writ.data_dir, but=_MAY_KNOW))
    for server in (writ.postgres, writ.rabbit, *writ.services.values()):
        found |= canaries.in_files(files_in(server.directory))  # with its log
    for kind, told in (("queue", _messages(writ)), ("sentry", sentry.got)):
        finds = [find for one in told for find in canaries.in_bytes(one)]
        found |= {kind: finds[0]} if finds else {}
    return found


def _messages(writ: Production) -> list[bytes]:
    """What lies on the queues, dead letters among it; it stays there."""
    with pika.BlockingConnection(pika.URLParameters(writ.rabbit.url)) as connection:
        channel = connection.channel()
        found = []
        for queue in ("emails", "letters", "tracking"):
            for name in (queue, f"{queue}.DQ", f"{queue}.XQ"):
                while (got := channel.basic_get(name))[0] is not None:
                    found.append(got[2])
        return found  # never acknowledged: closing puts them back


def _dead_letters(writ: Production) -> int:
    with pika.BlockingConnection(pika.URLParameters(writ.rabbit.url)) as connection:
        declared = connection.channel().queue_declare("emails.XQ", passive=True)
        return int(declared.method.message_count)


def _in_documents(data_dir: Path, canaries: Canaries) -> list[str]:
    """The emails that show a canary, as a reader would see them."""
    return [
        path.name
        for path in files_in(data_dir / "documents")
        if path.suffix == ".eml" and canaries.in_bytes(_read(path))
    ]


def _read(email: Path) -> bytes:
    message = message_from_bytes(email.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    said = [*message.values(), body.get_content() if body else ""]
    return "\n".join(map(str, said)).encode()


def _sealed(database: Database, canaries: Canaries) -> set[str]:
    """The columns in which canaries are, once everything is opened."""
    with database.read() as connection:
        return {
            f"{one.table.name}.{column.name}"
            for one in sealed_tables()
            for column in one.columns
            if any(canaries.in_bytes(text) for text in _opened(connection, one, column, database))
        }


def _opened(
    connection: Connection, one: Sealed, column: Column[Any], database: Database
) -> Iterator[bytes]:
    values = select(*one.key, *one.place_of, column).where(column.is_not(None))
    for row in connection.execute(values).mappings():
        place, value = one.place(row), row[column.name]
        if isinstance(column.type, Personal):
            yield str(value.open(place)).encode()
        else:
            named = f"{one.table.name}.{column.name}"
            yield database.keyring.open_bytes(value, column=named, row=place)


def _sums(database: Database) -> list[Any]:
    """What is counted, distinct supporters among it."""
    of = (actions.c.campaign, actions.c.kind, actions.c.channel, actions.c.standing)
    people = func.count(actions.c.supporter_identity.distinct())
    with database.read() as connection:
        rows = connection.execute(select(*of, people, func.count()).group_by(*of).order_by(*of))
        return [tuple(row) for row in rows]


def _forgotten(database: Database) -> bool:
    """Whether every document and every receipt's body is gone."""
    return _count(database, attempts.c.document) == _count(database, receipts.c.body) == 0


def _count(database: Database, column: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count(column))) or 0


def _embedded_database(folder: Path) -> Database:
    secrets = json.loads((folder / "secrets.json").read_text())
    return Database(f"sqlite:///{folder / 'writ.db'}", Keyring.parse(secrets["WRIT_PRIVACY_KEYS"]))


def _wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
