"""Lists by cursor: a page of rows, and an opaque word to ask for the next one.

No totals: counting costs more than the list, and a sum without its meaning misleads.
"""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from shared.http.problems import Fault, invalid

T = TypeVar("T", bound=BaseModel)
#: What a list may be narrowed by: one line, and nothing in it that PostgreSQL refuses.
Word = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PageQuery(BaseModel, extra="forbid"):
    """What every list takes."""

    cursor: str | None = Field(None, max_length=200, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200, description="At most this many")


class Page(BaseModel, Generic[T]):
    """A page of a list, the oldest first."""

    data: list[T]
    next: str | None = Field(
        description="Ask with `?cursor=` for what follows; null on a page without rows"
    )


def write_cursor(*numbers: int) -> str:
    text = ".".join(str(number) for number in numbers)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, size: int) -> tuple[int, ...] | None:
    """The numbers that `write_cursor` was given.  Problem 422 where it is none of ours."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        numbers = tuple(int(part) for part in base64.urlsafe_b64decode(padded).decode().split("."))
    except (ValueError, binascii.Error):
        numbers = ()
    if len(numbers) != size or any(abs(number) >= 2**63 for number in numbers):
        raise invalid([Fault("?cursor", "wrong_form", "This is no cursor that Writ has given")])
    return numbers
