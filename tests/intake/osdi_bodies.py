"""Bodies as OSDI's documentation has them, with fields that mean nothing to Writ."""

from typing import Any


def a_person(**changes: Any) -> dict[str, Any]:
    return {
        "identifiers": ["my_tool:person-7"],
        "given_name": "Ana",
        "family_name": "Beispiel",
        "email_addresses": [{"address": "ana@tools.example", "primary": True}],
        "postal_addresses": [{"country": "CH", "locality": "Bern", "primary": True}],
        "languages_spoken": ["en"],
        "gender": "Female",
    } | changes


def an_outreach(**changes: Any) -> dict[str, Any]:
    """As the documentation of OSDI's helper has it, fields included that mean nothing to us."""
    body = {
        "person": a_person(),
        "identifiers": ["my_tool:outreach-1"],
        "origin_system": "My Tool",
        "action_date": "2026-05-31T11:02:15Z",
        "type": "email",
        "subject": "Let him go",
        "message": "I think of you.",
        "referrer_data": {"source": "facebook-101016-mainpage", "website": "facebook.example"},
        "targets": [{"title": "The prosecutor", "given_name": "John", "ocdid": "ocd-division/x"}],
        "add_tags": ["volunteer"],
        "triggers": {"autoresponse": {"enabled": True}},
    } | changes
    return {name: value for name, value in body.items() if value is not None}
