"""What a meetup asks whoever signs up: the organizers' editor."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from events.forms.organizing import QuestionForm
from events.models import Meetup, Question
from events.services.life import MeetupRefused
from events.services.questions import raise_question, remove_question, save_question
from events.views.access import actor_of, for_meetup_organizers


@require_http_methods(["GET", "HEAD", "POST"])
@for_meetup_organizers
def questions(request: HttpRequest, meetup: Meetup, question: int | None = None) -> HttpResponse:
    """The questions in their order, and one to add or to change."""
    found = None if question is None else _question(meetup, question)
    form = QuestionForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        stored = None if question is None else _question(meetup, question)
        try:
            save_question(meetup=meetup, actor=actor_of(request), fields=form.cleaned_data, question=stored)
        except MeetupRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "The question is saved.")
            return redirect("events:edit_questions", meetup.slug)
    context = {
        "meetup": meetup,
        "is_past": meetup.is_past(timezone.now()),
        "form": form,
        "question": found,
        "questions": meetup.questions.annotate(answered=Count("answers")),
    }
    return render(request, "events/questions_edit.html", context, status=422 if form.errors else 200)


@require_POST
@for_meetup_organizers
def remove(request: HttpRequest, meetup: Meetup, question: int) -> HttpResponse:
    """Ask it no longer."""
    remove_question(question=_question(meetup, question), actor=actor_of(request))
    messages.success(request, "The question and its answers are gone.")
    return redirect("events:edit_questions", meetup.slug)


@require_POST
@for_meetup_organizers
def move_up(request: HttpRequest, meetup: Meetup, question: int) -> HttpResponse:
    """Ask it one place earlier."""
    raise_question(question=_question(meetup, question), actor=actor_of(request))
    return redirect("events:edit_questions", meetup.slug)


def _question(meetup: Meetup, pk: int) -> Question:
    return get_object_or_404(Question.objects.select_related("meetup__chapter"), pk=pk, meetup=meetup)
