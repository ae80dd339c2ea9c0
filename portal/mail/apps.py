"""Mail: an outbox in the database, emptied by a worker."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "portal.mail"
    label = "mail"
