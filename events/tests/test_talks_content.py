"""KVM Forum 2013 as the portal starts with it."""

import pytest

from events.models import (
    Conference,
    Resource,
    Session,
    Speaker,
    Talk,
    TalkSpeaker,
    TripReport,
    TripReportEntry,
)
from events.starting_content_conference import load_conference
from events.tests.talk_factories import make_speaker
from portal.accounts.models import User

pytestmark = pytest.mark.django_db

# What the report names, day by day: a word of the title, and who gave it.
TOLD = {
    1: [
        ("Opening keynote", "Gleb Natapov (Red Hat)"),
        ("Modern QEMU Device Emulation", "Andreas Färber (SUSE)"),
        ("Virgil3D – Virtio Based 3D Capable GPU", "Dave Airlie (Red Hat)"),
        ("VGA Assignment Using VFIO", "Alex Williamson (Red Hat)"),
        ("Platform Device Passthrough Using VFIO", "Stuart Yoder (Freescale Semiconductor)"),
        ("The x86 firmware maze", "Gerd Hoffmann"),
        ("Nested Virtualization", "Orit Wasserman"),
        ("Nested EPT to Make Nested VMX Faster", "Gleb Natapov (Red Hat)"),
        ("Running Windows 8 on top of Android with KVM", "Zhi Wang (Intel)"),
        ("OSv: Best Cloud Operating System", "Avi Kivity, Glauber Costa"),
    ],
    2: [
        ("QEMU weather report", "Anthony Liguori"),
        ("Effective Multi-Threading in QEMU", "Paolo Bonzini (Red Hat)"),
        ("Block Layer Status Report", "Stefan Hajnoczi (Red Hat), Kevin Wolf (Red Hat)"),
        ("An Introduction to OpenStack and its use of KVM Virtualization", "Daniel Berrangé (Red Hat)"),
        (
            "New Developments and Advanced Features in the Libvirt Management API",
            "Daniel Berrangé (Red Hat)",
        ),
        ("Empowering Data Center Virtualization Using KVM", "Livnat Peer (Red Hat)"),
        ("One Year Later: And There are Still Things to Improve in Migration!", "Juan Quintela"),
        ("A static checker for migration compatibility", "Amit Shah"),
        ("Debugging Live Migration", "Alexander Graf (SUSE)"),
        ("Automatic memory ballooning", "Luiz Capitulino"),
    ],
    3: [
        ("OVA update", ""),
        ("oVirt: state of the project", "Itamar Heim"),
        ("oVirt’s self-hosted engine", "Doron Fediuck"),
        ("oVirt for PowerPC", "Leonardo Bianconi (Instituto de Pesquisas Eldorado)"),
        ("Reducing the overhead of context switches", "Rik van Riel"),
        (
            "The Future Integration Points for oVirt Storage and Storage Consumption",
            "Sean Cohen, Ayal Baron",
        ),
        ("Using oVirt and Spice for VDI", "Frantisek Kobzik"),
    ],
}


def _by(session: Session) -> str:
    rows = session.talk.speaking.select_related("speaker")
    return ", ".join(
        f"{row.speaker} ({row.affiliation})" if row.affiliation else str(row.speaker) for row in rows
    )


def test_every_session_that_the_report_names_is_there_and_no_other() -> None:
    load_conference()
    conference = Conference.objects.get()
    assert (conference.name, conference.city, conference.year) == ("KVM Forum 2013", "Edinburgh", 2013)
    found = {
        day.number: [(session.talk.title, _by(session)) for session in day.sessions.all()]
        for day in conference.days.all()
    }
    assert found == TOLD


def test_a_speaker_of_two_talks_has_one_page() -> None:
    load_conference()
    for name in ("Gleb Natapov", "Daniel Berrangé"):
        assert Speaker.objects.get(name=name).talks.count() == 2


def test_every_talk_says_in_words_of_its_own_what_it_is_about() -> None:
    load_conference()
    assert all(talk.abstract and talk.topic for talk in Talk.objects.all())
    abstracts = list(Talk.objects.values_list("abstract", flat=True))
    assert len(set(abstracts)) == len(abstracts) == 27


def test_condition_of_what_was_recorded_is_told_and_no_address_is_invented() -> None:
    load_conference()
    known = {(kept.talk.title, kept.kind, kept.condition) for kept in Resource.objects.select_related("talk")}
    assert known == {
        ("Opening keynote", "video", "good"),
        ("Virgil3D – Virtio Based 3D Capable GPU", "video", "damaged"),
        ("VGA Assignment Using VFIO", "video", "missing"),
        ("Platform Device Passthrough Using VFIO", "video", "damaged"),
        ("Nested EPT to Make Nested VMX Faster", "slides", "good"),
        ("OSv: Best Cloud Operating System", "video", "good"),
        ("Debugging Live Migration", "slides", "good"),
        ("oVirt: state of the project", "slides", "good"),
    }
    assert set(Resource.objects.values_list("url", flat=True)) == {""}
    damaged = Resource.objects.filter(condition="damaged")
    assert set(damaged.values_list("note", flat=True)) == {"The sound is broken."}


def test_the_trip_report_points_at_the_same_talks() -> None:
    load_conference()
    report = TripReport.objects.get()
    assert report.shown_author == "A member of the community"
    entries = TripReportEntry.objects.filter(report=report)
    assert entries.count() == 8
    assert set(entries.values_list("session__day__conference", flat=True)) == {report.conference_id}


def test_loading_twice_makes_nothing_twice() -> None:
    assert len(load_conference()) == 2
    counts = [model.objects.count() for model in (Conference, Session, Talk, Speaker, TripReport)]
    assert load_conference() == []
    assert [model.objects.count() for model in (Conference, Session, Talk, Speaker, TripReport)] == counts


def test_loading_leaves_what_people_changed_or_took_away() -> None:
    load_conference()
    Talk.objects.filter(title="OVA update").delete()
    Speaker.objects.filter(name="Rik van Riel").delete()
    TripReport.objects.all().delete()
    load_conference()
    assert Session.objects.count() == 26
    assert not Speaker.objects.filter(name="Rik van Riel").exists()
    assert not TripReport.objects.exists()
    Conference.objects.all().delete()
    load_conference()
    assert not Conference.objects.exists()


def test_loading_does_not_give_a_members_page_the_talks_of_a_namesake(member: User) -> None:
    theirs = make_speaker("Dave Airlie", slug="dave-airlie", user=member)
    load_conference()
    assert not TalkSpeaker.objects.filter(speaker=theirs).exists()
    assert Speaker.objects.filter(name="Dave Airlie").count() == 2
