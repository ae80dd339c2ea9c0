"""Forms about passkeys. What a browser's device answered comes as JSON, which anybody can write by hand."""

import json
import logging
from typing import Any, ClassVar

from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.db import Error as DatabaseError

from portal.accounts.forms import Worded

log = logging.getLogger(__name__)

REFUSED = "This passkey could not be checked. Please try again; if it fails again, use another way."


class ObjectDecoder(json.JSONDecoder):
    """Reads the device's answer (WebAuthn, section 5.1), which is one JSON object."""

    def decode(self, s: str, *args: Any) -> Any:
        """Raises ``JSONDecodeError``, the one that a form field expects, for everything else."""
        try:
            found = super().decode(s, *args)
        except (RecursionError, ValueError):  # brackets in brackets in brackets; a number of 5,000 digits
            found = None
        if not isinstance(found, dict):
            raise json.JSONDecodeError("not an object", "", 0)
        return found


class _Checked(Worded):
    """Refuses an answer that the library stumbles over; allauth expects only some of its exceptions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = forms.JSONField(
            decoder=ObjectDecoder,
            widget=forms.HiddenInput,
            error_messages={"required": REFUSED, "invalid": REFUSED},
        )

    def checked(self, check: Any) -> Any:
        """What ``check`` returns. Raises ``ValidationError`` when it refuses or stumbles."""
        try:
            return check()
        except forms.ValidationError as refusal:
            # allauth's words for this one are about six digits.
            raise forms.ValidationError(REFUSED) if refusal.code == "incorrect_code" else refusal from None
        except DatabaseError:
            raise
        # KeyError, AttributeError, struct.error, InvalidSignature, ...: the parsers of a hostile binary format have
        # no common base, and whatever goes wrong there means that this is no proof.
        except Exception as error:
            log.info("passkey refused: %s", type(error).__name__)
            raise forms.ValidationError(REFUSED) from error


class _Proof(_Checked):
    """An answer that proves who somebody is."""

    def clean_credential(self) -> Any:
        """The authenticator that the answer comes from."""
        return self.checked(super().clean_credential)  # type: ignore[misc]  # allauth's form comes after this one


class AddPasskeyForm(_Checked, webauthn.AddWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {
        "name": "Name",
        "passwordless": "Sign in with this passkey alone, without the password",
    }
    help_texts: ClassVar = {
        "name": "So that you can tell your passkeys apart, such as “Phone” or “Blue key”.",
        "passwordless": "The device then asks for your fingerprint, face or PIN. Without it, the passkey is a second "
        "step after the password.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True

    def clean(self) -> Any:
        """Complete the registration that the page began."""
        return self.checked(super().clean)


class LoginByPasskeyForm(_Proof, webauthn.LoginWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    pass


class AuthenticateByPasskeyForm(_Proof, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    pass


class ReauthenticateByPasskeyForm(_Proof, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    pass


class RenamePasskeyForm(Worded, webauthn.EditWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"name": "Name"}
