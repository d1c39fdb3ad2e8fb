"""Opens the print vendor that the settings name, and says what its letters look like.

In: settings.  Out: a LetterProvider, a Layout.  A new vendor is a case in each.
"""

from typing import TypedDict

from services.dispatch.forget import TakeBack
from services.dispatch.providers import lob, pingen, print_vendor, sftp_manifest
from services.dispatch.providers.batches.house import read_house
from services.dispatch.providers.capability import Capability
from services.dispatch.providers.contract import LetterProvider
from services.dispatch.providers.lob import Lob
from services.dispatch.providers.pingen import Pingen
from services.dispatch.providers.print_vendor import PrintVendor
from services.dispatch.providers.sftp_manifest import SftpManifest
from services.dispatch.rendering.layouts import DIN_5008_B, LAYOUTS, Layout
from services.dispatch.settings import Settings
from services.dispatch.vendor_settings.lob import LobSettings
from services.dispatch.vendor_settings.pingen import PingenSettings
from services.dispatch.vendor_settings.print_vendor import PrintVendorSettings
from services.dispatch.vendor_settings.registry import VendorSettings
from services.dispatch.vendor_settings.sftp_manifest import SftpManifestSettings
from shared.clock import Clock
from shared.settings import SettingError


def open_vendor(vendor: VendorSettings, settings: Settings, clock: Clock) -> LetterProvider:
    """Raises SettingError."""
    match vendor:
        case PrintVendorSettings():
            return PrintVendor(vendor.url, vendor.api_key, **_calls(settings))
        case LobSettings():
            return Lob(
                vendor.url,
                vendor.api_key,
                from_address=vendor.from_address,
                clock=clock,
                **_calls(settings),
            )
        case PingenSettings():
            _check_time(settings)
            return Pingen(vendor, **_calls(settings))
        case SftpManifestSettings():
            return _by_sftp(vendor, settings, clock)


def taking_back(settings: Settings, clock: Clock) -> TakeBack | None:
    """Only what waits on our own disk can still be had back.  Raises SettingError."""
    if not isinstance(settings.vendor, SftpManifestSettings):
        return None
    return _by_sftp(settings.vendor, settings, clock).cancel


def capability_of(vendor: VendorSettings | None) -> Capability | None:
    """None: nobody prints yet."""
    match vendor:
        case PrintVendorSettings():
            return print_vendor.CAPABILITY
        case LobSettings():
            return lob.CAPABILITY
        case PingenSettings():
            return pingen.CAPABILITY
        case SftpManifestSettings():
            return sftp_manifest.CAPABILITY
        case None:
            return None


def layout_for(vendor: VendorSettings | None) -> Layout:
    """How a letter must look for the envelope that this vendor puts it in."""
    match vendor:
        case LobSettings():
            return LAYOUTS[lob.LAYOUT]
        case PingenSettings():
            return LAYOUTS[pingen.LAYOUT]
        case _:
            return DIN_5008_B


def _by_sftp(vendor: SftpManifestSettings, settings: Settings, clock: Clock) -> SftpManifest:
    return SftpManifest(settings.common.data_dir, read_house(vendor.house), clock=clock)


def _check_time(settings: Settings) -> None:
    """Pingen takes a token and the PDF before it takes the order: one order is several calls."""
    longest_s = pingen.PREPARE_S + settings.connect_timeout_s + settings.read_timeout_s
    if settings.claim_ttl_s < 2 * longest_s:
        raise SettingError(f"WRIT_CLAIM_TTL_S must be at least {2 * longest_s:.0f} with Pingen")


class _Calls(TypedDict):
    connect_timeout_s: float
    read_timeout_s: float
    connections: int


def _calls(settings: Settings) -> _Calls:
    return {
        "connect_timeout_s": settings.connect_timeout_s,
        "read_timeout_s": settings.read_timeout_s,
        "connections": settings.threads,
    }
