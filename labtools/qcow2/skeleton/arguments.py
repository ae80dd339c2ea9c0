"""The arguments of the commands of this package, apart from them: they import NumPy and the sandbox."""

from __future__ import annotations

from typing import Any, Final

COMMANDS: Final = ("skeleton", "preview-repair", "apply-patch")


def add_commands(commands: Any) -> None:
    """Add the three commands to an argparse parser's."""
    skeleton = commands.add_parser(
        "skeleton", help="pack the metadata of an image alone, to be checked elsewhere"
    )
    skeleton.add_argument("image", metavar="IMAGE", help="path of the image file")
    skeleton.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="the new file, such as image.tar.gz"
    )
    choice = skeleton.add_mutually_exclusive_group()
    choice.add_argument(
        "--send-suspects", action="store_true", help="take also what may be the guest's data, unasked"
    )
    choice.add_argument(
        "--leave-out-suspects", action="store_true", help="leave out what may be the guest's data, unasked"
    )
    preview = commands.add_parser(
        "preview-repair", help="what qemu-img check -r all would write, found out without touching the image"
    )
    preview.add_argument("image", metavar="IMAGE", help="path of the image, or of its metadata by “skeleton”")
    preview.add_argument("-o", "--output", metavar="FILE", help="write the changes to this new file, a patch")
    preview.add_argument(
        "--undo", metavar="FILE", help="write what takes the patch back to this new file; not for a skeleton"
    )
    patch = commands.add_parser(
        "apply-patch", help="apply a patch, or an undo, to an image: this writes to it"
    )
    patch.add_argument("patch", metavar="PATCH", help="path of the patch, or of an undo")
    patch.add_argument("image", metavar="IMAGE", help="path of the image, best a copy of it")
    patch.add_argument(
        "--undo", metavar="FILE", help="first write what takes the patch back to this new file"
    )
