"""Answers that no device gave: they are refused in a sentence, at every door."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from portal.accounts.models import User
from portal.accounts.passkey_forms import REFUSED
from portal.accounts.tests.conftest import SignIn, confirmed
from portal.tests.factories import PASSWORD, make_user

SHAPED = {
    "id": "AAAA",
    "rawId": "AAAA",
    "type": "public-key",
    "clientExtensionResults": {},
    "response": {
        "clientDataJSON": "e30",
        "attestationObject": "AAAA",
        "authenticatorData": "AAAA",
        "signature": "AAAA",
        "userHandle": "MQ",
    },
}
RUBBISH = [
    "",
    "{",
    "0",
    "false",
    "[]",
    "[" * 200_000,
    '{"id": 1}',
    '{"response": null}',
    '{"response": {"userHandle": {}}}',
    json.dumps(SHAPED),
    json.dumps(SHAPED | {"response": SHAPED["response"] | {"clientDataJSON": "W10"}}),  # type: ignore[operator]  # it is a dict
    json.dumps(SHAPED | {"rawId": "\u00e9"}),
    '{"id": ' + "9" * 5000 + "}",
]
pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> User:
    """Somebody who signs in with a password and then an app."""
    return make_user("member@example.org")


def give_passkey(member: User) -> None:
    """A passkey whose id is three zero bytes, as in the rubbish."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())  # type: ignore[no-untyped-call]  # fido2's
    device = AttestedCredentialData.create(bytes(16), bytes(3), key)
    data = AuthenticatorData.create(bytes(32), AuthenticatorData.FLAG.AT, 0, device)
    attested = websafe_encode(bytes(AttestationObject.create("none", data, {})))
    client = websafe_encode(b'{"type": "webauthn.create", "challenge": "AAAA", "origin": "http://localhost"}')
    answer = SHAPED | {"response": {"clientDataJSON": client, "attestationObject": attested}}
    Authenticator.objects.create(user=member, type="webauthn", data={"name": "Key", "credential": answer})


@pytest.mark.parametrize("credential", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_not_added(member: User, sign_in: SignIn, credential: str) -> None:
    browser = confirmed(sign_in(member))
    browser.get(reverse("mfa_add_webauthn"))
    answer = browser.post(reverse("mfa_add_webauthn"), {"name": "Key", "credential": credential})
    assert answer.status_code == 200
    assert REFUSED in answer.content.decode()
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_opens_nothing(member: User, sign_in: SignIn, credential: str) -> None:
    stranger: Any = Client()
    stranger.get(reverse("mfa_login_webauthn"), headers={"X-Requested-With": "XMLHttpRequest"})
    answer = stranger.post(reverse("mfa_login_webauthn"), {"credential": credential}, follow=True)
    assert REFUSED in answer.content.decode()
    assert not answer.wsgi_request.user.is_authenticated

    mine: Any = sign_in(member)
    give_passkey(member)
    assert mine.get(reverse("mfa_reauthenticate_webauthn")).status_code == 200
    answer = mine.post(reverse("mfa_reauthenticate_webauthn"), {"credential": credential}, follow=True)
    assert REFUSED in answer.content.decode()

    half: Any = Client()
    half.post(reverse("account_login"), {"login": member.email, "password": PASSWORD})
    half.get(reverse("mfa_authenticate"))
    answer = half.post(reverse("mfa_authenticate"), {"credential": credential})
    assert answer.status_code == 200
    assert not answer.wsgi_request.user.is_authenticated
