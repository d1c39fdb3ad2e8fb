import pytest

from services.tracking.receipts.contract import Unreadable
from services.tracking.receipts.registry import BY_NAME
from tests.tracking.receipts.test_ses import some_trust


def test_nobody_sends_receipts_for_a_dry_run() -> None:
    with pytest.raises(Unreadable):
        BY_NAME["dry_run"](some_trust())({}, b"{}")
