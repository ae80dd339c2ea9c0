from django.apps import AppConfig


class LabtoolsConfig(AppConfig):
    name = "labtools"
