"""How much a host's document may hold: a generous multiple of what was measured, so that a liar's pages stay small.

Measured are Debian's QEMU 5.2 to 11.1 for five targets (the references). The maxima found there stand beside each
limit. Whoever meets a real QEMU beyond one of them raises it here.
"""

from typing import Final

#: Bytes of the whole document (2 MB for five targets; Debian has 31), and how many JSON values it may hold (200,000),
#: for a value costs far more than its bytes.
MAX_BYTES: Final = 16 << 20
MAX_VALUES: Final = 1_500_000

# ------------------------------------------------------------------------------------------- characters
#: Of what uname and ``query-version`` say (31).
MAX_VERSION: Final = 200
#: Of the name of a device type, property, type, machine type, CPU model, feature, group or bus (38).
MAX_NAME: Final = 100
#: Of the description of a device type (62), and of a property (366).
MAX_DEVICE_DESCRIPTION: Final = 300
MAX_DESCRIPTION: Final = 800
#: Of a default as JSON (20).
MAX_DEFAULT: Final = 400
#: Of QEMU's last words, a path, or a sentence of labprobe, which cuts them at 2048 bytes.
MAX_SENTENCE: Final = 2_500

# ---------------------------------------------------------------------------------------------- counts
#: Binaries of a host.
MAX_ENTRIES: Final = 40
#: Distinct property lists (801 for five targets), properties in one (641), and its bytes as JSON (36,388).
MAX_LISTS: Final = 10_000
MAX_PROPERTIES: Final = 1_500
MAX_LIST_BYTES: Final = 250_000
#: Of one binary: device types (952), their groups (11) and buses (21), machine types (115), objects (47).
MAX_DEVICES: Final = 4_000
MAX_GROUPS: Final = 20
MAX_BUSES: Final = 100
MAX_MACHINES: Final = 600
MAX_OBJECTS: Final = 250
#: Properties of all device types of one binary, each counted where it is (106,665; without CPU types 15,473):
#: lists are shared, so this many may come out of a small document.
MAX_ALL_PROPERTIES: Final = 500_000
MAX_DEVICE_PROPERTIES: Final = 80_000
#: CPU models under one accelerator (439), features that one of them lacks (166), and that all of them lack (3,620).
MAX_CPUS: Final = 2_000
MAX_MISSING: Final = 800
MAX_ALL_MISSING: Final = 20_000
#: Sentences about what labprobe could not do.
MAX_PROBLEMS: Final = 100
