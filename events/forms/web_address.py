"""Addresses that people type."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

#: The address of an article here: no host, no other room, nothing that a browser reads as another site.
local_article = RegexValidator(
    r"\A/kb/(?:[a-z0-9_-]+/)+\Z", "Give the address of an article here, such as /kb/storage-night/."
)


class HttpsField(forms.URLField):
    """A link to another site, over HTTPS and without a password in it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if not value:
            return
        if not value.startswith("https://"):
            raise ValidationError("Give an address that begins with https://.")
        try:
            parts = urlsplit(value)
        except (
            ValueError
        ):  # brackets that hold no IPv6 address; URLField's own validators come only after this
            raise ValidationError("Give an address that begins with https:// and a host.") from None
        if "@" in parts.netloc:
            raise ValidationError("Give an address without a user name or password.")
