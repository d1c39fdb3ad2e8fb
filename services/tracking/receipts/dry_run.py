"""The dry run hands nothing over, so nobody ever sends a receipt for it.

The file stands here because every provider has its receipts under its own name, and a reader who
looks for this one's should find that there are none.
"""

from collections.abc import Mapping

from services.tracking.receipts.contract import Door, Receipt, Trust, Unreadable

SOURCE = "dry_run"


def door(_trust: Trust) -> Door:
    return _refuse


def _refuse(_headers: Mapping[str, str], _body: bytes) -> Receipt | None:
    raise Unreadable("a dry run has no receipts")
