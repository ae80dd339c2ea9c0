"""Meetups of other systems, read from files: bounded, and without a row. ``services.imports`` makes meetups of them."""
