"""Commands that checks of articles may run: templates, arguments of strict kinds, and a bounded run. No Django.

    steps = read_command("qemu-img create -f qcow2 disk.qcow2 1000M")   # or Refused, with a sentence
    steps[0].to_json()           # {"template": "qemu-img create", "arguments": {"format": "qcow2", ...}}
    build_argv(steps)            # made anew from the template: what runs is never the article's text
    run_blocks([Block((steps,))]) # [[Result(exit_code=0, output="Formatting ...")]]

Each command runs without a shell in the sandbox of :mod:`labtools.sandbox`: no network, the system read-only,
nothing of ``/etc`` and ``/home``, one private folder for all commands of an article.
"""

from .documents import check_document
from .running import READY_IMAGES, Block, Result, run_blocks, versions
from .steps import Refused, Step, build_argv, read_command, step_from_json
from .templates import Place

__all__ = [
    "READY_IMAGES",
    "Block",
    "Place",
    "Refused",
    "Result",
    "Step",
    "build_argv",
    "check_document",
    "read_command",
    "run_blocks",
    "step_from_json",
    "versions",
]
