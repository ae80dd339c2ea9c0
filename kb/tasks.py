"""Work of the knowledge base that happens outside a request. A task loads by id and calls one service."""

from celery import shared_task
from django.utils import timezone

from kb.services import check_runs, keeping, own_posts, pictures, waiting_news
from kb.services.flags import raise_flags as raise_all_flags
from kb.services.link_checks import check_due
from kb.services.storing import redraw_blocks as redraw
from kb.services.surroundings import refresh_all_surroundings


@shared_task(name="kb.tasks.refresh_surroundings")
def refresh_surroundings() -> None:
    """Beat, daily: what stands around each article, after others came and went."""
    refresh_all_surroundings()


@shared_task(name="kb.tasks.redraw_blocks")
def redraw_blocks() -> None:
    """Beat, every two minutes: articles whose live blocks would now say something else."""
    redraw()


@shared_task(name="kb.tasks.purge_deleted")
def purge_deleted() -> None:
    """Beat, every few hours: what was deleted or withdrawn a month ago is removed for good."""
    keeping.purge_deleted(at=timezone.now())
    own_posts.purge_withdrawn(at=timezone.now())


@shared_task(name="kb.tasks.remove_unused_pictures")
def remove_unused_pictures() -> None:
    """Beat, daily: pictures that were sent a month ago and stand in no text."""
    pictures.remove_unused(at=timezone.now())


@shared_task(name="kb.tasks.remind_reviewers")
def remind_reviewers() -> None:
    """Beat, hourly: what has waited for more than a day, once a day to those who may decide."""
    waiting_news.tell_what_waits(at=timezone.now())


@shared_task(name="kb.tasks.check_links")
def check_links() -> None:
    """Beat, every few minutes: ask a few links of articles whether they still answer."""
    check_due(at=timezone.now())


@shared_task(name="kb.tasks.raise_flags")
def raise_flags() -> None:
    """Beat, hourly, and when the lab announces a change: articles that name what is gone."""
    raise_all_flags(at=timezone.now())


@shared_task(name="kb.labs.run_checks", soft_time_limit=240, time_limit=270)
def run_checks(article_id: int) -> None:
    """Run what is queued of an article's checks; by a worker of the lab, which alone may run commands."""
    check_runs.run_checks(article_id, at=timezone.now())


@shared_task(name="kb.labs.sweep_checks")
def sweep_checks() -> None:
    """Beat: checks that are due, that nobody took, or whose worker stopped."""
    check_runs.sweep_checks(at=timezone.now())
