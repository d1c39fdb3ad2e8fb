"""Who may look at the console, and proof that a form was sent from it.

HTTP Basic with one password for ops; the user name is whatever the person calls themself, and is
kept with the commands they give.  A form carries a token that only this console can have made.
"""

import hashlib
import hmac

from flask import Response, request

from shared.clock import Clock
from shared.privacy import Keyring
from shared.text import storable

TOKEN_LIFE_S = 2 * 3600
_NOBODY = "console"


class ConsoleDoor:
    def __init__(self, password: str, keyring: Keyring, clock: Clock) -> None:
        self._password = password
        self._clock = clock
        # The same in every process of the service, and of no use for anything else.
        self._key = hmac.new(keyring.keys[0][1], b"console forms", hashlib.sha256).digest()

    def refusal(self) -> Response | None:
        """An answer for who may not enter; None for who may."""
        given = request.authorization
        if not self._password:
            return None
        if given is not None and given.type == "basic":
            secret = (given.password or "").encode()
            if hmac.compare_digest(secret, self._password.encode()):
                return None
        challenge = {"WWW-Authenticate": 'Basic realm="Writ console", charset="UTF-8"'}
        return Response("The console needs its password.", 401, challenge, mimetype="text/plain")

    @property
    def person(self) -> str:
        """What the person at the screen calls themself."""
        given = request.authorization
        name = storable(given.username or "").strip() if given is not None else ""
        return f"console/{name}"[:120] if name else _NOBODY

    def token(self, purpose: str) -> str:
        """For a form that does `purpose`, and only that, within two hours."""
        return self._sign(purpose, int(self._clock().timestamp()))

    def is_own(self, token: str, purpose: str) -> bool:
        """Whether the token is ours, for this purpose, and still fresh."""
        stamp, _, _ = token.partition(".")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return False
        age = self._clock().timestamp() - int(stamp)
        expected = self._sign(purpose, int(stamp))
        return (
            age + 1 >= 0
            and age <= TOKEN_LIFE_S
            and hmac.compare_digest(token.encode(), expected.encode())
        )

    def _sign(self, purpose: str, stamp: int) -> str:
        text = f"{stamp}.{purpose}".encode()
        return f"{stamp}.{hmac.new(self._key, text, hashlib.sha256).hexdigest()}"
