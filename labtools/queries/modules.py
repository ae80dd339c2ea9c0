"""Device types that QEMU's modules would have: over which it ended, or which it does not list."""

from dataclasses import dataclass

from labtools.labhost.document import Device, Status
from labtools.labhost.modules import Advice, Distribution, advise, advise_on_absent, distribution_of
from labtools.models import Fact
from labtools.queries import facts
from labtools.queries.sources import Source


@dataclass(frozen=True)
class Dead:
    """A device type that ends QEMU, with its last words and what brings it back."""

    device: Device
    advice: Advice


@dataclass(frozen=True)
class ModulesOf:
    """What modules one source lacks."""

    source: Source
    distribution: Distribution
    dead: tuple[Dead, ...]
    absent: tuple[Advice, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """What would be installed for all of it."""
        advices = (*(one.advice for one in self.dead), *self.absent)
        return tuple(sorted({one.package for one in advices if one.package}))


def modules_of(sources: tuple[Source, ...]) -> tuple[ModulesOf, ...]:
    """What each of ``sources`` lacks, in their order. One query at most."""
    facts.read_ahead([source.emulator for source in sources], Fact.Kind.DEVICES)
    return tuple(_modules_of(source) for source in sources)


def _modules_of(source: Source) -> ModulesOf:
    devices = tuple(facts.devices(source.emulator).values())
    distribution = distribution_of(source.emulator.package)
    return ModulesOf(
        source=source,
        distribution=distribution,
        dead=tuple(
            Dead(device, advise(device, distribution, source.target))
            for device in devices
            if device.status is Status.DIED
        ),
        absent=advise_on_absent(devices, distribution, source.target) if devices else (),
    )
