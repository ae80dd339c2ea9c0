"""Damaged qcow2 images, made to order: ``python -m labtools.qcow2.corpus DIR [--seed N]``.

Everything is built here from nothing, without QEMU: sound images of any kind by :mod:`.sound`, damage of a known kind
by :mod:`.damage` and :mod:`.silent`; ``manifest.json`` says for each image what a checker should find in it.
Random damage comes from :mod:`.chance`, and :mod:`.differential` holds our answers against those of the installed
``qemu-img check``.
"""
