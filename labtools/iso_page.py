"""What the page /lab/iso/ shows, and what its JSON and CSV have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from labtools.iso_forms import OWN, OutputForm, QuestionForm
from labtools.labhost import iso
from labtools.models import LabHost
from labtools.queries.inventories import HostInventory, contents, host_inventories
from portal.missing import Missing

CSV_COLUMNS = ("Cause", "Effect", "Certainty", "Title", "Evidence", "Commands")


class InventoryNotFound(Missing):
    """The address names no host whose storage pools this person may see."""

    parameters = ("host",)


@dataclass(frozen=True)
class Verdict:
    """The answer in one sentence; ``tone`` repeats in colour what ``title`` says."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True)
class IsoPage:
    """Everything of one request. ``path`` is empty until a good one was given; ``commands`` are for one's own host."""

    question: QuestionForm
    output: OutputForm
    path: str
    host: LabHost | None
    taken_at: datetime | None
    facts: iso.Facts | None
    diagnosis: iso.Diagnosis | None

    @property
    def is_own(self) -> bool:
        """Whether it is about a machine that the lab does not know."""
        return self.host is None

    @property
    def is_demonstration(self) -> bool:
        """Whether it is about libvirt's test driver, which no command on a real machine reaches."""
        return self.host is not None and self.host.transport == LabHost.Transport.DEMONSTRATION

    @property
    def source_words(self) -> str:
        """By what the answer was found, but for the time."""
        words = (
            f"by the inventory that the lab keeps of {self.host.name}" if self.host else "by what you pasted"
        )
        version = self.facts.libvirt_version if self.facts else None
        return f"{words}, libvirt {version}" if version else words

    @property
    def commands(self) -> str:
        """The block to copy; empty without a path."""
        return iso.command_block(self.path).rstrip("\n") if self.path and self.is_own else ""

    @property
    def by_curl(self) -> str:
        """How a program sends the output: the block's end of pipe."""
        address = f"{settings.SITE_URL}{reverse('labtools:iso_json')}"
        return f"curl --data-urlencode output@output.txt {address}"

    @property
    def link(self) -> str:
        """The query of this page: path and host, nothing that was pasted."""
        fields = {"path": self.path, "host": self.host.slug if self.host else OWN}
        return urlencode(fields) if self.path else ""

    @property
    def own_link(self) -> str:
        """The query of the commands for the same path."""
        return urlencode({"path": self.path, "host": OWN})

    @property
    def verdict(self) -> Verdict | None:
        """The answer in one sentence."""
        return make_verdict(self.diagnosis) if self.diagnosis else None


def iso_page(user: object, query: QueryDict, posted: Mapping[str, Any] | None = None) -> IsoPage:
    """The page for ``query`` and, on one's own host, ``posted`` output; 404 for a host ``user`` may not see.

    At most two queries.
    """
    hosts = host_inventories(user)
    chosen = _host(hosts, query.get("host", ""))
    asked = {"path": query["path"], "host": query.get("host") or OWN} if "path" in query else None
    question = QuestionForm(asked, hosts, initial={"host": chosen.host.slug if chosen else OWN})
    path = question.cleaned_data["path"] if question.is_bound and question.is_valid() else ""
    output = OutputForm(posted, path=path or query.get("path", ""))
    facts = None
    if chosen is not None:
        facts = _stored_facts(chosen, path)
    elif output.is_bound and output.is_valid():
        facts = output.facts
    if facts is not None and not path and not question.is_bound:
        path = facts.path
        question = QuestionForm(None, hosts, initial={"host": OWN, "path": path})
    return IsoPage(
        question=question,
        output=output,
        path=path,
        host=chosen.host if chosen else None,
        taken_at=chosen.taken_at if chosen else None,
        facts=facts,
        diagnosis=iso.diagnose(facts) if facts else None,
    )


def _host(hosts: tuple[HostInventory, ...], slug: str) -> HostInventory | None:
    if slug in ("", OWN):
        return None
    for one in hosts:
        if one.host.slug == slug:
            return one
    raise InventoryNotFound("There is no host of that name whose storage pools you may see.")


def _stored_facts(chosen: HostInventory, path: str) -> iso.Facts | None:
    found = contents([chosen.digest]).get(chosen.digest)
    return iso.facts_of_inventory(found, path) if found and path else None


def make_verdict(diagnosis: iso.Diagnosis) -> Verdict:
    """Say in one sentence what ``diagnosis`` comes to."""
    stopping = [one for one in diagnosis.findings if one.effect is iso.Effect.STOPS_GUEST]
    if diagnosis.hiding:
        count = len(diagnosis.hiding)
        title = diagnosis.hiding[0].title if count == 1 else f"{count} causes hide the ISO"
        return Verdict(
            "bad",
            title,
            "Mend it as below, in this order. Each command says what it prints and how to undo it.",
        )
    if stopping:
        title = (
            stopping[0].title
            if len(stopping) == 1
            else f"{len(stopping)} causes keep guests from using the ISO"
        )
        return Verdict(
            "warn", title, "Nothing that was looked at hides the ISO, but a guest cannot use it as it is."
        )
    if diagnosis.unknown:
        text = "That is no all-clear: some output is missing. Below stands which, and the commands that print it."
        return Verdict("note", "No cause was found in what is known", text)
    text = (
        "If the ISO is still not in the list, press “Refresh volume list” in virt-manager, and see that the window "
        "is the one of this host's qemu:///system."
    )
    return Verdict("good", "Nothing wrong was found", text)


# ----------------------------------------------------------------------------------------------- JSON and CSV
def page_json(page: IsoPage) -> dict[str, Any]:
    """The page for programs: without output, the commands that print it."""
    data: dict[str, Any] = {"path": page.path, "host": page.host.slug if page.host else OWN}
    data["as_of"] = page.taken_at.isoformat() if page.taken_at else None
    if page.commands:
        data["commands"] = page.commands
    errors = page.question.errors.get_json_data() if page.question.is_bound else {}
    if page.output.is_bound:
        errors |= page.output.errors.get_json_data()
    if errors:
        data["errors"] = {name: [one["message"] for one in found] for name, found in errors.items()}
    if page.diagnosis and page.verdict:
        data["verdict"] = page.verdict.title
        data["findings"] = [_finding_json(finding) for finding in page.diagnosis.findings]
        data["checked"] = list(page.diagnosis.checked)
        data["unknown"] = [{"check": one.check, "command": one.command} for one in page.diagnosis.unknown]
    return data


def _finding_json(finding: iso.Finding) -> dict[str, Any]:
    return {
        "cause": finding.cause.value,
        "effect": finding.effect.value,
        "certainty": finding.certainty.value,
        "title": finding.title,
        "explanation": finding.explanation,
        "evidence": list(finding.evidence),
        "ways": [
            {"title": way.title, "steps": [_step_json(step) for step in way.steps]} for way in finding.ways
        ],
    }


def _step_json(step: iso.Step) -> dict[str, str]:
    return {"command": step.command, "prints": step.prints, "undo": step.undo, "note": step.note}


def csv_rows(page: IsoPage) -> Iterator[tuple[str, ...]]:
    """A line for each finding, with the commands of the advised way."""
    for finding in page.diagnosis.findings if page.diagnosis else ():
        commands = [step.command for way in finding.ways[:1] for step in way.steps]
        words = (finding.cause.value, finding.effect.value, finding.certainty.value, finding.title)
        yield (*words, "\n".join(finding.evidence), "\n".join(commands))
