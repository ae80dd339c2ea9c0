"""The lab: an integrity report for disk images, and what the lab hosts' QEMU can do."""

from django.apps import AppConfig


class LabtoolsConfig(AppConfig):
    name = "labtools"

    def ready(self) -> None:
        from labtools import embeds, personal_data, search
        from labtools.services import recipes
        from portal.accounts import me_sections
        from portal.accounts import personal_data as keepers

        keepers.register("lab", export=personal_data.export_lab, erase=personal_data.erase_lab)
        me_sections.register(
            "images", template="labtools/my_images.html", query=personal_data.my_images, order=30
        )
        search.register_all()
        recipes.register()
        embeds.register_all()
