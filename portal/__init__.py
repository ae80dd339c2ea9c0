"""Open Source Virtualization India: the portal that holds the rooms together."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
