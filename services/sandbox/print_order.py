"""What the print vendor asks of an order, and what it charges; knows no web framework."""

import base64
import hashlib
from io import BytesIO
from typing import Annotated, Literal

import pikepdf
from pydantic import BaseModel, ConfigDict, Field

MAX_PAGES = 120
CURRENCY = "EUR"
# Minor units: the first sheet with its envelope and postage, each further sheet, colour per page.
FIRST_SHEET, NEXT_SHEET, COLOUR_PAGE = 142, 11, 8

Line = Annotated[str, Field(min_length=1, max_length=60)]


class Address(BaseModel):
    """Where a letter goes, as printed: 1 to 6 lines, and the country's ISO 3166 code."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[Line], Field(min_length=1, max_length=6)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class OrderRequest(BaseModel):
    """The body of `POST /print/v1/orders`."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(min_length=1, max_length=100)]
    format: Literal["A4"]
    colour: bool
    duplex: bool
    service_class: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    pages: Annotated[int, Field(ge=1, le=MAX_PAGES)]
    pdf_base64: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    address: Address


class WrongPdf(Exception):
    """The PDF cannot be printed as ordered; `reason` is a word, without any content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_pdf(order: OrderRequest) -> None:
    """Raises WrongPdf unless the PDF is whole, is the one meant, and has as many pages as said."""
    try:
        pdf = base64.b64decode(order.pdf_base64, validate=True)
    except ValueError as error:
        raise WrongPdf("pdf_not_base64") from error
    if not pdf.startswith(b"%PDF"):
        raise WrongPdf("pdf_not_a_pdf")
    if hashlib.sha256(pdf).hexdigest() != order.sha256:
        raise WrongPdf("sha256_mismatch")
    try:
        with pikepdf.open(BytesIO(pdf)) as document:
            pages = len(document.pages)
    except pikepdf.PdfError as error:
        raise WrongPdf("pdf_unreadable") from error
    if pages != order.pages:
        raise WrongPdf("pages_mismatch")


def price(order: OrderRequest) -> int:
    """What the order costs, in minor units of CURRENCY."""
    sheets = -(-order.pages // 2) if order.duplex else order.pages
    colour = COLOUR_PAGE * order.pages if order.colour else 0
    return FIRST_SHEET + NEXT_SHEET * (sheets - 1) + colour
