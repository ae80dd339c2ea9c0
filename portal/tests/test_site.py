"""What is true of every address: who gets what there, and what every page keeps."""

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.tests.addresses import ADDRESSES, ON, SIGN_IN, Answer, World, url_names
from portal.tests.factories import signed_in
from portal.tests.invariants import broken_invariants
from portal.tests.sample_world import make_world

PERSONS = ("stranger", "member", "owner")


@pytest.fixture
def world(owner: User) -> World:
    """The starting content and the owner's things."""
    return make_world(owner)


@pytest.fixture
def persons(owner: User, member: User) -> dict[str, Client]:
    """A browser for each of the three."""
    return {"stranger": Client(), "member": signed_in(member), "owner": signed_in(owner)}


def _answer(response: HttpResponseBase) -> Answer:
    if response.status_code not in (301, 302):
        return response.status_code
    return SIGN_IN if response["Location"].startswith(reverse("account_login")) else ON


def test_every_address_is_in_the_table() -> None:
    assert sorted(set(url_names())) == sorted({address.name for address in ADDRESSES})


@pytest.mark.django_db
def test_three_persons_get_what_the_table_says(world: World, persons: dict[str, Client]) -> None:
    differs = []
    for address in ADDRESSES:
        url = reverse(address.name, kwargs=address.arguments(world))
        for person in PERSONS:
            got = _answer(persons[person].get(url))
            if got != getattr(address, person):
                differs.append(f"{person} at {url}: {got}, not {getattr(address, person)}")
    assert differs == []


# Pages under a policy of their own, without any script, and what it must say.
OWN_POLICY = {
    "mail:message_html": "sandbox",  # a mail's HTML, with its inline style
    "events:photo": "default-src 'none'",  # a picture
    "kb:picture": "default-src 'none'",
    "kb:diagram": "sandbox allow-scripts",  # Mermaid, with its inline style
    "events:chapter_embed": "frame-ancestors *",  # stands in other sites
}


@pytest.mark.django_db
def test_every_page_keeps_the_invariants(world: World, persons: dict[str, Client]) -> None:
    broken = []
    for address in ADDRESSES:
        url = reverse(address.name, kwargs=address.arguments(world))
        for person, client in persons.items():
            response = client.get(url)
            policy = response.get("Content-Security-Policy", "")
            scripts = OWN_POLICY.get(address.name, "script-src 'self'")
            if "default-src 'none'" not in policy or scripts not in policy or "unsafe-eval" in policy:
                broken.append(f"{url}: policy {policy!r}")
            if address.is_page and response["Content-Type"].startswith("text/html") and response.content:
                broken += [
                    f"{person} at {url}: {wrong}" for wrong in broken_invariants(response.content.decode())
                ]
    assert broken == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/no-such-page", "/lab/images/not-a-uuid/", "/kb/%00/", "/meetups/" + "x" * 2000 + "/"]
)
def test_rubbish_addresses_are_404_in_the_portals_clothes(path: str, client: Client) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert broken_invariants(response.content.decode()) == []
    assert response["X-Request-ID"] in response.content.decode()


@pytest.mark.django_db
def test_methods_that_no_page_knows_break_nothing(world: World, persons: dict[str, Client]) -> None:
    wrong = []
    for address in ADDRESSES:
        url = reverse(address.name, kwargs=address.arguments(world))
        for person, client in persons.items():
            status = client.generic("BREW", url).status_code
            if status >= 500:
                wrong.append(f"{person} BREW {url}: {status}")
    assert wrong == []


@pytest.mark.django_db
def test_a_form_from_elsewhere_changes_nothing_and_says_why(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(reverse("me_profile"), {"display_name": "Mallory", "time_zone": "Asia/Kolkata"})
    assert response.status_code == 403
    assert broken_invariants(response.content.decode()) == []
    owner.refresh_from_db()
    assert owner.display_name == "Asha Owner"
