"""Sources as the linter and the builder know them: everything is read from stored parts when it is first needed."""

from collections.abc import Iterable, Mapping

from labtools.labhost.document import Device
from labtools.labhost.lint import Facts
from labtools.models import Fact
from labtools.queries import facts
from labtools.queries.sources import Source


def facts_of(source: Source, beside: Iterable[Source] = ()) -> Facts:
    """What the QEMU of ``source`` can do; the devices of all that are ``beside`` it are read with its own."""
    emulator = source.emulator
    emulators = [emulator, *(one.emulator for one in beside)]

    def devices() -> Mapping[str, Device]:
        facts.read_ahead(emulators, Fact.Kind.DEVICES)
        return facts.devices(emulator)

    return Facts(
        label=source_name(source),
        target=emulator.target,
        version=emulator.version,
        devices=devices,
        machines=lambda: facts.machines(emulator),
        objects=lambda: facts.objects(emulator),
        cpus=lambda accelerator: facts.cpus(emulator, accelerator),
        property_list=facts.properties,
    )


def source_name(source: Source) -> str:
    """A source within a sentence: the host, with the target where it is not the usual one."""
    name = source.host.name
    return name if source.emulator.key == "x86_64" else f"{name} ({source.emulator.key})"


def read_ahead(sources: Iterable[Source]) -> None:
    """Read what the linter asks of every source in one query."""
    emulators = [source.emulator for source in sources]
    facts.read_ahead(emulators, Fact.Kind.DEVICES, Fact.Kind.MACHINES, Fact.Kind.OBJECTS, Fact.Kind.CPUS)
