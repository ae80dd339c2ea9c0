"""Meetups: chapters, their organizers, and when people meet."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events import personal_data
        from portal.accounts import me_sections
        from portal.accounts import personal_data as keepers

        keepers.register("events", export=personal_data.export_events, erase=personal_data.erase_events)
        me_sections.register(
            "chapters", template="events/my_chapters.html", query=personal_data.my_chapters, order=10
        )
