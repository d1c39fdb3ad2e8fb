"""Which vendor letters leave by is one setting; each vendor's own are read only where it prints."""

from pathlib import Path
from uuid import UUID

import pytest

from services.dispatch.providers.lob import Lob
from services.dispatch.providers.pingen import Pingen
from services.dispatch.providers.print_vendor import PrintVendor
from services.dispatch.providers.sftp_manifest import SftpManifest
from services.dispatch.rendering.layouts import LAYOUTS
from services.dispatch.vendor_settings.registry import BY_NAME, name_of, read_vendor
from services.dispatch.vendors import capability_of, layout_for, open_vendor
from shared.clock import now
from shared.settings import Env, SettingError
from tests.dispatch.builders import dispatch_settings
from tests.house.tree import ROOT

TOLD = {
    "print_vendor": {"WRIT_PRINT_URL": "http://127.0.0.1:9"},
    "lob": {"WRIT_LOB_API_KEY": "live_key", "WRIT_LOB_FROM": "adr_1"},
    "pingen": {
        "WRIT_PINGEN_CLIENT_ID": "id",
        "WRIT_PINGEN_CLIENT_SECRET": "secret",
        "WRIT_PINGEN_ORGANISATION": str(UUID(int=1)),
    },
    "sftp_manifest": {"WRIT_SFTP_HOUSE": str(ROOT / "deploy" / "print-house.toml")},
}
PROVIDERS = {one.name: one for one in (PrintVendor, Lob, Pingen, SftpManifest)}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_vendor_that_is_named_prints(name: str, tmp_path: Path) -> None:
    vendor = read_vendor(Env({"WRIT_PRINT_VENDOR": name} | TOLD[name]))
    assert vendor is not None

    opened = open_vendor(vendor, dispatch_settings(tmp_path, vendor=vendor), now)

    assert type(opened) is PROVIDERS[name]
    assert (opened.name, name_of(vendor)) == (name, name)
    assert capability_of(vendor) is not None


def test_where_nobody_is_named_letters_wait() -> None:
    assert read_vendor(Env({})) is None
    assert capability_of(None) is None


def test_an_address_of_the_print_vendor_alone_names_it() -> None:
    vendor = read_vendor(Env(TOLD["print_vendor"]))

    assert vendor is not None
    assert name_of(vendor) == "print_vendor"


def test_a_vendor_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingError, match="WRIT_PRINT_VENDOR"):
        read_vendor(Env({"WRIT_PRINT_VENDOR": "the-copyshop"}))


@pytest.mark.parametrize(
    ("name", "layout"),
    [("print_vendor", "din_5008_b"), ("lob", "lob"), ("pingen", "pingen_left")],
)
def test_letters_are_set_for_the_vendors_paper_and_envelope(name: str, layout: str) -> None:
    vendor = read_vendor(Env({"WRIT_PRINT_VENDOR": name} | TOLD[name]))

    assert layout_for(vendor) == LAYOUTS[layout]


def test_pingen_needs_claims_that_live_longer_than_its_calls(tmp_path: Path) -> None:
    vendor = read_vendor(Env({"WRIT_PRINT_VENDOR": "pingen"} | TOLD["pingen"]))
    assert vendor is not None

    with pytest.raises(SettingError, match="WRIT_CLAIM_TTL_S"):
        open_vendor(vendor, dispatch_settings(tmp_path, claim_ttl_s=60), now)
