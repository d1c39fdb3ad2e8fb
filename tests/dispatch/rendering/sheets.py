"""A cover sheet to be set, with your changes."""

from typing import Any

from shared.previews import CoverSheetOrder

LINK = "https://letters.example/pile/mfzwizbo-mfzwizbo-mfzwizbo-mfzwizbo-mfzwizbo-mfzwizbo"


def a_sheet(**changes: Any) -> CoverSheetOrder:
    fields: dict[str, Any] = {
        "language": "en",
        "top": "Put this page on top of the pile",
        "title": "Mikita Zalatarou",
        "rows": (("Campaign", "Letters"), ("Organiser", "A school")),
        "number": ("How many", None),
        "write": "Write the number here.",
        "send_to": ("Send it to", ("Friends of Letters", "1 Road", "Bern")),
        "scan": ("Tell us the number", "Scan the code:"),
        "link": LINK,
    }
    return CoverSheetOrder(**fields | changes)
