"""The portal as a Django app: its management commands, template tags and checks."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import (
            celery_app,
            checks,  # noqa: F401  (registers the system checks)
        )

        celery_app.autodiscover_tasks(force=True)
