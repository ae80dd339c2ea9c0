"""gunicorn's settings, for ``bin/run``, tests and production: ``gunicorn -c python:portal.gunicorn_conf``."""

from django.conf import settings

wsgi_app = "portal.wsgi:application"
bind = f"{settings.HOST}:{settings.PORT}"
# Threads, because an upload occupies its request for as long as it lasts: with sync workers two slow uploads
# would be the whole server, and the 30 second limit would cut each of them.
# Ours gives a request its thread when it is whole, so that slow senders cannot hold all of them.
worker_class = "portal.web_worker.PatientWorker"
workers = 2
threads = 16
# Connections, not requests; below the 1024 files that a process may have open by default.
worker_connections = 800
# Our socket bounds what it sends; sendfile(2) would go past it.
sendfile = False
timeout = 120
graceful_timeout = 5
keepalive = 5
# A worker is replaced now and then, at different moments, so that no leak lives long.
max_requests = 20_000
max_requests_jitter = 2_000
# SIGTERM comes from the supervisor; the heartbeat file must not be on a slow disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# It would lie outside the checkout, at an address that two checkouts share.
control_socket_disable = True
loglevel = "warning"
# Otherwise a header named SCRIPT_NAME, believed from loopback, says where the portal lies: a proxy passes it on.
forwarder_headers = ""
