"""Which print vendor letters leave by, and what it is told: a line for each vendor."""

from collections.abc import Mapping

from services.dispatch.vendor_settings.lob import LobSettings
from services.dispatch.vendor_settings.pingen import PingenSettings
from services.dispatch.vendor_settings.print_vendor import PrintVendorSettings
from services.dispatch.vendor_settings.sftp_manifest import SftpManifestSettings
from shared.settings import Env

VendorSettings = PrintVendorSettings | LobSettings | PingenSettings | SftpManifestSettings

BY_NAME: Mapping[str, type[VendorSettings]] = {
    "print_vendor": PrintVendorSettings,
    "lob": LobSettings,
    "pingen": PingenSettings,
    "sftp_manifest": SftpManifestSettings,
}
_NAMES = {settings: name for name, settings in BY_NAME.items()}


def read_vendor(env: Env) -> VendorSettings | None:
    """None: nobody prints, and letters wait.  Raises SettingError."""
    named = env.choice("WRIT_PRINT_VENDOR", "", among=("", *BY_NAME))
    if not named and env.text("WRIT_PRINT_URL", ""):
        named = "print_vendor"
    return BY_NAME[named].from_env(env) if named else None


def name_of(vendor: VendorSettings) -> str:
    """The provider's name."""
    return _NAMES[type(vendor)]
