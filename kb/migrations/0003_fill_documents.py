"""Give the revisions that there are the head of their article, which until now only the article had."""

import hashlib
import json

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Fill head, ``sha`` and the time of review; a draft, of which there were none but by hand, waits for review."""
    revision_model = apps.get_model("kb", "Revision")
    for revision in revision_model.objects.select_related("article").iterator():
        article = revision.article
        head = {
            "title": article.title,
            "kind": article.kind,
            "abstract": article.summary,
            "tags": sorted(
                {tag.name for tag in article.tags.all()}, key=lambda name: (name.casefold(), name)
            ),
            "applies_to": sorted(
                [one.component, one.minimum, one.maximum] for one in article.applies_to.all()
            ),
            "series": "",
            "part": None,
        }
        text = revision.content.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").rstrip()
        head["content"] = text + "\n" if text else ""
        for name, value in head.items():
            setattr(revision, name, value)
        whole = json.dumps(head, sort_keys=True, ensure_ascii=False)
        revision.sha = hashlib.sha256(whole.encode()).hexdigest()
        if revision.state == "draft":
            revision.state = "submitted"
        if revision.state in ("approved", "rejected"):
            revision.reviewed_at = revision.created_at
        revision.save()


def empty(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Leave only states that the first release knows."""
    revision_model = apps.get_model("kb", "Revision")
    for state, before in (("merged", "rejected"), ("withdrawn", "draft")):
        revision_model.objects.filter(state=state).update(state=before)


class Migration(migrations.Migration):
    dependencies = [("kb", "0002_documents_and_review")]
    operations = [migrations.RunPython(fill, empty)]
