"""Canaries: invented people whose data can be found again wherever it leaked to, however encoded.

In: names, addresses and words that begin alike.  Out: where that beginning stands, in plain, in
base64, or in UTF-16.  And a Sentry that keeps what it is told.
"""

import base64
import gzip
import random
import re
import string
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_AROUND = 48  # bytes shown beside a find


class Canaries:
    """One flock: every canary begins with the same letters, which stand nowhere else."""

    def __init__(self) -> None:
        self.stem = "zq" + "".join(random.choices(string.ascii_lowercase, k=10))
        # Letters alone: they look the same in JSON, CSV, URLs, quoted-printable and SQL.
        self._needles = [self.stem.encode("utf-16-le"), self.stem.encode("utf-16-be")]
        self._needles += [_in_base64(self.stem.encode(), before) for before in range(3)]

    def name(self, kind: str) -> str:
        return f"{self.stem}name {kind}"

    def email(self, kind: str) -> str:
        return f"{self.stem}mail{kind}@people.example"

    def words(self, kind: str) -> str:
        return f"I planted {self.stem}words in the {kind}, and I hope for the best."

    def in_bytes(self, data: bytes) -> list[str]:
        """What was found, each with the bytes around it."""
        lower = data.lower()
        finds = [(lower, one.start()) for one in re.finditer(re.escape(self.stem.encode()), lower)]
        for needle in self._needles:
            finds += [(data, one.start()) for one in re.finditer(re.escape(needle), data)]
        return [repr(of[max(0, at - _AROUND) : at + _AROUND]) for of, at in finds]

    def in_files(self, files: Iterable[Path]) -> dict[str, str]:
        """The first find in each file that has any."""
        found = {}
        for path in files:
            try:
                finds = self.in_bytes(path.read_bytes())
            except FileNotFoundError:  # a server removed it meanwhile
                continue
            if finds:
                found[str(path)] = finds[0]
        return found


def files_in(folder: Path, *, but: Iterable[str] = ()) -> Iterator[Path]:
    """All files below a folder, except what is below these names in it."""
    left_out = [folder / name for name in but]
    for path in folder.rglob("*"):
        inside = any(path.is_relative_to(one) for one in left_out)
        if path.is_file() and not path.is_symlink() and not inside:
            yield path


class FakeSentry:
    """Takes what would have left for Sentry, as Sentry would."""

    def __init__(self, url: str) -> None:
        self.dsn = url.replace("://", "://key@") + "/1"
        self.got: list[bytes] = []

    def take(self, body: bytes, encoding: str) -> None:
        self.got.append(gzip.decompress(body) if encoding == "gzip" else body)

    def naming(self, word: str) -> list[bytes]:
        return [one for one in self.got if word.encode() in one]


@contextmanager
def fake_sentry() -> Iterator[FakeSentry]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sentry.take(body, self.headers.get("Content-Encoding", ""))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sentry = FakeSentry(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield sentry
        finally:
            server.shutdown()


def _in_base64(word: bytes, before: int) -> bytes:
    """What of the word is the same in base64, whatever else stands there; after so many bytes."""
    encoded = base64.b64encode(b"\0" * before + word)
    first = -(-8 * before // 6)
    last = 8 * (before + len(word)) // 6
    return encoded[first:last]
