"""Ask libvirt, read-only, in a process of its own. Only this file and ``trial_client.py`` import libvirt.

The URI is one of a fixed list, never text from a person (``qemu+ssh://h/system?command=/path`` would run that
path). A signal cannot interrupt libvirt, so the question runs as ``python libvirt_client.py TARGET`` and is killed,
with all it started, at the deadline. The child prints one JSON object of XML by kind; nobody here trusts it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any

#: How many things of one kind are read, and how many volumes of one pool.
MAX_THINGS, MAX_VOLUMES = 2_000, 5_000


class LibvirtTarget(StrEnum):
    """The connections that the portal knows: the machine's own system daemon, and the demonstration host."""

    SYSTEM = "qemu:///system"
    DEMONSTRATION = "test:///default"


def _read(uri: str) -> dict[str, Any]:
    """Return the inventory behind ``uri`` as JSON values. Runs in the child only."""
    import libvirt

    libvirt.registerErrorHandler(lambda *_: None, None)
    found: dict[str, Any] = {"uri": uri, "refused": {}}
    try:
        connection = libvirt.openReadOnly(uri)
    except libvirt.libvirtError as error:
        return found | {"refused": {"connection": str(error)}}

    def ask(kind: str, question: Callable[[], Any], otherwise: Any) -> None:
        try:
            found[kind] = question()
        except libvirt.libvirtError as error:
            found[kind] = otherwise
            found["refused"][kind] = str(error)

    ask("version", connection.getLibVersion, 0)
    ask("hypervisor_version", connection.getVersion, 0)
    ask("capabilities", connection.getCapabilities, "")
    ask("domain_capabilities", connection.getDomainCapabilities, "")
    ask("node_devices", lambda: _each(connection.listAllDevices(), libvirt), [])
    ask("networks", lambda: _each(connection.listAllNetworks(), libvirt), [])
    ask("pools", lambda: _pools(connection, libvirt), [])
    connection.close()
    return found


def _each(things: list[Any], libvirt: Any) -> list[str]:
    """The XML of each; one that vanishes while it is read is left out."""
    texts = []
    for thing in things[:MAX_THINGS]:
        try:
            texts.append(thing.XMLDesc())
        except libvirt.libvirtError:
            continue
    return texts


def _pools(connection: Any, libvirt: Any) -> list[dict[str, Any]]:
    pools = []
    for pool in connection.listAllStoragePools()[:MAX_THINGS]:
        try:
            active = bool(pool.isActive())
            pools.append(
                {
                    "xml": pool.XMLDesc(),
                    "active": active,
                    "persistent": bool(pool.isPersistent()),
                    "autostart": bool(pool.autostart()),
                    "volumes": [volume.XMLDesc() for volume in pool.listAllVolumes()[:MAX_VOLUMES]]
                    if active
                    else [],
                }
            )
        except libvirt.libvirtError:
            continue
    return pools


def main(arguments: list[str]) -> int:
    """Print the inventory of the target named on the command line (and, for tests, of a private socket)."""
    uri = LibvirtTarget[arguments[0]].value
    if len(arguments) > 1:
        uri += f"?socket={arguments[1]}"
    json.dump(_read(uri), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
