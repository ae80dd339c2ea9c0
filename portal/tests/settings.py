"""The portal's settings for tests: the same ones, with a ``var`` folder of their own for every test process.

Nothing that a test writes lands in the checkout, and two runs at once do not meet.
"""

import atexit
import os
import shutil
import tempfile

_var = tempfile.mkdtemp(prefix="portal-test-")
atexit.register(shutil.rmtree, _var, ignore_errors=True)
os.environ["VAR_DIR"] = _var
os.environ["PORTAL_MODE"] = "embedded"
for name in ("REDIS_URL", "SECRET_KEY", "EMAIL_URL", "SITE_URL", "DEBUG", "UPLOAD_DIR"):
    os.environ.pop(name, None)
# The suite runs on SQLite unless it is told to run on PostgreSQL.
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_var}/portal.sqlite3"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop lives in the test process

from portal.settings import *  # noqa: E402, F403  (the environment had to be set first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # real ones are slow on purpose
