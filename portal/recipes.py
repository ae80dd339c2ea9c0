"""Commands that an article's checks run: a room that can run them registers itself, the room of articles asks here.

What is stored of a command are its *steps*: plain JSON that only the room which made them reads. They are templates and
arguments, never a line of text, and are checked again whenever they are used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Steps = list[dict[str, Any]]


class Refused(ValueError):
    """A line or a document is not one that may be run; the message is a sentence for its author."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a line of an article became. Names of files are those in the private folder of a run.

    ``needs`` must be there before, ``leaves`` are not as before once it ran. ``place`` is a key of ``versions``.
    ``uses_driver`` and ``changes_driver``: whether it asks libvirt's test driver, or changes what that would answer.
    """

    steps: Steps
    place: str
    needs: frozenset[str]
    makes: frozenset[str]
    leaves: frozenset[str]
    uses_driver: bool
    changes_driver: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: an exit code, or a sentence in ``trouble`` why it did not come to its end."""

    exit_code: int | None
    output: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Commands that belong together, with the documents that they read."""

    commands: Sequence[Steps]
    documents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Runner:
    """What a room offers. ``read``, ``argv`` and ``check_document`` raise :class:`Refused`; ``run`` raises nothing.

    ``run`` gives an outcome for each command of each block; ``ready_files`` are there without anybody making them.
    """

    read: Callable[[str], Command]
    check_document: Callable[[str, str], None]
    argv: Callable[[Steps], list[str]]
    run: Callable[[Sequence[Block]], list[list[Outcome]]]
    versions: Callable[[], dict[str, str]]
    ready_files: frozenset[str]


_runners: list[Runner] = []


def register(runner: Runner) -> None:
    """Let checks be run by ``runner``. A room does this when Django is ready."""
    _runners[:] = [runner]


def runner() -> Runner:
    """The room that runs checks. Raises ``LookupError`` where there is none."""
    if not _runners:
        raise LookupError("No room runs commands of articles.")
    return _runners[0]
