"""CPU models: those of one source, tcg beside kvm, and one model across sources."""

from collections.abc import Iterable
from dataclasses import dataclass

from labtools.labhost.document import Accelerator, CpuModel, Status
from labtools.models import Fact
from labtools.queries import facts
from labtools.queries.sources import Source

ACCELERATORS = ("kvm", "tcg")


@dataclass(frozen=True)
class Answer:
    """What one accelerator of a source says of a model; ``model`` is None where it does not know it."""

    accelerator: str
    asked: bool
    model: CpuModel | None

    @property
    def word(self) -> str:
        """The answer in a word or two."""
        if not self.asked:
            return "not known"
        if self.model is None:
            return "not there"
        if self.model.unavailable is None:
            return "not said"
        missing = len(self.model.unavailable)
        return f"lacks {missing} feature{'s' if missing > 1 else ''}" if missing else "usable"

    @property
    def tone(self) -> str:
        """How the word is coloured."""
        if self.model is None or self.model.unavailable is None:
            return ""
        return "bad" if self.model.unavailable else "good"

    @property
    def missing(self) -> tuple[str, ...]:
        """The features that the model needs and a guest would not get."""
        return (self.model.unavailable or ()) if self.model else ()


@dataclass(frozen=True)
class CpuRow:
    """A CPU model of one source under each accelerator."""

    name: str
    kvm: Answer
    tcg: Answer

    @property
    def model(self) -> CpuModel:
        """Its facts that do not depend on the accelerator."""
        model = self.kvm.model or self.tcg.model
        assert model is not None
        return model

    @property
    def answers(self) -> tuple[Answer, Answer]:
        """The answers in the order of columns."""
        return (self.kvm, self.tcg)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing more to say of it."""
        model = self.model
        return not (model.is_deprecated or model.alias_of or model.is_static) and model.is_migration_safe

    def is_usable(self, accelerator: str) -> bool:
        """Whether a guest gets the whole model."""
        answer = self.kvm if accelerator == "kvm" else self.tcg
        return answer.tone == "good"

    def matches(self, word: str) -> bool:
        """Whether ``word`` is in its name, in what it stands for, or in a feature that is missing."""
        texts = (self.name, self.model.alias_of, *self.kvm.missing, *self.tcg.missing)
        return any(word.lower() in text.lower() for text in texts)


@dataclass(frozen=True)
class CpuTable:
    """The CPU models of a source that a filter leaves, and how asking went."""

    rows: tuple[CpuRow, ...]
    total: int
    silent: tuple[Accelerator, ...]
    """Accelerators that did not answer, with QEMU's last words."""
    unasked: tuple[str, ...]
    """Accelerators that were not asked: a reference version has no CPU of its own."""
    usable: dict[str, int]
    """How many of all models are usable, by accelerator that answered."""


#: Values of ``show=`` and their labels.
SHOWS = (
    ("", "All models"),
    ("kvm", "Usable under kvm"),
    ("tcg", "Usable under tcg"),
    ("lacking", "Lacking features under kvm"),
    ("deprecated", "Deprecated"),
)


def cpu_table(source: Source, q: str = "", show: str = "") -> CpuTable:
    """The models of ``source`` that have each word of ``q`` and are what ``show`` asks for. One query at most."""
    facts.read_ahead([source.emulator], Fact.Kind.CPUS)
    asked = {name: facts.accelerator(source.emulator, name) for name in ACCELERATORS}
    everything = _rows(asked["kvm"], asked["tcg"])
    words = q.split()
    rows = tuple(
        row for row in everything if _is_shown(row, show) and all(row.matches(word) for word in words)
    )
    return CpuTable(
        rows=rows,
        total=len(everything),
        silent=tuple(one for one in asked.values() if one and one.status is not Status.OK),
        unasked=tuple(name for name, one in asked.items() if one is None),
        usable={
            name: sum(row.is_usable(name) for row in everything)
            for name, one in asked.items()
            if one and one.status is Status.OK
        },
    )


def _rows(kvm: Accelerator | None, tcg: Accelerator | None) -> tuple[CpuRow, ...]:
    models = [{cpu.name: cpu for cpu in one.cpus} if one else {} for one in (kvm, tcg)]
    return tuple(
        CpuRow(
            name,
            Answer("kvm", _has_answered(kvm), models[0].get(name)),
            Answer("tcg", _has_answered(tcg), models[1].get(name)),
        )
        for name in sorted(models[0].keys() | models[1].keys(), key=str.lower)
    )


def _has_answered(accelerator: Accelerator | None) -> bool:
    return accelerator is not None and accelerator.status is Status.OK


def _is_shown(row: CpuRow, show: str) -> bool:
    if show in ACCELERATORS:
        return row.is_usable(show)
    if show == "lacking":
        return row.kvm.tone == "bad"
    return show != "deprecated" or row.model.is_deprecated


@dataclass(frozen=True)
class CpuOn:
    """A CPU model on one source; ``row`` is None where the source does not have it."""

    source: Source
    row: CpuRow | None


@dataclass(frozen=True)
class LackingFeature:
    """A feature that a model needs, and the sources on which it is missing, each with its accelerators."""

    name: str
    where: tuple[tuple[Source, str], ...]


@dataclass(frozen=True)
class CpuPage:
    """A CPU model across sources: those that have it first, in their order."""

    name: str
    places: tuple[CpuOn, ...]
    features: tuple[LackingFeature, ...]

    @property
    def model(self) -> CpuModel | None:
        """Its facts on the first source that has it."""
        return next((place.row.model for place in self.places if place.row), None)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """By accelerator: on how many sources a guest gets the whole model, of how many that answered."""
        return {
            name: (
                sum(place.row is not None and place.row.is_usable(name) for place in self.places),
                sum(_has_answered(facts.accelerator(place.source.emulator, name)) for place in self.places),
            )
            for name in ACCELERATORS
        }


def cpu_page(name: str, columns: tuple[Source, ...]) -> CpuPage:
    """The model ``name`` on each of ``columns`` whose target knows it. One query at most.

    A model of x86 is not missing on ARM: sources of targets that nowhere have it are left out.
    """
    facts.read_ahead([source.emulator for source in columns], Fact.Kind.CPUS)
    places = [CpuOn(source, cpu_row(source, name)) for source in columns]
    targets = {place.source.target for place in places if place.row}
    shown = tuple(
        sorted(
            (place for place in places if place.source.target in targets), key=lambda place: place.row is None
        )
    )
    return CpuPage(name, shown, _features(shown))


def cpu_row(source: Source, name: str) -> CpuRow | None:
    """The model ``name`` on ``source``; None where it is not there."""
    asked = [facts.accelerator(source.emulator, accelerator) for accelerator in ACCELERATORS]
    models = [next((cpu for cpu in one.cpus if cpu.name == name), None) if one else None for one in asked]
    if not any(models):
        return None
    kvm, tcg = (
        Answer(accelerator, _has_answered(one), model)
        for accelerator, one, model in zip(ACCELERATORS, asked, models, strict=True)
    )
    return CpuRow(name, kvm, tcg)


def _features(places: Iterable[CpuOn]) -> tuple[LackingFeature, ...]:
    found: dict[str, list[tuple[Source, str]]] = {}
    for place in places:
        if place.row is None:
            continue
        kvm, tcg = (frozenset(answer.missing) for answer in place.row.answers)
        for feature in kvm | tcg:
            where = "kvm and tcg" if feature in kvm & tcg else "kvm" if feature in kvm else "tcg"
            found.setdefault(feature, []).append((place.source, where))
    return tuple(LackingFeature(name, tuple(where)) for name, where in sorted(found.items()))
