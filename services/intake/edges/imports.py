"""Files from writing events: hand one in, look what it holds, start it, watch it, cancel it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from flask import request
from sqlalchemy import select

from services.intake.accept import FAULT_CODES
from services.intake.edges.import_forms import (
    FORM_TYPE,
    MALFORMED_FORM,
    XLSX_TYPE,
    Form,
    form_schema,
)
from services.intake.edges.import_models import (
    FaultsQuery,
    FaultView,
    ImportLinks,
    ImportPath,
    ImportQuery,
    ImportView,
    MapBody,
    MapPath,
    MapsView,
    MapView,
    PreviewView,
    Start,
)
from services.intake.imports.desk import Desk
from services.intake.imports.keeping import Import
from services.intake.imports.life import (
    ALREADY_THERE,
    NOT_NOW,
    ROWS_ARE_BAD,
    TOO_MANY_OPEN,
    Imports,
    Sent,
)
from services.intake.imports.mapping import ColumnMap
from services.intake.imports.maps import TOO_MANY_MAPS, Maps, SavedMap
from services.intake.imports.preview import BUSY, OneLook, preview
from services.intake.imports.progress import progress
from services.intake.imports.unreadable import FILE_FAULTS, ROW_FAULTS
from shared.api_keys import Client, Scope
from shared.http.bodies import Upload
from shared.http.operations import Answer, Media, op
from shared.http.paging import Page, read_cursor, write_cursor
from shared.http.problems import INVALID, MALFORMED, NOT_FOUND
from shared.tables.writing_events import import_faults

_FILE = {"type": "string", "format": "binary"}
_MEDIA = Media(
    {"text/csv": {"type": "string"}, XLSX_TYPE: _FILE, FORM_TYPE: form_schema()},
    max_bytes=64 * 1024 * 1024,
)
_FAULTS = {**FAULT_CODES, **FILE_FAULTS, **ROW_FAULTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportsEdge:
    desk: Desk
    imports: Imports
    maps: Maps
    max_upload_bytes: int
    looks: OneLook = field(default_factory=OneLook)

    @op(
        "POST",
        "/v1/imports",
        scope=Scope.SUBMIT,
        status=202,
        problems=(MALFORMED, MALFORMED_FORM, NOT_FOUND, ALREADY_THERE, TOO_MANY_OPEN, INVALID),
        media=_MEDIA,
    )
    def post_import(self, query: ImportQuery, body: Upload, client: Client) -> Answer[ImportView]:
        """Hand in a file.

        CSV or XLSX, as the body or as a form's field `file`; the first row names the columns. It is
        checked row by row and nothing is stored of it: look at `GET /v1/imports/{id}` until it is
        `ready`, at its preview and its faults, and then start it.

        The same file twice is answered with 409 and the earlier import in `Location`, unless you
        send `again=true`. A file that is not started within 7 days is forgotten.
        """
        sent = self._sent(client, query)  # at once: what is wrong with it needs no file
        if body.mimetype == FORM_TYPE:
            form = Form(body, request.mimetype_params.get("boundary", ""))
            content, ask = form.content(), lambda: self._sent(client, query, form.query())
        else:
            content, ask = body.pieces(), lambda: sent
        view = self._view(self.imports.receive(client, content, ask))
        return Answer(body=view, status=202, headers={"Location": view.links.self})

    @op("GET", "/v1/imports/{id}", scope=Scope.SUBMIT)
    def get_import(self, path: ImportPath, client: Client) -> ImportView:
        """Look how far an import is."""
        return self._view(self.imports.mine(client.id, path.id))

    @op("GET", "/v1/imports/{id}/preview", scope=Scope.SUBMIT, problems=[NOT_NOW, BUSY])
    def get_import_preview(self, path: ImportPath, client: Client) -> PreviewView:
        """See the first rows as they would be understood.

        Names, addresses and words are not given back: of each you see its first letter, its length
        and the row and column it stands in. Few files are looked into at once: on 503, ask again.
        """
        one = self.imports.mine(client.id, path.id)
        with self.looks.taken():
            shown = preview(self.desk, one)
        rows = [
            {
                "row": row.number,
                **{
                    name: [asdict(each) for each in getattr(row, name)]
                    for name in ("cells", "faults")
                },
            }
            for row in shown.rows
        ]
        return PreviewView.model_validate(
            {"rows": rows, "letters": shown.letters, "unread": shown.unread}
        )

    @op("GET", "/v1/imports/{id}/faults", scope=Scope.SUBMIT, faults=_FAULTS)
    def list_import_faults(
        self, path: ImportPath, query: FaultsQuery, client: Client
    ) -> Page[FaultView]:
        """List what is wrong with an import's rows.

        The first 1,000 faults are kept; `bad` counts all rows that have one.
        """
        one = self.imports.mine(client.id, path.id)
        [after] = read_cursor(query.cursor, 1) or (0,)
        wanted = select(import_faults).where(
            import_faults.c.import_id == one.id, import_faults.c.number > after
        )
        wanted = wanted.order_by(import_faults.c.number).limit(query.limit)
        with self.desk.database.read() as connection:
            rows = connection.execute(wanted).all()
        data = [
            FaultView(row=row.row, column=row.column, code=row.code, detail=row.detail)
            for row in rows
        ]
        return Page(data=data, next=write_cursor(rows[-1].number) if rows else None)

    @op(
        "POST",
        "/v1/imports/{id}/start",
        scope=Scope.SUBMIT,
        status=202,
        problems=[NOT_NOW, ROWS_ARE_BAD],
    )
    def start_import(self, path: ImportPath, body: Start, client: Client) -> ImportView:
        """Start an import.

        Its rows are taken as actions, in order, in chunks; after a crash it goes on where it was,
        and each row is taken once.
        """
        return self._view(self.imports.start(client.id, path.id, body.rows))

    @op("DELETE", "/v1/imports/{id}", scope=Scope.SUBMIT, problems=[NOT_NOW])
    def cancel_import(self, path: ImportPath, client: Client) -> ImportView:
        """Cancel an import.

        Its file is forgotten at once. Actions that were taken already stay.
        """
        return self._view(self.imports.cancel(client.id, path.id))

    @op("GET", "/v1/import-maps", scope=Scope.SUBMIT)
    def list_import_maps(self, client: Client) -> MapsView:
        """List your saved column maps."""
        return MapsView(data=[_map_view(one) for one in self.maps.all(client.id)])

    @op("PUT", "/v1/import-maps/{name}", scope=Scope.SUBMIT, problems=[TOO_MANY_MAPS])
    def put_import_map(self, path: MapPath, body: MapBody, client: Client) -> MapView:
        """Save a column map, in place of one of the same name."""
        said = ColumnMap(body.columns, body.defaults)
        return _map_view(self.maps.put(client.id, path.name, said))

    @op("DELETE", "/v1/import-maps/{name}", scope=Scope.SUBMIT, status=204)
    def delete_import_map(self, path: MapPath, client: Client) -> None:
        """Forget a saved column map."""
        self.maps.remove(client.id, path.name)

    def _sent(self, client: Client, query: ImportQuery, form: ImportQuery | None = None) -> Sent:
        asked = query
        if form is not None:  # its fields go before the address's
            asked = query.model_copy(update=form.model_dump(exclude_unset=True))
        saved = self.maps.get(client.id, asked.map).map if asked.map else ColumnMap()
        return Sent(
            file_name=asked.file_name,
            said=asked.column_map(saved),
            encoding=asked.encoding or "",
            again=asked.again,
        )

    def _view(self, one: Import) -> ImportView:
        here = f"/v1/imports/{one.id}"
        links = ImportLinks(
            self=here,
            faults=f"{here}/faults",
            preview=f"{here}/preview",
            start=f"{here}/start",
        )
        fields: dict[str, Any] = {
            name: getattr(one, name) for name in ImportView.model_fields if hasattr(one, name)
        }
        layout = one.layout
        return ImportView(
            **fields,
            form=layout.form,
            encoding=layout.encoding,
            separator=layout.separator,
            sheet=layout.sheet,
            columns=dict(one.said.columns),
            defaults=dict(one.said.defaults),
            **asdict(progress(one, self.imports.clock())),
            links=links,
        )


def _map_view(one: SavedMap) -> MapView:
    return MapView(
        name=one.name,
        columns=dict(one.map.columns),
        defaults=dict(one.map.defaults),
        saved_at=one.saved_at,
    )
