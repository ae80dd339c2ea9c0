"""Accounts: who a member is, and what is kept about them."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from portal.accounts import personal_data, queries, services

        personal_data.register("account", export=queries.export_account, erase=services.erase_account)
