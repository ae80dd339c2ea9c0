"""Changes of state in the knowledge base."""

from kb.services.publishing import publish_document
from kb.services.storing import rerender_outdated, store_rendering

__all__ = ["publish_document", "rerender_outdated", "store_rendering"]
