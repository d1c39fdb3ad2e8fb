"""What Lob asks of an address, a letter and a postcard, and how it shows them; no web framework.

After Lob's own document (MIT), github.com/lob/lob-openapi 1.22.0; the codes are its `error.code`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import pikepdf
from babel import Locale
from pydantic import BaseModel, ConfigDict

from services.sandbox.fates import PrintStep
from services.sandbox.store import iso

# The document: "does not accept `US`, `AS`, `PR` …. Also does not accept `PS`", and what it lacks.
TERRITORIES = frozenset({"AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"})
NOT_TAKEN = TERRITORIES | frozenset(
    {
        *("AM", "AX", "BL", "BV", "CC", "CF", "CX", "GF", "GG", "GP", "HM", "IM", "JE", "MF"),
        *("MQ", "NC", "PF", "PM", "PS", "RE", "SJ", "TF", "UM", "WF", "XK", "YT"),
    }
)
COUNTRIES: Mapping[str, str] = Locale("en").territories
SCANS: Mapping[str, str] = {  # events that are a scan of the post, by the scan's name
    "mailed": "Mailed",
    "in_transit": "In Transit",
    "processed_for_delivery": "Processed for Delivery",
    "delivered": "Delivered",
    "international_exit": "International Exit",
    "returned_to_sender": "Returned to Sender",
}
_LINES = ("name", "company", "address_line1", "address_line2")
_LAST = ("address_city", "address_state", "address_zip")
_SHEET, _CARD = (612.0, 792.0), (450.0, 306.0)  # points: 8.5 x 11 in; 6.25 x 4.25 in, with bleed
_MOST_BYTES = 5 * 10**6
_MOST_PAGES = {True: 12, False: 120}  # abroad, in the USA; on both sides


class Wrong(Exception):
    """What Lob answers with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class Address(BaseModel):
    """An entry of the address book."""

    model_config = ConfigDict(frozen=True)

    id: str
    fields: dict[str, str]
    created_at: float

    @property
    def country(self) -> str:
        return self.fields.get("address_country", "US")

    @property
    def lines(self) -> list[str]:
        """As they are printed, the country without."""
        last = " ".join(self.fields[name] for name in _LAST if self.fields.get(name))
        lines = [self.fields[name] for name in _LINES if self.fields.get(name)]
        return [*lines, last] if last else lines

    def shown(self) -> dict[str, Any]:
        told = {name: self.fields.get(name) for name in (*_LINES, *_LAST)}
        name = "United States" if self.country == "US" else COUNTRIES[self.country]
        return {
            "id": self.id,
            "description": None,
            **{name: text.upper() if text else None for name, text in told.items()},
            "address_country": name.upper(),
            "metadata": {},
            **_base("address", self.created_at),
        }


