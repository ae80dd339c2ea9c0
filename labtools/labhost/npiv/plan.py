"""A whole plan: documents, commands, what they print, the way back, what to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import commands
from .cautions import Caution, Severity, cautions, destroy_cautions
from .choice import Choice, Fault, Lifetime, make_choice
from .commands import Step
from .documents import Document, documents
from .hbas import FibreSurvey, Hba, Use
from .history import OldNote, old_notes

#: Of the JSON of a plan; a change that breaks readers counts it up.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one :class:`Choice` on the host of one survey."""

    choice: Choice
    cautions: tuple[Caution, ...]
    documents: tuple[Document, ...]
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[Step, ...]
    teardown: tuple[Step, ...]
    teardown_cautions: tuple[Caution, ...]
    old: tuple[OldNote, ...]

    @property
    def must_not(self) -> bool:
        """Whether the plan would fail or destroy something as things stand."""
        return any(caution.severity is Severity.STOP for caution in self.cautions)


def make_plan(choice: Choice, found: FibreSurvey) -> Plan:
    """Return the plan for ``choice``, judged by what ``found`` says of the host."""
    return Plan(
        choice=choice,
        cautions=cautions(choice, found),
        documents=documents(choice),
        before=commands.checks_before(choice),
        steps=commands.steps(choice),
        after=commands.checks_after(choice),
        teardown=commands.teardown(choice),
        # A pool ends its own vHBA; nodedev-destroy ends whatever it is given.
        teardown_cautions=destroy_cautions(choice.parent, found)
        if choice.lifetime is Lifetime.TRANSIENT
        else (),
        old=old_notes(choice),
    )


def plan_for(
    parent: Hba, fields: Mapping[str, str], found: FibreSurvey, used: Mapping[str, Use]
) -> tuple[Plan | None, tuple[Fault, ...]]:
    """Return the plan for the query's ``fields``, or ``None`` and what is wrong with them."""
    choice, faults = make_choice(parent, fields, used)
    return (make_plan(choice, found) if choice else None), faults


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return ``plan`` as JSON values."""
    choice = asdict(plan.choice)
    choice["wwnn"], choice["wwpn"] = plan.choice.wwnn.digits, plan.choice.wwpn.digits
    rest = {
        name: [asdict(item) for item in getattr(plan, name)]
        for name in (
            "cautions",
            "documents",
            "before",
            "steps",
            "after",
            "teardown",
            "teardown_cautions",
            "old",
        )
    }
    return {"format": FORMAT, "must_not": plan.must_not, "choice": choice, **rest}
