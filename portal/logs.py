"""Logs that can be followed: every line carries the id of the request that caused it, in tasks too."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class PeriodicTaskFilter(logging.Filter):
    """Drops what Celery says of the tasks that beat sends every few seconds, unless something is wrong."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = frozenset(names)

    def filter(self, record: logging.LogRecord) -> bool:
        data = getattr(record, "data", None) or record.args
        name = data.get("name") if isinstance(data, dict) else None
        return record.levelno >= logging.WARNING or name not in self.names


class RouteFilter(logging.Filter):
    """Replaces a request's path by its route in what Django says of it ("Not Found: /calendar/<slug:token>.ics").

    Secrets stand in paths: of calendars, one-click links, unlisted reports.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        path = getattr(request, "path", None)
        if match and path and isinstance(record.args, tuple):
            route = f"/{match.route}"
            record.args = tuple(route if argument == path else argument for argument in record.args)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC, ISO 8601), level, logger, request_id, message, traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
