"""The door of every provider's receipts, by the provider's name.

A new provider is a file beside this one and a line here.
"""

from collections.abc import Callable, Mapping

from services.tracking.receipts import (
    dry_run,
    lob,
    pingen,
    print_vendor,
    ses,
    sftp_manifest,
    smtp,
)
from services.tracking.receipts.contract import Door, Trust

BY_NAME: Mapping[str, Callable[[Trust], Door]] = {
    dry_run.SOURCE: dry_run.door,
    lob.SOURCE: lob.door,
    pingen.SOURCE: pingen.door,
    print_vendor.SOURCE: print_vendor.door,
    ses.SOURCE: ses.door,
    sftp_manifest.SOURCE: sftp_manifest.door,
    smtp.SOURCE: smtp.door,
}
