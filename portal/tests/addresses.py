"""Every address of the portal, and what three persons get there by GET. A new address must be added here.

``owner`` owns the things that the addresses name; ``member`` is signed in and owns none of them; ``stranger`` is not
signed in. A number is a status, ``SIGN_IN`` a redirect to the sign-in page, ``ON`` any other redirect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

SIGN_IN, ON = "sign-in", "redirect"
Answer = int | str
World = dict[str, Any]


@dataclass(frozen=True)
class Address:
    """One address: its URL name, how to fill it, and what each person gets."""

    name: str
    stranger: Answer
    member: Answer
    owner: Answer
    arguments: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    is_page: bool = True


def everyone(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address that answers all three alike."""
    return Address(name, answer, answer, answer, **more)


def members(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for whoever is signed in."""
    return Address(name, SIGN_IN, answer, answer, **more)


def visitors(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for whoever is not signed in; members are sent on."""
    return Address(name, answer, ON, ON, **more)


def by_post(name: str, **more: Any) -> Address:
    """An address that only takes POST."""
    return everyone(name, 405, is_page=False, **more)


def machine(name: str, answer: Answer = 200, **more: Any) -> Address:
    """An address for programs."""
    return everyone(name, answer, is_page=False, **more)


def url_names() -> Iterator[str]:
    """Names of all addresses, the admin's excepted, as ``reverse`` takes them."""

    def walk(resolver: URLResolver, space: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                if entry.namespace != "admin":
                    yield from walk(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
            elif isinstance(entry, URLPattern) and entry.name:
                yield f"{space}{entry.name}"

    yield from walk(get_resolver(), "")


def _slug(key: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"slug": world[key].slug}


def _at(key: str, argument: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"slug": world[key].slug, argument: 1}


def _offer(world: World) -> dict[str, Any]:
    return {"slug": world["offered"].slug, "session": world["offered"].sessions.get().pk}


def _check(key: str, argument: str = "check_id") -> Callable[[World], dict[str, Any]]:
    return lambda world: {argument: world[key].pk}


def _device(name: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"name": name}


def _snapshot(key: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"digest": world[key].current.snapshot_id}


def _pk(key: str) -> Callable[[World], dict[str, Any]]:
    return lambda world: {"pk": world[key].pk}


def _current(world: World) -> dict[str, Any]:
    """What readers of the article see."""
    return {"slug": world["article"].slug, "pk": world["article"].current_id}


def _role(world: World) -> dict[str, Any]:
    return {"slug": world["chapter"].slug, "pk": world["role"].pk}


def _report(world: World) -> dict[str, Any]:
    return {"slug": world["chapter"].slug, "pk": world["problem_report"].pk}


def _draft(world: World) -> dict[str, Any]:
    return {"key": world["draft"].key}


def _of(whole: str, part: str) -> Callable[[World], dict[str, Any]]:
    """Something of the organized meetup or chapter, by its key in ``led_parts``."""
    return lambda world: {"slug": world[whole].slug, part: world["led_parts"][part].pk}


MEETUP_TABS = (
    "manage_meetup",
    "edit_meetup",
    "recap",
    "repeat_meetup",
    "edit_questions",
    "attendees",
    "messages",
    "co_hosts",
    "photos",
)
CHAPTER_TABS = ("new_meetup", "venues", "new_venue", "co_hosting", "series_list", "chapter_messages")
# Pages that set versions and hosts beside each other.
COMPARISONS = ("cpu_list", "machine_list", "matrix", "compare", "common", "modules")
# A report in each of its states, that anybody with its link may see.
REPORTS = ("sample", "healthy", "unlisted", "queued", "running", "failed", "errored")
# Pictures of a report's image.
MAPS = ("report_map", "report_disk")

ADDRESSES = [
    everyone("home"),
    everyone("search"),
    machine("search_json"),
    everyone("about"),
    everyone("code_of_conduct"),
    everyone("styleguide"),
    everyone("status"),
    machine("sitemap"),
    machine("robots"),
    machine("security_txt"),
    machine("healthz"),
    machine("readyz", 503),  # no worker runs in these tests
    # ------------------------------------------------------------------------------------- accounts
    visitors("account_login"),
    visitors("account_signup"),
    Address("account_logout", ON, 200, 200),
    everyone("account_inactive"),
    members("account_reauthenticate"),
    members("account_email"),
    everyone("account_email_verification_sent"),
    everyone("account_confirm_email", arguments=lambda world: {"key": "no-such-key"}),
    members("account_change_password"),
    members("account_set_password", ON),
    everyone("account_reset_password"),
    everyone("account_reset_password_done"),
    everyone("account_reset_password_from_key_done"),
    everyone(
        "account_reset_password_from_key", arguments=lambda world: {"uidb36": "1", "key": "no-such-key"}
    ),
    Address("account_confirm_login_code", SIGN_IN, ON, ON),
    members("mfa_index"),
    Address("mfa_authenticate", SIGN_IN, ON, ON),
    members("mfa_reauthenticate", ON),
    members("mfa_activate_totp"),
    members("mfa_deactivate_totp", 404),
    members("mfa_view_recovery_codes", 404),
    members("mfa_generate_recovery_codes"),
    members("mfa_download_recovery_codes", 404),
    members("mfa_list_webauthn"),
    members("mfa_add_webauthn"),
    members("mfa_edit_webauthn", 404, arguments=lambda world: {"pk": 1}),
    members("mfa_remove_webauthn", 404, arguments=lambda world: {"pk": 1}),
    members("mfa_reauthenticate_webauthn", ON),
    Address("mfa_login_webauthn", SIGN_IN, ON, ON),
    everyone("socialaccount_login_cancelled"),
    everyone("socialaccount_login_error", 401),
    everyone("socialaccount_signup", SIGN_IN),
    members("socialaccount_connections"),
    # No keys are set here, so none of these is there.
    everyone("github_login", 404),
    everyone("github_callback", 404),
    everyone("google_login", 404),
    everyone("google_callback", 404),
    everyone("google_login_by_token", 404),
    everyone("openid_connect_login", 404, arguments=lambda world: {"provider_id": "oidc"}),
    everyone("openid_connect_callback", 404, arguments=lambda world: {"provider_id": "oidc"}),
    everyone("usersessions_list", ON),
    members("me"),
    members("me_profile"),
    members("me_notifications"),
    members("me_sessions"),
    members("me_session_end", 405, is_page=False, arguments=lambda world: {"session": 1}),
    members("me_sessions_end_others", 405, is_page=False),
    members("me_tokens"),
    members("me_token_create", 405, is_page=False),
    members("me_token_revoke", 405, is_page=False, arguments=lambda world: {"token_id": 1}),
    members("me_data"),
    members("me_export", 405, is_page=False),
    members("me_delete"),
    # ----------------------------------------------------------------------------------------- mail
    everyone("mail:unsubscribe", 404, arguments=lambda world: {"token": "no-such-token"}),
    everyone("mail:mailbox"),
    everyone("mail:message", arguments=lambda world: {"pk": world["mail"].pk}),
    machine("mail:message_html", arguments=lambda world: {"pk": world["mail"].pk}),
    # ---------------------------------------------------------------------------------------- rooms
    everyone("events:meetup_list"),
    everyone("events:meetup", arguments=_slug("meetup")),
    everyone("events:rsvp", arguments=_slug("meetup")),
    by_post("events:rsvp_leave", arguments=_slug("meetup")),
    by_post("events:rsvp_accept", arguments=_slug("meetup")),
    by_post("events:rsvp_reconfirm", arguments=_slug("meetup")),
    everyone("events:rsvp_link", 404, arguments=lambda world: {"token": "no-such-token"}),
    machine("events:meetup_feed"),
    machine("events:meetup_picture", arguments=_slug("meetup")),
    machine("events:chapter_feed", arguments=_slug("chapter")),
    machine("events:chapter_embed", arguments=_slug("chapter")),
    # No vote on the date of this meetup; the organizers' side is tested with the votes.
    everyone("events:poll", 404, arguments=_slug("meetup")),
    Address("events:check_in", SIGN_IN, 404, 200, _slug("meetup")),
    by_post("events:check_in_sync", arguments=_slug("meetup")),
    Address("events:check_in_worker", SIGN_IN, 404, 200, _slug("meetup"), is_page=False),
    Address(
        "events:check_in_code",
        SIGN_IN,
        404,
        404,
        lambda world: {"slug": world["meetup"].slug, "code": "NOSUCHCODE"},
    ),
    members("events:ticket", 404, arguments=_slug("meetup")),
    everyone("events:rsvp_ticket", 404, arguments=lambda world: {"token": "no-such-token"}),
    everyone("events:rsvp_ticket_picture", 404, arguments=lambda world: {"token": "no-such-token"}),
    by_post("events:withdraw_votes", arguments=_slug("meetup")),
    everyone("events:ballot", 404, arguments=lambda world: {"token": "no-such-token"}),
    Address("events:manage_meetup", SIGN_IN, 404, 200, _slug("meetup")),
    Address("events:manage_poll", SIGN_IN, 404, 200, _slug("meetup")),
    *(
        by_post(f"events:{name}", arguments=_slug("meetup"))
        for name in ("add_date", "set_poll_end", "choose_date", "end_poll", "reopen_poll")
    ),
    by_post("events:remove_date", arguments=lambda world: {"slug": world["meetup"].slug, "option": 1}),
    everyone("events:chapter_list"),
    everyone("events:chapter", arguments=_slug("chapter")),
    everyone("events:calendar_list"),
    machine("events:all_calendar"),
    machine("events:own_calendar", 404, arguments=lambda world: {"token": "no-such-token"}),
    Address("events:import_file", SIGN_IN, 404, 200, _slug("chapter")),
    by_post("events:import_confirm", arguments=_slug("chapter")),
    members("events:my_calendar"),
    members("events:my_calendar_new", 405, is_page=False),
    members("events:my_calendar_delete", 405, is_page=False),
    machine("events:chapter_calendar", arguments=_slug("chapter")),
    machine("events:meetup_file", 404, arguments=_slug("meetup")),  # its date is open
    everyone("events:talk_list"),
    everyone("events:talk", arguments=_slug("talk")),
    everyone("events:speaker", arguments=_slug("speaker")),
    members("events:edit_talk", 404, arguments=_slug("talk")),
    Address("events:edit_talk", SIGN_IN, 404, 200, _slug("offered")),
    members("events:propose_again", 404, arguments=_slug("talk")),
    Address("events:propose_again", SIGN_IN, 404, 200, _slug("offered")),
    by_post("events:leave_talk", arguments=_slug("talk")),
    Address("events:withdraw_talk", SIGN_IN, 404, 200, _offer),
    Address("events:talk", 404, 404, 200, _slug("offered")),
    Address("events:chapter_talks", SIGN_IN, 404, 200, _slug("chapter")),
    members("events:propose_talk", arguments=_slug("chapter")),
    by_post("events:decide_talk", arguments=_at("chapter", "session")),
    Address("events:programme", SIGN_IN, 404, 200, _slug("meetup")),
    by_post("events:add_to_programme", arguments=_at("meetup", "session")),
    by_post("events:remove_from_programme", arguments=_at("meetup", "session")),
    by_post("events:move_talk", arguments=_at("meetup", "session")),
    by_post("events:time_talk", arguments=_at("meetup", "session")),
    members("events:edit_speaker", 404, arguments=_slug("speaker")),
    members("events:claim_speaker", arguments=_slug("speaker")),
    by_post("events:decide_claim", arguments=_at("speaker", "claim")),
    everyone("events:conference_list"),
    everyone("events:conference", arguments=_slug("conference")),
    everyone("events:trip_report", arguments=_slug("report")),
    members("events:chapters_health", 404),
    by_post("events:chapter_status", arguments=_slug("chapter")),
    everyone("events:chapter_start"),
    by_post("events:chapter_propose"),
    Address("events:application_list", SIGN_IN, 404, 200),
    Address("events:application", SIGN_IN, 404, 200, _pk("application")),
    by_post("events:application_say", arguments=_pk("application")),
    by_post("events:application_decide", arguments=_pk("application")),
    by_post("events:application_withdraw", arguments=_pk("application")),
    Address("events:edit_chapter", SIGN_IN, 404, 200, _slug("chapter")),
    Address("events:chapter_archive", SIGN_IN, 404, 200, _slug("chapter")),
    Address("events:chapter_people", SIGN_IN, 404, 200, _slug("chapter")),
    by_post("events:add_role", arguments=_slug("chapter")),
    by_post("events:change_role", arguments=_role),
    by_post("events:end_role", arguments=_role),
    by_post("events:offer_lead", arguments=_role),
    by_post("events:answer_lead_offer", arguments=_role),
    by_post("events:leave_role", arguments=_role),
    everyone("events:report_problem", arguments=_slug("chapter")),
    Address("events:problem_reports", SIGN_IN, 404, 200, _slug("chapter")),
    Address("events:problem_report", SIGN_IN, 404, 200, _report),
    Address("events:chapter_blocks", SIGN_IN, 404, 200, _slug("chapter")),
    by_post("events:unblock", arguments=_role),
    Address("events:chapter_acts", SIGN_IN, 404, 200, _slug("chapter")),
    members("events:new_trip_report", arguments=_slug("conference")),
    Address("events:trip_report", 404, 404, 200, _slug("draft_report")),
    members("events:edit_trip_report", 404, arguments=_slug("report")),
    Address("events:edit_trip_report", SIGN_IN, 404, 200, _slug("draft_report")),
    Address("events:delete_trip_report", SIGN_IN, 404, 200, _slug("draft_report")),
    Address("events:follow", 200, ON, ON, _slug("chapter")),
    by_post("events:unfollow", arguments=_slug("chapter")),
    everyone("events:follow_link", 404, arguments=lambda world: {"token": "no-such-token"}),
    # What organizers do.
    *(Address(f"events:{name}", SIGN_IN, 404, 200, _slug("led_meetup")) for name in MEETUP_TABS),
    *(Address(f"events:{name}", SIGN_IN, 404, 200, _slug("led_chapter")) for name in CHAPTER_TABS),
    *(
        by_post(f"events:{name}", arguments=_slug("led_meetup"))
        for name in (
            "move_meetup",
            "cancel_meetup",
            "discard_meetup",
            "copy_meetup",
            "export_attendees",
            "export_for_sponsors",
        )
    ),
    Address("events:edit_question", SIGN_IN, 404, 200, _of("led_meetup", "question")),
    by_post("events:remove_question", arguments=_of("led_meetup", "question")),
    by_post("events:raise_question", arguments=_of("led_meetup", "question")),
    by_post("events:remove_attendee", arguments=_of("led_meetup", "rsvp")),
    by_post("events:withdraw_co_host", arguments=_of("led_meetup", "co_host")),
    by_post("events:remove_photo", arguments=_of("led_meetup", "photo")),
    machine("events:photo", arguments=_of("led_meetup", "photo")),
    Address("events:edit_venue", SIGN_IN, 404, 200, _of("led_chapter", "venue")),
    by_post("events:delete_venue", arguments=_of("led_chapter", "venue")),
    by_post("events:answer_co_host", arguments=_of("led_chapter", "co_host")),
    Address("events:series", SIGN_IN, 404, 200, _of("led_chapter", "series")),
    by_post("events:end_series", arguments=_of("led_chapter", "series")),
    everyone("kb:article_list"),
    everyone("kb:article", arguments=_slug("article")),
    members("kb:article_new"),
    members("kb:draft_list"),
    *(
        Address(f"kb:{name}", SIGN_IN, 404, 200, _draft)
        for name in ("draft", "draft_preview", "draft_discard")
    ),
    *(by_post(f"kb:{name}", arguments=_draft) for name in ("draft_save", "draft_submit")),
    Address("kb:draft_merge", SIGN_IN, 404, ON, _draft),  # nothing to settle
    by_post("kb:picture_add"),
    machine("kb:picture", arguments=lambda world: {"sha256": world["picture"].sha256}),
    Address("kb:article_edit", SIGN_IN, 200, ON, _slug("article")),  # the owner has begun already
    machine("kb:article_markdown", arguments=_slug("article")),
    everyone("kb:errors"),
    by_post("kb:flag_settle", arguments=_at("article", "pk")),
    everyone("kb:article_checks", arguments=_slug("article")),
    members("kb:check_queue", 404),
    by_post("kb:check_decide", arguments=_pk("article")),
    by_post("kb:checks_let_run"),
    everyone("kb:series", arguments=_slug("series")),
    everyone("kb:did_it_work", arguments=_slug("article")),
    everyone("kb:questions", arguments=_slug("article")),
    members("kb:questions_held", 404),
    *(
        by_post(f"kb:question_{name}", arguments=_pk("question"))
        for name in ("answer", "close", "promote", "bring_back")
    ),
    by_post("kb:answer_bring_back", arguments=_pk("answer")),
    *(
        Address(f"kb:{post}_{name}", SIGN_IN, 404, 200, _pk(post))
        for post in ("question", "answer")
        for name in ("edit", "withdraw")
    ),
    machine("kb:export"),
    machine("kb:article_zip", arguments=_slug("article")),
    members("kb:import", 404),
    everyone("kb:offline"),
    machine("kb:worker"),
    machine("kb:diagram"),
    machine("kb:feed"),
    machine("kb:tag_feed", arguments=_slug("tag")),
    members("kb:review_queue", 404),
    members("kb:deleted"),
    Address("kb:dashboards", SIGN_IN, 404, 200),
    by_post("kb:restore", arguments=_pk("article")),
    Address("kb:settings", SIGN_IN, 404, 200, _slug("kept_article")),
    Address("kb:delete", SIGN_IN, 404, 200, _slug("kept_article")),
    Address("kb:review", SIGN_IN, 404, 200, _pk("submitted")),
    *(
        by_post(f"kb:review_{name}", arguments=_pk("submitted"))
        for name in ("comment", "approve", "send_back", "withdraw")
    ),
    everyone("kb:history", arguments=_slug("article")),
    everyone("kb:revision", arguments=_current),
    members("kb:revert", 404, arguments=_current),
    everyone("kb:diff", arguments=_slug("article")),
    by_post("kb:watch", arguments=_slug("article")),
    everyone("kb:unwatch", 404, arguments=lambda world: {"token": "no-such-token"}),
    everyone("labtools:index"),
    everyone("labtools:image_list"),
    everyone("labtools:qcow2_format"),
    everyone("labtools:device_list"),
    machine("labtools:device_list_json"),
    machine("labtools:device_list_csv"),
    everyone("labtools:device", arguments=_device("virtio-net-pci")),
    everyone("labtools:device", 404, arguments=_device("no-such-device")),
    everyone("labtools:device", ON, arguments=_device("virtio-net")),
    machine("labtools:device_json", arguments=_device("virtio-net-pci")),
    machine("labtools:device_csv", arguments=_device("virtio-net-pci")),
    machine("labtools:card", arguments=lambda world: {"kind": "device", "name": "virtio-net-pci"}),
    machine("labtools:card", 404, arguments=lambda world: {"kind": "device", "name": "no-such-device"}),
    everyone("labtools:search"),
    machine("labtools:search_json"),
    *(everyone(f"labtools:{name}") for name in COMPARISONS),
    *(
        machine(f"labtools:{name}_{form}")
        for name in COMPARISONS
        if name != "common"
        for form in ("json", "csv")
    ),
    # Nobody chose what to intersect.
    *(machine(f"labtools:common_{form}", 404) for form in ("json", "csv")),
    everyone("labtools:cpu", arguments=_device("qemu64")),
    everyone("labtools:cpu", 404, arguments=_device("no-such-model")),
    *(machine(f"labtools:cpu_{form}", arguments=_device("qemu64")) for form in ("json", "csv")),
    everyone("labtools:machine", arguments=_device("q35")),
    everyone("labtools:machine", 404, arguments=_device("no-such-machine")),
    *(machine(f"labtools:machine_{form}", arguments=_device("q35")) for form in ("json", "csv")),
    machine("labtools:search_csv"),
    Address("labtools:report", 404, 404, 200, _check("private")),
    *(everyone("labtools:report", arguments=_check(key)) for key in REPORTS),
    Address("labtools:report_json", 404, 404, 200, _check("private"), is_page=False),
    machine("labtools:report_json", arguments=_check("unlisted")),
    *(Address(f"labtools:{name}", 404, 404, 200, _check("private")) for name in MAPS),
    *(everyone(f"labtools:{name}", arguments=_check("unlisted")) for name in MAPS),
    *(everyone(f"labtools:{name}", 404, arguments=_check("failed")) for name in MAPS),
    *(Address(f"labtools:{name}_json", 404, 404, 200, _check("private"), is_page=False) for name in MAPS),
    *(machine(f"labtools:{name}_json", arguments=_check("unlisted")) for name in MAPS),
    Address("labtools:report_compare", 404, 404, 200, _check("private")),
    everyone("labtools:report_compare", arguments=_check("unlisted")),
    everyone("labtools:report_compare", 404, arguments=_check("queued")),
    Address("labtools:report_patch", 404, 404, 200, _check("private"), is_page=False),
    machine("labtools:report_patch", arguments=_check("unlisted")),
    machine("labtools:report_patch", 404, arguments=_check("queued")),
    Address("labtools:report_delete", SIGN_IN, 404, 200, _check("private")),
    Address("labtools:report_delete", SIGN_IN, 403, 200, _check("unlisted")),
    by_post("labtools:report_visibility", arguments=_check("unlisted")),
    members("labtools:upload_form", 405, is_page=False),
    members(
        "labtools:discard_upload",
        405,
        is_page=False,
        arguments=lambda world: {"upload_id": world["private"].pk},
    ),
    # Lab hosts: the owner is no staff; what staff see is in the lab's own tests.
    *(everyone(f"labtools:{name}") for name in ("host_list", "change_list")),
    *(
        machine(f"labtools:{name}_{form}")
        for name in ("host_list", "change_list")
        for form in ("json", "csv")
    ),
    machine("labtools:change_feed"),
    everyone("labtools:host", arguments=_slug("lab_host")),
    everyone("labtools:host", 404, arguments=_slug("private_lab_host")),
    machine("labtools:host_json", arguments=_slug("lab_host")),
    machine("labtools:host_csv", arguments=_slug("lab_host")),
    machine("labtools:host_json", 404, arguments=_slug("private_lab_host")),
    machine("labtools:host_csv", 404, arguments=_slug("private_lab_host")),
    everyone("labtools:snapshot", arguments=_snapshot("lab_host")),
    everyone("labtools:snapshot", 404, arguments=_snapshot("private_lab_host")),
    machine("labtools:snapshot_json", arguments=_snapshot("lab_host")),
    machine("labtools:snapshot_csv", arguments=_snapshot("lab_host")),
    everyone("labtools:host_bring"),
    members("labtools:labprobe", 404, is_page=False),
    members("labtools:host_add", 404),
    members("labtools:host_edit", 404, arguments=_slug("lab_host")),
    members("labtools:host_delete", 404, arguments=_slug("lab_host")),
    by_post("labtools:host_ask", arguments=_slug("lab_host")),
    by_post("labtools:host_enabled", arguments=_slug("lab_host")),
    by_post("labtools:check_sample", arguments=lambda world: {"sample": "healthy"}),
    everyone("labtools:lint"),
    machine("labtools:lint_json"),
    machine("labtools:lint_csv"),
    everyone("labtools:build"),
    machine("labtools:build_json"),
    machine("labtools:build_csv"),
    everyone("labtools:iso"),
    machine("labtools:iso_json"),
    machine("labtools:iso_csv"),
    everyone("labtools:npiv"),
    machine("labtools:npiv_json"),
    machine("labtools:npiv_csv"),
    by_post("labtools:npiv_paste"),
    by_post("labtools:npiv_try"),
    Address("labtools:npiv_trial", SIGN_IN, 404, 200, _check("vhba_trial", "trial_id")),
    Address("labtools:npiv_trial_json", SIGN_IN, 404, 200, _check("vhba_trial", "trial_id"), is_page=False),
    # ------------------------------------------------------------------------------------------ API
    everyone("api_docs"),
    machine("api:openapi-json"),
    machine("api:api-root", 404),
    machine("api:articles"),
    machine("api:article", arguments=_slug("article")),
    Address("api:images", 401, 200, 200, is_page=False),
    Address("api:image", 401, 404, 200, lambda world: {"check_id": world["private"].pk}, is_page=False),
    Address(
        "api:change_check", 401, 404, 200, lambda world: {"check_id": world["private"].pk}, is_page=False
    ),
    Address(
        "api:delete_check", 401, 404, 200, lambda world: {"check_id": world["private"].pk}, is_page=False
    ),
    machine("tus:uploads", 405),
    machine("tus:upload", 405, arguments=lambda world: {"upload_id": world["private"].pk}),
]
