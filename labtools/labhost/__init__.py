"""What a lab host's QEMU and libvirt can do. Knows nothing of Django, Celery or the rooms."""
