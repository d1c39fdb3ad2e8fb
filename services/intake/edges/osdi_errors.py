"""How an edge speaks OSDI: HAL, the key in `OSDI-API-Token`, and errors in OSDI's form.

In: a Problem, with our own codes.  Out: `osdi:error`.
Source: https://github.com/opensupporter/osdi-docs, errors.md.
"""

import re
from collections.abc import Iterable

from flask import g
from pydantic import BaseModel, Field

from shared.http.dialects import JSON, Dialect
from shared.http.problems import Problem, ProblemForm

HAL = "application/hal+json"
_NUMBER = re.compile(r"/(\d+)(?=/|$)")


class ErrorDescription(BaseModel):
    error_code: str = Field(description="A word that does not change; decide by this one")
    description: str
    properties: list[str] = Field(description="Which, such as `person.email_addresses[0].address`")
    reference_code: str = Field(description="The request's id, for our support")


class ResourceStatus(BaseModel):
    resource: str
    response_code: int
    error_descriptions: list[ErrorDescription]


class ErrorBody(BaseModel):
    request_type: str = "atomic"
    response_code: int
    resource_status: list[ResourceStatus]


class OsdiError(BaseModel):
    """What every error answers, in OSDI's form."""

    error: ErrorBody = Field(serialization_alias="osdi:error")


_STATUSES = {422: 400}  # errors.md: a resource that is not valid


def speaking(resource: str) -> Dialect:
    """As OSDI does: HAL, the key in a header of its own, errors about `resource`."""

    def write(problem: Problem) -> OsdiError:
        code = _STATUSES.get(problem.kind.status, problem.kind.status)
        told = ResourceStatus(
            resource=resource, response_code=code, error_descriptions=list(_described(problem))
        )
        return OsdiError(error=ErrorBody(response_code=code, resource_status=[told]))

    form = ProblemForm(media_type=HAL, model=OsdiError, write=write, statuses=_STATUSES)
    return Dialect(gives=HAL, takes=(JSON, HAL), key_header="OSDI-API-Token", problems=form)


def _described(problem: Problem) -> Iterable[ErrorDescription]:
    found = [(one.code, one.detail, one.pointer) for one in problem.faults]
    for code, said, pointer in found or [(problem.kind.code, problem.detail, "")]:
        yield ErrorDescription(
            error_code=code,
            description=said,
            properties=[_property(pointer)] if pointer else [],
            reference_code=g.request_id,
        )


def _property(pointer: str) -> str:
    """`/responses/2/name`, as OSDI writes it: `responses[2].name`."""
    return _NUMBER.sub(r"[\1]", pointer).replace("/", ".").lstrip(".")
