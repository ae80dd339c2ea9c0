"""A small tus 1.0.0 client over Django's test client, for tests that look at single requests."""

import base64
from typing import Any

from django.test import Client

COLLECTION = "/api/v1/uploads/"


def metadata(**values: str) -> str:
    """Upload-Metadata for ``values``."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def send(client: Client, method: str, url: str, body: bytes = b"", /, **headers: str) -> Any:
    """One request with Tus-Resumable; ``Upload_Length="5"`` becomes ``Upload-Length: 5``; an empty one is left out."""
    named = {"Tus-Resumable": "1.0.0"} | {name.replace("_", "-"): value for name, value in headers.items()}
    content_type = named.pop("Content-Type", "application/offset+octet-stream" if body else "")
    extra: dict[str, Any] = (
        {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))} if content_type else {}
    )
    present = {name: value for name, value in named.items() if value}
    return client.generic(method, url, body, content_type=content_type, headers=present, **extra)


def create(client: Client, length: int, **headers: str) -> str:
    """A new upload of ``length`` bytes; returns its address."""
    response = send(client, "POST", COLLECTION, Upload_Length=str(length), **headers)
    assert response.status_code == 201, response.content
    location: str = response["Location"]
    return location


def patch(client: Client, url: str, offset: int, body: bytes, **headers: str) -> Any:
    """Send ``body`` at ``offset``."""
    named = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"} | headers
    return send(client, "PATCH", url, body, **named)
