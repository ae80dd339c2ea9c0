"""Check the machine type and the CPU model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from labtools.labhost.document import CpuModel, Machine, Property

from . import values
from .facts import Facts
from .findings import Finding, Severity, quoted
from .pasted import CpuUse, Given, MachineUse, Pasted
from .similar import Guesser, did_you_mean, nearest

_VERSIONED = re.compile(r"([a-z0-9-]+-)(\d{1,3})\.(\d{1,3})", re.ASCII)
#: Targets whose -cpu takes +feature and -feature, and whose properties a snapshot lists completely.
X86 = frozenset({"x86_64", "i386"})
#: What -cpu of x86 takes beside properties.
_X86_EXTRA = frozenset({"tsc-freq", "migratable"})


def find_machine(facts: Facts, name: str) -> Machine | None:
    """The machine type that ``-machine name`` means, alias or not."""
    if name in facts.machines:
        return facts.machines[name]
    return next(
        (machine for machine in facts.machines.values() if machine.alias and machine.alias == name), None
    )


def check_machine(use: MachineUse, facts: Facts, others: Sequence[Facts]) -> Iterator[Finding]:
    """What is to say about the machine type."""
    if not facts.machines:
        return
    machine = find_machine(facts, use.name)
    if machine is None:
        known = [*facts.machines, *(one.alias for one in facts.machines.values() if one.alias)]
        where = [other.label for other in others if find_machine(other, use.name) is not None]
        advice = [_newest_of_family(use.name, facts) or did_you_mean(nearest(use.name, known))]
        if where:
            advice.append(f"It is known on {', '.join(where[:4])}{' and others' if len(where) > 4 else ''}.")
        message = f"This QEMU has no machine type {quoted(use.name)}."
        yield Finding(Severity.ERROR, "unknown-machine", use.place, message, " ".join(filter(None, advice)))
        return
    if machine.name != use.name:
        message = f"{use.name} stands for {machine.name} here; in another version of QEMU it is another machine type."
        keep = "For a guest that migrates or shall stay as it is, write the full name."
        yield Finding(Severity.NOTE, "machine-alias", use.place, message, keep)
    if machine.is_deprecated:
        message = f"{machine.name} is deprecated: a later QEMU will not have it."
        yield Finding(
            Severity.WARNING, "machine-deprecated", use.place, message, "Choose a newer machine type."
        )
    if use.givens:
        names = ", ".join(dict.fromkeys(given.name for given in use.givens[:6]))
        message = f"Properties of machine types are not in a snapshot; not checked: {names}."
        yield Finding(Severity.NOTE, "not-checked", use.givens[0].place, message)


def _newest_of_family(name: str, facts: Facts) -> str:
    """For a machine type of a version that is not here: the newest one of the same kind."""
    asked = _VERSIONED.fullmatch(name)
    if asked is None:
        return ""
    found = [match for one in facts.machines if (match := _VERSIONED.fullmatch(one)) and match[1] == asked[1]]
    if not found:
        return ""
    newest = max(found, key=lambda match: (int(match[2]), int(match[3])))
    return f"The newest of its kind here is {newest[0]}."


def accelerator_of(pasted: Pasted) -> str:
    """Which accelerator the text asks for first: ``kvm`` or ``tcg`` (QEMU's default)."""
    return next((name for name in pasted.accelerators if name in ("kvm", "tcg")), "tcg")


def check_cpu(
    use: CpuUse, pasted: Pasted, facts: Facts, others: Sequence[Facts], guesser: Guesser
) -> Iterator[Finding]:
    """What is to say about the CPU model and its features."""
    accelerator = accelerator_of(pasted)
    models = facts.cpus(accelerator)
    is_asked = bool(models)
    models = models or facts.cpus("tcg") or facts.cpus("kvm")
    if not models:
        return
    if use.model == "host" and accelerator == "tcg" and pasted.accelerators[:1] in ((), ("tcg",)):
        message = "The CPU model host needs KVM (or HVF), and this text does not ask for it."
        yield Finding(
            Severity.ERROR, "cpu-needs-kvm", use.place, message, "Add -accel kvm, or choose the model max."
        )
    model = _find_model(models, use.model, facts.target)
    if model is None:
        yield _unknown_model(use, models, facts, accelerator, others)
        return
    if model.is_deprecated:
        message = f"The CPU model {model.name} is deprecated."
        yield Finding(Severity.WARNING, "cpu-deprecated", use.place, message, "Choose a newer model.")
    if is_asked and use.model not in ("host", "max"):
        yield from _missing_features(use, model, accelerator)
    yield from _features(use, model, facts, guesser)


def _find_model(models: Mapping[str, CpuModel], name: str, target: str) -> CpuModel | None:
    if name in models or target in X86:
        return models.get(name)
    # ppc and others do not care about case.
    return next((model for key, model in models.items() if key.lower() == name.lower()), None)


def _unknown_model(
    use: CpuUse, models: Mapping[str, CpuModel], facts: Facts, accelerator: str, others: Sequence[Facts]
) -> Finding:
    where = [
        other.label
        for other in others
        if other.target == facts.target and use.model in other.cpus(accelerator)
    ]
    advice = [did_you_mean(nearest(use.model, models))]
    if where:
        advice.append(f"It is known on {', '.join(where[:4])}{' and others' if len(where) > 4 else ''}.")
    if use.is_from_libvirt or facts.target not in X86:
        severity, extra = Severity.WARNING, "libvirt and some targets have names of their own."
        advice.append(extra)
    else:
        severity = Severity.ERROR
    message = f"This QEMU has no CPU model {quoted(use.model)}."
    return Finding(severity, "unknown-cpu", use.place, message, " ".join(filter(None, advice)))


def _missing_features(use: CpuUse, model: CpuModel, accelerator: str) -> Iterator[Finding]:
    off = {_plain(given.name) for _, given in use.features if given.value in ("off", "no", "false", "n")}
    missing = [name for name in model.unavailable or () if _plain(name) not in off]
    if not missing:
        return
    is_enforced = any(
        given.name == "enforce" and given.value in ("on", "yes", "true", "y") for _, given in use.features
    )
    listed = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    outcome = "with “enforce” QEMU refuses to start" if is_enforced else "the guest starts without"
    message = f"Under {accelerator} on this host {model.name} lacks {listed}; {outcome}."
    severity = Severity.ERROR if is_enforced else Severity.WARNING
    yield Finding(
        severity, "cpu-lacks", use.place, message, "See the page of CPU models for one that is whole."
    )


def _features(use: CpuUse, model: CpuModel, facts: Facts, guesser: Guesser) -> Iterator[Finding]:
    device = facts.devices.get(model.type)
    properties = None if device is None else facts.properties(device)
    if properties is None:
        return
    for sign, given in use.features:
        if given.is_unknown:
            continue
        if sign and not use.is_from_libvirt and facts.target not in X86:
            message = f"-cpu of {facts.target} does not take {sign}{given.name}."
            advice = f"Write {given.name}={given.value}."
            yield Finding(Severity.WARNING, "cpu-sign", given.place, message, advice)
        prop = properties.get(given.name) or properties.get(given.name.replace("_", "-"))
        if prop is None:
            if _plain(given.name) not in _X86_EXTRA:
                yield _unknown_feature(use, model, facts, properties, given, guesser)
        elif not sign and (wanted := values.problem(prop, given, facts.release)) is not None:
            message = f"{given.name} does not take {quoted(given.value)}: it is of type {prop.type}."
            yield Finding(Severity.ERROR, "ill-typed", given.place, message, f"Give {wanted}.")


def _unknown_feature(
    use: CpuUse,
    model: CpuModel,
    facts: Facts,
    properties: Mapping[str, Property],
    given: Given,
    guesser: Guesser,
) -> Finding:
    richest = facts.devices.get(f"max-{facts.target}-cpu")
    beyond = {} if richest is None else facts.properties(richest) or {}
    is_certain = facts.target in X86 and not use.is_from_libvirt and given.name not in beyond
    message = f"The CPU model {model.name} has no feature or property {quoted(given.name)}."
    advice = guesser.meant(given.name, properties)
    if use.is_from_libvirt:
        advice = f"{advice} libvirt has names of its own for some features.".strip()
    severity = Severity.ERROR if is_certain else Severity.WARNING
    return Finding(severity, "unknown-feature", given.place, message, advice)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