class Piece(BaseModel):
    """A letter or a postcard that was taken; `plan` is (event, Unix seconds)."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str  # letter or postcard
    asked: dict[str, str]
    metadata: dict[str, str]
    to: Address
    sender: Address
    pages: int
    sha256: str
    created_at: float
    send_at: float  # until then it can be cancelled
    plan: list[tuple[str, float]]
    deleted: bool = False

    def shown(self, until: float) -> dict[str, Any]:
        """As Lob shows it: what happened `until` then."""
        happened = [(what, at) for what, at in self.plan if at <= until]
        told = {
            "id": self.id,
            "description": None,
            "metadata": self.metadata,
            "to": self.to.shown(),
            "from": self.sender.shown(),
            "url": f"https://lob-assets.example/{self.kind}s/{self.id}.pdf",
            "mail_type": self.asked.get("mail_type", "usps_first_class"),
            "use_type": self.asked["use_type"],
            "carrier": "USPS",
            "merge_variables": None,
            "send_date": iso(self.send_at),
            "fsc": False,
            "status": _rendering([what for what, _ in happened]),
            "thumbnails": [],
            "tracking_events": [_scan(self.id, *one) for one in happened if one[0] in SCANS],
            **(self._of_a_letter() if self.kind == "letter" else self._of_a_postcard()),
            **_base(self.kind, self.created_at),
        }
        if told["status"] == "failed":
            told["failure_reason"] = {"failure_reason": "The file could not be rendered."}
        return told | ({"deleted": True} if self.deleted else {})

    def _of_a_letter(self) -> dict[str, Any]:
        return {
            "color": self.asked["color"] == "true",
            "double_sided": self.asked.get("double_sided", "true") == "true",
            "address_placement": self.asked.get("address_placement", "top_first_page"),
            "return_envelope": False,
            "perforated_page": None,
            "custom_envelope": None,
            "extra_service": None,
            "tracking_number": None,
        }

    def _of_a_postcard(self) -> dict[str, Any]:
        templates = ("front_template_id", "back_template_id")
        versions = ("front_template_version_id", "back_template_version_id")
        return {"size": self.asked.get("size", "4x6"), **dict.fromkeys((*templates, *versions))}


SENDER = Address(  # in every account's address book
    id="adr_sandbox",
    fields={
        "name": "Letters for Rights",
        "address_line1": "1 Example Street",
        "address_city": "Springfield",
        "address_state": "IL",
        "address_zip": "62701",
        "address_country": "US",
    },
    created_at=0.0,
)


def road(steps: Sequence[PrintStep], *, country: str) -> list[str]:
    """The events of a piece on its way, without `letter.`; abroad nobody scans it any more."""
    if PrintStep.REJECTED in steps:
        return ["created", "failed"]
    if PrintStep.RETURNED in steps:
        end = ["returned_to_sender"]
    else:
        end = ["processed_for_delivery", "delivered"] if country == "US" else ["international_exit"]
    return ["created", "rendered_pdf", "mailed", "in_transit", *end]


def check_address(fields: Mapping[str, str]) -> None:
    """Raises Wrong unless `address_editable` of the document takes it."""
    country = fields.get("address_country", "US")
    if country in NOT_TAKEN or country not in COUNTRIES or len(country) != 2:
        raise Wrong(422, "invalid", "address_country is not one of the countries we serve")
    needed = ["address_line1", *(_LAST if country == "US" else ())]
    if not all(fields.get(name) for name in needed):
        raise Wrong(422, "invalid", f"required: {', '.join(needed)}")
    if not (fields.get("name") or fields.get("company")):
        raise Wrong(422, "invalid", "name or company is required")
    line = 64 if country == "US" else 200
    for name in _LINES:
        most = 40 if name in ("name", "company") else line
        if len(fields.get(name, "")) > most:
            raise Wrong(422, "invalid", f"{name} must be no longer than {most} characters")


def check_piece(kind: str, fields: Mapping[str, str], *, version: str) -> None:
    """Raises Wrong unless the fields beside the file are complete, and words that Lob knows."""
    needed = {"use_type": ("marketing", "operational")}
    if kind == "letter":
        needed["color"] = ("true", "false")
    for name, words in needed.items():
        if fields.get(name) not in words:
            raise Wrong(422, "invalid", f"{name} must be one of {', '.join(words)}")
    if kind == "letter" and "size" in fields and version < "2024-01-01":
        raise Wrong(422, "invalid", "size is not known to this Lob-Version")
    if kind == "postcard" and fields.get("size", "4x6") != "4x6":
        raise Wrong(422, "invalid", "this sandbox prints 4x6 only")


def check_file(kind: str, files: Sequence[bytes], *, abroad: bool) -> tuple[int, str]:
    """How many pages there are, and the hash of all.  Raises Wrong."""
    if sum(map(len, files)) > _MOST_BYTES:
        raise Wrong(422, "file_size_exceeds_limit", "The file is too large.")
    sizes = [size for file in files for size in _page_sizes(file)]
    if len(set(sizes)) > 1:
        raise Wrong(422, "inconsistent_page_dimensions", "All pages must have one size.")
    if sizes[0] != (_SHEET if kind == "letter" else _CARD):
        raise Wrong(422, "invalid_file_dimensions", f"{sizes[0]} points is not the right size.")
    if kind == "letter" and len(sizes) > _MOST_PAGES[abroad]:
        raise Wrong(422, "file_pages_exceed_max", "Too many pages.")
    return len(sizes), hashlib.sha256(b"".join(files)).hexdigest()


def _page_sizes(file: bytes) -> list[tuple[float, float]]:
    try:
        with pikepdf.open(BytesIO(file)) as document:
            boxes = [[float(edge) for edge in page.mediabox] for page in document.pages]
    except pikepdf.PasswordError as error:
        raise Wrong(422, "pdf_encrypted", "The PDF is encrypted.") from error
    except pikepdf.PdfError as error:
        raise Wrong(422, "invalid_file", "The file is invalid.") from error
    if not boxes:
        raise Wrong(422, "file_pages_below_min", "There is no page.")
    return [(round(right - left, 1), round(top - bottom, 1)) for left, bottom, right, top in boxes]


def _rendering(happened: Sequence[str]) -> str:
    if "failed" in happened:
        return "failed"
    return "rendered" if "rendered_pdf" in happened else "processed"


def _scan(piece: str, what: str, at: float) -> dict[str, Any]:
    number = re.sub("[^a-z]", "", what)
    return {
        "id": f"evnt_{piece.partition('_')[2]}{number}",
        "type": "normal",
        "name": SCANS[what],
        "details": None,
        "location": None,
        "time": iso(at),
        **_base("tracking_event", at),
    }


def _base(kind: str, at: float) -> dict[str, Any]:
    return {"date_created": iso(at), "date_modified": iso(at), "object": kind}
