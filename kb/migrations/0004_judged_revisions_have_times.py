"""Apart from the filling of the rows, for PostgreSQL alters no table that has changes pending."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("kb", "0003_fill_documents")]
    operations = [
        migrations.AddConstraint(
            model_name="revision",
            constraint=models.CheckConstraint(
                condition=~Q(state__in=["approved", "rejected"]) | Q(reviewed_at__isnull=False),
                name="judged_revision_has_time",
            ),
        ),
    ]
