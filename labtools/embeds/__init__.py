"""What the lab offers to articles: live blocks, and what names mean. See ``portal.embeds``."""

import portal.embeds.versions
from labtools.embeds import blocks, names, versions
from labtools.embeds.losses import losses
from portal.embeds.names import NameBook, register


def register_all() -> None:
    """Let articles show the lab's blocks and know its names and versions."""
    blocks.register_all()
    register("lab", NameBook(names.look_up, losses, names.stamp))
    portal.embeds.versions.register("lab", versions.versions)


__all__ = ["register_all"]
