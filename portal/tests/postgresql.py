"""A private PostgreSQL on a socket, in a folder of its own, for tests and benchmarks."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from portal.tests.processes import Service


def _programs() -> Path:
    """The folder of the newest installed PostgreSQL server; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("No PostgreSQL server under /usr/lib/postgresql: apt-get install postgresql")
    return found[-1].parent


class PostgresServer(Service):
    """PostgreSQL without a TCP port, without fsync, gone with its folder at the end. It refuses to run as root,
    so root hands it to the user that Debian's package made for it."""

    def __init__(self) -> None:
        programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
        self.as_user: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        data = self.folder / "data"
        self.initdb = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "portal",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        self.url = f"postgres://portal@{str(self.folder).replace('/', '%2F')}/postgres"
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "200",
        }
        argv = [str(programs / "postgres"), "-D", str(data)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        super().__init__("postgresql", [*self.as_user, *argv], self.folder)
        self.isready = [str(programs / "pg_isready"), "-q", "-h", str(self.folder), "-U", "portal"]

    def start(self) -> None:
        subprocess.run([*self.as_user, *self.initdb], check=True, capture_output=True, cwd="/")
        super().start()
        self.wait_until(lambda: subprocess.run(self.isready).returncode == 0, 20)

    def stop(self, *args: object, **kwargs: object) -> None:
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
