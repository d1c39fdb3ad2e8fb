"""How an API speaks: where the key may stand, which media types go in and out, the form of errors.

Ours is `PLAIN`.  An edge that others have specified (OSDI) names its own, and operations.py and
openapi.py keep to it.
"""

from dataclasses import dataclass

from shared.http.problems import PROBLEM_JSON, ProblemForm

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    gives: str = JSON  # the media type of answers
    takes: tuple[str, ...] = (JSON,)  # those of bodies, all JSON; the first is in the document
    key_header: str | None = None  # where the key may stand alone, instead of Authorization
    problems: ProblemForm = PROBLEM_JSON


PLAIN = Dialect()
