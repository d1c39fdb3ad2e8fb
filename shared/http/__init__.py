"""The HTTP layer that intake and tracking share: one `op` decorator, one form of error.

problems.py    every error is problem+json (RFC 9457) with a stable code
bodies.py      strict JSON in; pydantic's complaints become faults with pointers
operations.py  `op`, `Answer`, and `Api`, which hangs operations on a Flask app
guard.py       API keys, scopes and rates at the door
paging.py      lists with opaque cursors
openapi.py     OpenAPI 3.1 from the same models; docs.py: the page people read
health.py      /livez and /readyz
"""
