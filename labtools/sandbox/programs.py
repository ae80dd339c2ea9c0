"""Run a program that the portal chose, on files that nobody trusts, in a folder of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .bubblewrap import failed_to_start, is_available, sandbox_argv
from .runner import Finished, Limits, find_program, run_bounded
from .visible import visible_bytes

# stdout is line-buffered as on a terminal, so that it and stderr come in the order in which they were said.
_AS_ON_A_TERMINAL = ("stdbuf", "-oL")


class SandboxUnavailable(RuntimeError):
    """No sandbox can be made here, so nothing was run; the message is a sentence for the operator."""


def run_in_folder(argv: Sequence[str], *, folder: Path, limits: Limits) -> Finished:
    """Run the program `argv[0]` of this machine, with `folder` for all that it may read and write but the system.

    What it says on stderr is in `stdout`, in order. Raises :class:`SandboxUnavailable`, and
    :class:`~labtools.sandbox.runner.ProgramMissing` when the program is not installed.
    """
    program = find_program(argv[0])
    availability = is_available()
    if not availability.ok:
        raise SandboxUnavailable(availability.reason)
    stdbuf, *rest = _AS_ON_A_TERMINAL
    command = [find_program(stdbuf), *rest, program, *argv[1:]]
    finished = run_bounded(
        sandbox_argv(
            command,
            limits=limits,
            folder=folder,
            merge_output=True,
            disable_userns=availability.disables_userns,
        ),
        limits=limits,
    )
    if failed_to_start(finished):
        raise SandboxUnavailable(visible_bytes(finished.stderr[:300]).strip())
    return finished
