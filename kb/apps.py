"""The knowledge base: how-tos that are tested on real hosts."""

from django.apps import AppConfig


class KbConfig(AppConfig):
    name = "kb"

    def ready(self) -> None:
        from kb import personal_data, search
        from kb.queries import writing
        from kb.services import mail_kinds
        from portal.accounts import me_sections
        from portal.accounts import personal_data as keepers
        from portal.embeds import changes

        keepers.register("kb", export=personal_data.export_kb, erase=personal_data.erase_kb)
        me_sections.register(
            "articles", template="kb/my_articles.html", query=personal_data.my_articles, order=20
        )
        me_sections.register("drafts", template="kb/my_desk.html", query=writing.my_desk, order=19)
        mail_kinds.register_all()
        for task in ("kb.tasks.redraw_blocks", "kb.tasks.raise_flags"):
            changes.register(task)
        search.register_all()
