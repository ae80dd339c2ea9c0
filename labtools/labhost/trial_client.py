"""Make and end a vHBA on libvirt's test driver, in a process of its own. Knows no other URI.

This file and ``labprobe.py`` are the only ones that import libvirt. That one reads hosts and can change
nothing; this one changes things and can reach no host: ``test:///default`` lives in this process and ends with it.
It runs as ``python trial_client.py DOCUMENTS``, a JSON object of XML by kind, and prints JSON; whoever started it
kills it at the deadline.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

URI = "test:///default"


class _Trial:
    """The conversation with the test driver: each question with libvirt's answer, in its own words."""

    def __init__(self, libvirt: Any) -> None:
        self._libvirt = libvirt
        self.steps: list[dict[str, Any]] = []

    def ask(self, call: str, question: Callable[[], Any], words: Callable[[Any], str]) -> Any:
        """Note the answer to ``question``, or libvirt's refusal; return the answer, or ``None``."""
        try:
            answer = question()
            says, worked = words(answer), True
        except self._libvirt.libvirtError as error:
            answer, says, worked = None, str(error), False
        self.steps.append({"call": call, "says": says, "worked": worked})
        return answer if worked else None


def _nothing(_: Any) -> str:
    return ""


def _xml(thing: Any) -> str:
    return str(thing.XMLDesc())


def _run(documents: dict[str, str]) -> dict[str, Any]:
    """Go through the whole life of the vHBA. Runs in the child only."""
    import libvirt

    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open(URI)
    trial = _Trial(libvirt)

    def ports(_: Any = None) -> str:
        return "\n".join(sorted(device.name() for device in connection.listAllDevices(0)))

    trial.ask("virConnectListAllNodeDevices", lambda: True, ports)
    if "pool" in documents:
        _pool(trial, libvirt, connection, documents, ports)
    else:
        _node_device(trial, libvirt, connection, documents, ports)
    trial.ask("virConnectListAllNodeDevices", lambda: True, ports)
    version = connection.getLibVersion()
    connection.close()
    return {"version": version, "steps": trial.steps}


def _node_device(
    trial: _Trial, libvirt: Any, connection: Any, documents: dict[str, str], ports: Callable[[Any], str]
) -> None:
    # Older libvirt has no flag to check the document against its schema.
    flags = getattr(libvirt, "VIR_NODE_DEVICE_CREATE_XML_VALIDATE", 0)
    device = trial.ask(
        "virNodeDeviceCreateXML", lambda: connection.nodeDeviceCreateXML(documents["vhba"], flags), _xml
    )
    if device is None:
        return
    trial.ask("virConnectListAllNodeDevices", lambda: True, ports)
    _domain(trial, libvirt, connection, documents)
    trial.ask("virNodeDeviceDestroy", device.destroy, _nothing)


def _pool(
    trial: _Trial, libvirt: Any, connection: Any, documents: dict[str, str], ports: Callable[[Any], str]
) -> None:
    """Define the pool and forget it, then start it anew: the test driver makes the vHBA of a pool that is created
    at once, and none for one that was defined before."""
    flags = getattr(libvirt, "VIR_STORAGE_POOL_DEFINE_VALIDATE", 0)
    defined = trial.ask(
        "virStoragePoolDefineXML", lambda: connection.storagePoolDefineXML(documents["pool"], flags), _xml
    )
    if defined is None:
        return
    trial.ask("virStoragePoolSetAutostart", lambda: defined.setAutostart(1), _nothing)
    trial.ask("virStoragePoolUndefine", defined.undefine, _nothing)
    pool = trial.ask(
        "virStoragePoolCreateXML", lambda: connection.storagePoolCreateXML(documents["pool"], 0), _xml
    )
    if pool is None:
        return
    trial.ask("virConnectListAllNodeDevices", lambda: True, ports)
    trial.ask("virStoragePoolRefresh", pool.refresh, _nothing)
    trial.ask(
        "virStoragePoolListAllVolumes",
        pool.listAllVolumes,
        lambda volumes: "\n".join(volume.name() for volume in volumes),
    )
    _domain(trial, libvirt, connection, documents)
    trial.ask("virStoragePoolDestroy", pool.destroy, _nothing)


def _domain(trial: _Trial, libvirt: Any, connection: Any, documents: dict[str, str]) -> None:
    """Have libvirt read the disk: the test driver attaches no device, but it takes a guest that has it."""
    flags = getattr(libvirt, "VIR_DOMAIN_DEFINE_VALIDATE", 0)
    domain = trial.ask(
        "virDomainDefineXMLFlags", lambda: connection.defineXMLFlags(documents["domain"], flags), _xml
    )
    if domain is not None:
        trial.ask("virDomainUndefine", domain.undefine, _nothing)


def main(arguments: list[str]) -> int:
    """Print what the test driver answered to the documents on the command line."""
    json.dump(_run(json.loads(arguments[0])), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
