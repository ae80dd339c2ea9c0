"""Meetups: chapters, their organizers, and when people meet."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events import embeds, notifications, personal_data, search
        from events.services import mail_kinds
        from portal.accounts import me_sections
        from portal.accounts import personal_data as keepers
        from portal.mail import choices

        keepers.register(
            "events",
            export=personal_data.export_events,
            erase=personal_data.erase_events,
            warn=personal_data.warn_before_erasing,
        )
        mail_kinds.register_all()
        choices.register(
            "followed-chapters",
            template="events/notifications.html",
            query=notifications.followed_chapters,
            save=notifications.save_followed_chapters,
        )
        me_sections.register(
            "chapters", template="events/my_chapters.html", query=personal_data.my_chapters, order=10
        )
        me_sections.register(
            "follows", template="events/my_follows.html", query=personal_data.my_follows, order=14
        )
        me_sections.register(
            "offers", template="events/my_applications.html", query=personal_data.my_applications, order=12
        )
        me_sections.register(
            "meetups", template="events/my_meetups.html", query=personal_data.my_meetups, order=5
        )
        search.register_all()
        embeds.register_all()
