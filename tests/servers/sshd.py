"""A private OpenSSH server that speaks SFTP alone, in a folder of its own."""

import os
import pwd
import shutil
import socket
from pathlib import Path

import asyncssh

from shared.sftp import Partner
from tests.servers.process import INSTALL, BinariesMissing, PrivateServer

# PAM says that whoever runs it may enter; by itself it takes an account without a password for
# one that is locked.
CONFIGURATION = """\
ListenAddress 127.0.0.1:{port}
HostKey {here}/host_key
PidFile none
AuthorizedKeysFile {here}/authorized_keys
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {root}
"""


class PrivateSshd(PrivateServer):
    """OpenSSH. Who shows `partner`'s key is let into `root`, and sees no more than files."""

    def __init__(self) -> None:
        self._program = sshd_binary()
        super().__init__()
        self.root = self.directory / "house"
        self.root.mkdir()
        self._own(self.root)
        # The owner enters as whoever runs the server; nobody else may look.
        host, client = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        self._keep("host_key", host.export_private_key().decode())
        self._keep("authorized_keys", client.export_public_key().decode())
        self._keep(
            "sshd_config",
            CONFIGURATION.format(port=self.port, here=self.directory, root=self.root),
        )
        self.partner = Partner(
            host="127.0.0.1",
            port=self.port,
            user=pwd.getpwuid(self._account.pw_uid if self._account else os.getuid()).pw_name,
            key=client.export_private_key().decode(),
            host_keys=(host.export_public_key().decode().strip(),),
            connect_timeout_s=5,
            answer_timeout_s=10,
        )

    def folder(self, name: str) -> Path:
        """A folder that its visitors may write into."""
        path = self.root / name
        path.mkdir(parents=True)
        self._own(path)
        return path

    def _keep(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        self._own(path)

    def _command(self) -> list[str]:
        return [str(self._program), "-D", "-e", "-f", str(self.directory / "sshd_config")]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as peer:
                return peer.recv(4) == b"SSH-"
        except OSError:
            return False


def sshd_binary() -> Path:
    """Raises BinariesMissing."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        raise BinariesMissing(f"OpenSSH's server is not installed: {INSTALL}")
    return Path(found)  # absolute, or it refuses to start
