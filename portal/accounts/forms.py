"""Forms about accounts: allauth's in our words, and our own."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.socialaccount import forms as social
from django import forms
from django.http import HttpRequest

from portal.accounts.models import User

EMAIL = "E-mail address"
RULES = (
    "At least 8 characters. Not only digits, not your e-mail address, not one that many people use. "
    "A short sentence does well."
)


class Worded:
    """Says labels, help and widget attributes; a placeholder that repeats the label is left out."""

    labels: ClassVar[dict[str, str]] = {}
    help_texts: ClassVar[dict[str, str]] = {}
    attributes: ClassVar[dict[str, dict[str, str]]] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, field.help_text)
            field.widget.attrs.update(self.attributes.get(name, {}))


class LoginForm(Worded, account.LoginForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"login": EMAIL, "password": "Password"}
    # What password managers look for beside a password.
    attributes: ClassVar = {"login": {"autocomplete": "username"}}


class SignupForm(Worded, account.SignupForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"email": EMAIL, "password1": "Password"}
    help_texts: ClassVar = {
        "email": "For signing in and for mail that you ask for. Nobody else sees it.",
        "password1": RULES,
    }

    def try_save(self, request: HttpRequest) -> Any:
        """allauth's, but an address that is taken takes as long as a new one: the difference would tell on it."""
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddEmailForm(Worded, account.AddEmailForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"email": "New e-mail address"}
    help_texts: ClassVar = {
        "email": "A mail with a link goes there; the address counts once it is confirmed."
    }


class ChangePasswordForm(Worded, account.ChangePasswordForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {
        "oldpassword": "Present password",
        "password1": "New password",
        "password2": "New password, again",
    }
    help_texts: ClassVar = {"password1": RULES}


class SetPasswordForm(Worded, account.SetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"password1": "Password", "password2": "Password, again"}
    help_texts: ClassVar = {"password1": RULES}


class ResetPasswordForm(Worded, account.ResetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"email": EMAIL}


class ResetPasswordKeyForm(Worded, account.ResetPasswordKeyForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"password1": "New password", "password2": "New password, again"}
    help_texts: ClassVar = {"password1": RULES}


class ReauthenticateForm(Worded, account.ReauthenticateForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"password": "Password"}


class SocialSignupForm(Worded, social.SignupForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"email": EMAIL}
    help_texts: ClassVar = {"email": "For mail that you ask for. Nobody else sees it."}


_CODE = {"inputmode": "numeric", "autocapitalize": "none", "spellcheck": "false", "class": "short mono"}


class AuthenticateForm(Worded, mfa.AuthenticateForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"code": "Code"}
    help_texts: ClassVar = {"code": "Six digits from your authenticator app, or one of your recovery codes."}
    attributes: ClassVar = {"code": _CODE}


class ReauthenticateByCodeForm(Worded, mfa.ReauthenticateForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"code": "Code"}
    help_texts: ClassVar = {"code": "Six digits from your authenticator app, or one of your recovery codes."}
    attributes: ClassVar = {"code": _CODE}


class ActivateTOTPForm(Worded, totp.ActivateTOTPForm):  # type: ignore[misc]  # allauth is untyped
    labels: ClassVar = {"code": "Code"}
    help_texts: ClassVar = {"code": "The six digits that the app shows now."}
    attributes: ClassVar = {"code": _CODE}


def time_zone_names() -> list[str]:
    """Time zones as people look for them (``Asia/Kolkata``), without the old names and the fixed offsets."""
    regions = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return sorted(name for name in available_timezones() if name.startswith(regions) or name == "UTC")


class ProfileForm(forms.ModelForm[User]):
    """What others see of a member, and where and when they live."""

    class Meta:
        model = User
        fields = ["display_name", "city", "time_zone"]
        labels = {"display_name": "Display name", "city": "City", "time_zone": "Time zone"}
        help_texts = {
            "display_name": "Shown beside what you write and at meetups you join. Any name you like.",
            "city": "Meetups near it are shown to you first.",
            "time_zone": "All times are shown in it. Type a city of your zone and choose, such as Asia/Kolkata.",
        }
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "city": forms.TextInput(attrs={"autocomplete": "address-level2"}),
            "time_zone": forms.TextInput(
                attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}
            ),
        }


class EraseForm(forms.Form):
    """Typing one's own address is the last step before everything is erased."""

    email = forms.EmailField(
        label="Your e-mail address",
        help_text="Type it to confirm.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        """Compared without regard to case. Raises ``ValidationError`` for any other address."""
        typed: str = self.cleaned_data["email"]
        if typed.casefold() != self.user.email.casefold():
            raise forms.ValidationError("This is not the address of your account.")
        return typed
