"""Mail: an outbox in the database, emptied by a worker."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "portal.mail"
    label = "mail"

    def ready(self) -> None:
        from portal.accounts import personal_data as keepers
        from portal.mail import personal_data

        keepers.register("mail", export=personal_data.export_mail, erase=personal_data.erase_mail)
