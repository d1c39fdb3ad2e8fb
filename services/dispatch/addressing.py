"""Sets out an address for the vendor that prints it, within what its window and its form take.

In: an address of the catalogue, whom it is for, what the vendor can do.  Out: the lines as printed,
with remarks on what gave way.  Raises Hold, with a reason that names the line and quotes nothing.
"""

from collections.abc import Iterator

from services.dispatch.due import Hold
from services.dispatch.providers.capability import AddressMode, Capability
from shared.addresses import SMALLEST, Addressee, Block, DoesNotFit, PostalAddress, Room, lay_out


def set_out(postal: PostalAddress, to: Addressee, vendor: Capability | None = None) -> Block:
    """The address as `vendor` prints it; None: as any vendor may.  Raises Hold.

    The country's own script is for vendors that leave the window to us: one that takes fields
    would have to print them, and sort by them.
    """
    room = Room(lines=vendor.most_lines, columns=vendor.most_columns) if vendor else SMALLEST
    local = vendor is not None and vendor.address is AddressMode.WINDOW
    try:
        return lay_out(postal, to, room, local=local)
    except DoesNotFit as fault:
        raise Hold(str(fault)) from fault


def remarks(block: Block) -> Iterator[str]:
    """What people should know of how the address is printed."""
    if block.without_holder:
        yield "The address names the office alone: there is no room for the holder's name."
    if block.without_local:
        yield "The address is in Latin letters alone: its own script finds no room."
