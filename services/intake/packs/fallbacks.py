"""What must be true of a case's `paper_fallback`: it leads to a recipient who can get its letters.

In: a case, and the recipients that could be read.  Out: faults, and whom its texts may reach so.
"""

from collections.abc import Iterator, Mapping

from services.intake.packs.source import Fault
from services.intake.packs.toml_file import TomlFile
from shared.catalogue import Case, Kind, PaperFallback, Recipient

Known = Mapping[str, tuple[TomlFile, Recipient] | None]


def fallback_faults(file: TomlFile, case: Case, recipients: Known) -> Iterator[Fault]:
    for number, one in enumerate(case.policy.paper_fallback):
        path = ("policy", "paper_fallback", number)
        if why := _why_not(one, case, recipients):
            yield file.fault(path, why)


def fallback_offices(
    case: Case, kind: Kind, recipients: Known
) -> Iterator[tuple[TomlFile, Recipient]]:
    """Whom the case's texts of this kind may go to instead: its own kind of recipient alone."""
    wanted = "solidarity" if kind is Kind.SOLIDARITY else "authority"
    for one in case.policy.paper_fallback:
        found = recipients.get(one.to)
        if found and found[1].kind == wanted:
            yield found


def _why_not(one: PaperFallback, case: Case, recipients: Known) -> str | None:
    asked = {*case.authorities, *case.solidarity}
    found = recipients.get(one.to)
    if one.to not in recipients:
        return f"unknown recipient `{one.to}`: there is no recipients/{one.to}.toml"
    if one.instead_of is not None and one.instead_of not in asked:
        return f"`instead_of`: the case does not write to `{one.instead_of}`"
    if one.to == one.instead_of:
        return f"`{one.to}` cannot stand in for itself"
    if found is None:
        return None  # its own faults are told
    if not found[1].addresses or found[1].paper_hold:
        return f"`{one.to}` takes no paper: it needs an address"
    # A message to the person at risk must never reach the power that holds them.
    replaced = {one.instead_of} if one.instead_of else asked
    kinds = {known[1].kind for slug in replaced if slug and (known := recipients.get(slug))}
    if kinds and found[1].kind not in kinds:
        return f"`{one.to}` is of the kind {found[1].kind}, and stands in for none of that kind"
    return None
