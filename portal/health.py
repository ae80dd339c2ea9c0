"""``/healthz`` and ``/readyz``: for load balancers and for people who wonder why nothing happens."""

from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import pulse


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


def database_answers() -> bool:
    """Whether the database answers the simplest question."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def broker_answers() -> bool:
    """Whether Redis answers a PING within a second."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def readiness() -> dict[str, bool]:
    """Database, broker and a worker of every queue (``worker:NAME``), and whether each answers."""
    checks = {"database": database_answers(), "broker": broker_answers()}
    for queue in settings.WORKER_QUEUES:
        checks[f"worker:{queue}"] = checks["broker"] and pulse.is_alive(queue)
    return checks


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and a worker of every queue answer; 503 and what is missing otherwise."""
    checks = readiness()
    ready = all(checks.values())
    response = JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, not an error of ours
    return response


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the portal in a visitor's words: what it does, and what its absence means."""

    name: str
    does: str
    without: str


PARTS = {
    "database": Part("Database", "Keeps accounts, reports, meetups and articles.", "Most pages do not open."),
    "broker": Part(
        "Broker",
        "Hands work to the workers.",
        "Images are accepted and checked later; mail waits and is sent later.",
    ),
    "worker:mail": Part("Mail", "Sends confirmations and notices.", "Mail waits and is sent later."),
    "worker:images": Part(
        "Image checks",
        "Reads disk images and writes their reports.",
        "Images are accepted and wait for their check.",
    ),
    "worker:labs": Part(
        "Lab hosts",
        "Asks the lab's hosts what their QEMU and libvirt can do.",
        "The lab's pages go on with what is known, and say from when that is.",
    ),
}


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """What ``/readyz`` says, for people; 200 also when a part is missing, for the page itself has come."""
    parts = [(PARTS[name], is_up) for name, is_up in readiness().items()]
    missing = [part for part, is_up in parts if not is_up]
    return render(request, "status.html", {"parts": parts, "missing": missing})
