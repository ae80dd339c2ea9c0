"""Live blocks of the lab: what stored snapshots say, where an article needs it. See ``portal.embeds``."""

from labtools.embeds.blocks import register_all

__all__ = ["register_all"]
