"""Bring your own lab host: how to prepare one, and the file that runs there."""

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labtools.labhost import labprobe
from labtools.services import lab_keys
from labtools.views.access import is_staff, staff_only

#: Where the instructions put the file on a host.
PLACE = "/usr/local/lib/labprobe/labprobe.py"


@cache
def _program() -> bytes:
    return Path(labprobe.__file__).read_bytes()


@require_safe
def host_bring(request: HttpRequest) -> HttpResponse:
    """How to prepare a host, for everyone; with the portal's public keys for staff."""
    keys = []
    if is_staff(request):
        keys = [(name, key.line) for name in lab_keys.key_names() if (key := lab_keys.public_key(name))]
    context = {
        "tab": "hosts",
        "is_staff": is_staff(request),
        "keys": keys,
        "place": PLACE,
        "forced": f'restrict,command="{PLACE}"',
        "sha256": hashlib.sha256(_program()).hexdigest(),
        "size": len(_program()),
        "deadline": labprobe.DEADLINE + labprobe.ANSWER_LIMIT,
    }
    return render(request, "labtools/host_bring.html", context)


@require_safe
@staff_only
@never_cache
def program(request: HttpRequest) -> HttpResponse:
    """``labprobe.py`` as this portal has it, for staff to put on a host."""
    answer = HttpResponse(_program(), content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="labprobe.py"'
    answer["X-Content-SHA256"] = hashlib.sha256(_program()).hexdigest()
    return answer
