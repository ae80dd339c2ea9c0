"""The integrity check: what lies behind :func:`labtools.qcow2.check_image`.

It needs NumPy, so it is imported only when an image is checked.

Phases, each table read once in each however often it is referenced: :mod:`.opening` (would QEMU open the image?),
:mod:`.refcounts` (the stored refcounts), :mod:`.tables` (which L2 tables there are, and who leads to them),
:mod:`.mapping` (every L2 entry judged and counted in the :mod:`.census`), :mod:`.comparison` (stored against
counted), and, only where something is shared or damaged, :mod:`.owners` and :mod:`.location` once more through the
L2 tables for who and where. Where an atlas is asked for, :mod:`.survey` goes through them once more still.
"""
