"""The metadata of an image without its data: planned, packed, unpacked, and repaired on trial.

A check of a qcow2 image reads its metadata alone, a few MiB of many GiB. So the metadata can be sent where the image
cannot or must not go: :func:`.plan.plan_skeleton` says which bytes those are and which of them may be a guest's data
after all, :mod:`.container` packs them as a sparse file that plain ``tar xzf`` unpacks, :mod:`.preview` lets
``qemu-img check -r all`` loose on copies of them, and :mod:`.patch` brings its changes to the image, with a way back.
"""
