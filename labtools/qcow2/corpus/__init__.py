"""Damaged qcow2 images, made to order, built here from nothing and without QEMU.

A sound image of any kind comes from :mod:`.sound`, random damage from :mod:`.chance`; :mod:`.differential` holds our
answers against those of the installed ``qemu-img check``.
"""
