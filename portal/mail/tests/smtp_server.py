"""A small SMTP server of its own process: ``python smtp_server.py PORT FOLDER SECONDS``.

Each accepted mail becomes a file in FOLDER; SECONDS pass before one is accepted. Addresses say what happens:
``busyN@`` is put off N times (451), ``nobody@`` is refused (550), the text of mail to ``spam@`` is refused (554).
"""

import asyncio
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Handler:
    """What the server answers."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.tries: Counter[str] = Counter()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        name = address.partition("@")[0]
        self.tries[name] += 1
        if name == "nobody":
            return "550 5.1.1 No such user here"
        if name.startswith("busy") and self.tries[name] <= int(name.removeprefix("busy")):
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if envelope.rcpt_tos == ["spam@example.org"]:
            return "554 5.7.1 Not wanted"
        name = uuid.uuid4().hex
        (self.folder / f"{name}.begun").touch()
        # A client that dies meanwhile cancels this, so what was not accepted leaves no file.
        await asyncio.sleep(self.seconds)
        (self.folder / f"{name}.part").write_bytes(envelope.content)
        (self.folder / f"{name}.part").rename(self.folder / f"{name}.eml")
        return "250 Accepted"


async def _serve(port: int, folder: Path, seconds: float) -> None:
    handler = Handler(folder, seconds)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="mail.example.org"), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
