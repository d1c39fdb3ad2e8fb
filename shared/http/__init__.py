"""The HTTP layer that intake and tracking share: one `op` decorator, one form of error.

problems.py    every error is problem+json (RFC 9457) with a stable code
bodies.py      strict JSON in; pydantic's complaints become faults with pointers
operations.py  `op`, `Answer`, and `Api`, which hangs operations on a Flask app
requests.py    an id for every request, and one line in the log
dialects.py    how an API that others have written speaks otherwise: its media types, its errors
guard.py       API keys, their scopes and limits at the door
limits.py      requests in ten seconds, actions in a day, and the headers that tell them
shares.py      how several processes keep one limit without asking each time
paging.py      lists with opaque cursors
openapi.py     OpenAPI 3.1 from the same models; docs.py: the page people read
health.py      /livez and /readyz
"""
