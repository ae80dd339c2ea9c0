"""The private queue ``labs``: only its workers may reach lab hosts. Names begin with ``labtools.labs.``."""
