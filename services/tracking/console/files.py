"""The console's files: assets, and the emails and letters that were handed over.

An email's HTML is shown as what it is, a stranger's document: on a route of its own, under a policy
that lets it do nothing, inside a sandboxed frame.
"""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, Response, abort, request

from services.tracking.console.assets import Asset
from services.tracking.console.documents import Documents, EmailParts
from services.tracking.console.reading import attempt
from shared.database import Database
from shared.pages import page_picture

PICTURE_DPI = 110
_FOR_EVER = "public, max-age=31536000, immutable"
_PRIVATE = "private, max-age=3600"  # an attempt's document never changes
_EMAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)
_PATH = "/deliveries/<uuid:delivery_id>/attempts/<int:number>"


class FilePages:
    def __init__(
        self, database: Database, documents: Documents, assets: Mapping[str, Asset]
    ) -> None:
        self._database = database
        self._documents = documents
        self._assets = assets

    def hang(self, blueprint: Blueprint) -> None:
        for rule, name, view in (
            ("/assets/<name>", "asset", self.asset),
            (f"{_PATH}/email.html", "email_html", self.email_html),
            (f"{_PATH}/page-<int:page>.png", "letter_page", self.letter_page),
            (f"{_PATH}/document", "document", self.document),
        ):
            blueprint.add_url_rule(rule, name, view)

    def asset(self, name: str) -> Response:
        asset = self._assets.get(name)
        if asset is None:
            abort(404)
        response = Response(asset.content, mimetype=asset.mimetype)
        fresh = request.args.get("v") == asset.version
        response.headers["Cache-Control"] = _FOR_EVER if fresh else "no-cache"
        return response

    def email_html(self, delivery_id: UUID, number: int) -> Response:
        parts = EmailParts.read(self._open(delivery_id, number, ".eml"))
        response = Response(parts.html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _EMAIL_CSP
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = _PRIVATE
        return response

    def letter_page(self, delivery_id: UUID, number: int, page: int) -> Response:
        try:
            picture = page_picture(self._open(delivery_id, number, ".pdf"), page - 1, PICTURE_DPI)
        except IndexError:
            abort(404)
        response = Response(picture, mimetype="image/png")
        response.headers["Cache-Control"] = _PRIVATE
        return response

    def document(self, delivery_id: UUID, number: int) -> Response:
        """The file itself, to keep."""
        path = self._path(delivery_id, number)
        ending = ".eml" if path.endswith(".eml") else ".pdf"
        response = Response(self._open(delivery_id, number, ending))
        response.mimetype = "message/rfc822" if ending == ".eml" else "application/pdf"
        name = f"{delivery_id}-{number}{ending}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = _PRIVATE
        return response

    def _open(self, delivery_id: UUID, number: int, ending: str) -> bytes:
        path = self._path(delivery_id, number)
        content = self._documents.open(path) if path.endswith(ending) else None
        if content is None:
            abort(404)
        return content

    def _path(self, delivery_id: UUID, number: int) -> str:
        with self._database.read() as connection:
            row = attempt(connection, delivery_id, number)
        return (row.document or "") if row is not None else ""
