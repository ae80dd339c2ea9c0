"""The second factors and the connected accounts, as allauth asks for them."""

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.connect import connect
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest

from portal.accounts.models import User


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Names and pictures of authenticator apps and passkeys."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": "While two-factor sign-in is on, no address can be added. Remove your authenticator app "
        "and your passkeys, add and confirm the address, then set them up again.",
        "incorrect_code": "This code is not right. Codes change every 30 seconds: try the one shown now.",
    }

    def build_totp_svg(self, url: str) -> str:
        """The QR code on white: cameras read dark on light, also where the page is dark."""
        import qrcode
        from qrcode.image.svg import SvgPathFillImage

        drawn: str = qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode")
        return drawn

    def generate_authenticator_name(self, user: User, type: str) -> str:
        """What a new passkey is called until its owner says otherwise."""
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The portal as browsers and phones list it beside the passkey (WebAuthn, section 5.4.2)."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.SITE_NAME}


class ConnectionAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """GitHub, Google and OpenID Connect accounts that a member signs in with."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The keys of a provider; 404 where none are set, as for any address that is not there."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connect an account in the same transaction as the mail that tells its owner.

        The provider calls back by GET, which ``middleware.one_transaction`` leaves alone: the token is fetched from
        the provider during that request, and SQLite's only write lock must not wait for another company's server.
        Here the network is behind us.
        """
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            with transaction.atomic():
                response = connect(request, sociallogin)
            raise ImmediateHttpResponse(response)
