"""What the lab offers to articles: live blocks, and what names mean. See ``portal.embeds``."""

from labtools.embeds import blocks, names
from labtools.embeds.losses import losses
from portal.embeds.names import NameBook, register


def register_all() -> None:
    """Let articles show the lab's blocks and know its names."""
    blocks.register_all()
    register("lab", NameBook(names.look_up, losses, names.stamp))


__all__ = ["register_all"]
