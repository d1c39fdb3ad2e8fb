"""An intake that takes files, and the steward's work on them, done when a test says so."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import func, select

from services.intake.clients.limits import SharedStore
from services.intake.imports.desk import Desk
from services.intake.imports.work import Importer
from services.intake.take import make_taker
from shared.catalogue import Entry
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.limits import Limit, Limits
from shared.tables.intake import actions
from tests.intake.builders import Intake, settings

CSV = "text/csv"
SAME = {"case": "mikita", "channel": "email"}


@dataclass
class World:
    intake: Intake
    importer: Importer

    @classmethod
    def start(cls, url: str, entries: list[Entry] | None = None) -> Self:
        intake = Intake.start(url, entries)
        return cls(intake, importer_for(intake.database, intake.clock))

    def send(self, content: Any, kind: str = CSV, **query: str) -> Any:
        """POST /v1/imports; what is the same in every row is SAME unless told otherwise."""
        return self.intake.http.post(
            "/v1/imports",
            data=content,
            content_type=kind,
            query_string=SAME | query,
            headers=self.intake.auth(),
        )

    def sent(self, content: bytes, **query: str) -> str:
        """The path of an import that was taken in."""
        answer = self.send(content, **query)
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Location"])

    def checked(self, content: bytes, **query: str) -> Any:
        """An import after all its rows were looked at."""
        path = self.sent(content, **query)
        self.work()
        return self.get(path)

    def work(self) -> None:
        """What the steward does, until nothing is left."""
        while self.importer.work(self.intake.clock()):
            pass

    def post(self, path: str, body: Any) -> Any:
        return self.intake.http.post(path, json=body, headers=self.intake.auth())

    def started(self, one: Any, rows: str = "all") -> Any:
        answer = self.post(one["links"]["start"], {"rows": rows})
        assert answer.status_code == 202, answer.text
        return answer.get_json()

    def done(self, one: Any, rows: str = "all") -> Any:
        """The import after its rows were taken."""
        self.started(one, rows)
        self.work()
        return self.get(one["links"]["self"])

    def get(self, path: str) -> Any:
        return self.intake.get(path).get_json()

    def faults(self, one: Any) -> list[tuple[int, str | None, str]]:
        return [
            (fault["row"], fault["column"], fault["code"])
            for fault in self.get(one["links"]["faults"])["data"]
        ]

    def stored(self) -> int:
        with self.intake.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(actions)) or 0


def importer_for(database: Database, clock: Clock) -> Importer:
    taker = make_taker(settings("unused"), CatalogueReader(database, look_every_s=0), clock)
    limits = Limits(SharedStore(database), kept=[Limit.ACTIONS], clock=clock)
    return Importer(Desk(database, taker, limits))
