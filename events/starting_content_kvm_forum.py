"""KVM Forum 2013 in Edinburgh, as a member's trip report tells of it: facts of the report, in words of our own.

Every session that the report names is here, also those named only in passing, and no other. Which names were
corrected or completed, and why: ``docs/decisions/0063-kvm-forum-2013.md``.
"""

from dataclasses import dataclass, field

from events.models import Resource, Session

Kind = Session.Kind

SLUG = "kvm-forum-2013"
NAME = "KVM Forum 2013"
CITY, COUNTRY, TIME_ZONE, YEAR = "Edinburgh", "United Kingdom", "Europe/London", 2013
DESCRIPTION = (
    "Three days on KVM, QEMU, libvirt and oVirt. Up to three sessions ran side by side, in as many rooms; what is "
    "listed here are the sessions that a member of the community wrote about, in the order of that report. "
    "Neither the hours nor the rooms are recorded.\n\n"
    "The third day belonged almost wholly to oVirt."
)
DAYS = ("", "", "Mostly oVirt")


@dataclass(frozen=True)
class By:
    """Who gave a talk; the affiliation is empty where the report names none."""

    name: str
    affiliation: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of slides or a recording. No address of any is known."""

    kind: str
    condition: str = Resource.Condition.GOOD
    note: str = ""


@dataclass(frozen=True)
class Told:
    """One session: ``experience`` is what the trip report has to say of it, empty where it adds nothing."""

    day: int
    title: str
    speakers: tuple[By, ...]
    topic: str
    abstract: str
    kind: str = Kind.TALK
    known: tuple[Known, ...] = ()
    experience: str = field(default="")


RECORDED = (Known(Resource.Kind.VIDEO),)
NO_SOUND = (Known(Resource.Kind.VIDEO, Resource.Condition.DAMAGED, "The sound is broken."),)
NO_RECORDING = (Known(Resource.Kind.VIDEO, Resource.Condition.MISSING),)
SLIDES = (Known(Resource.Kind.SLIDES),)

SESSIONS = (
    # ------------------------------------------------------------------------------------------- day 1
    Told(
        1,
        "Opening keynote",
        (By("Gleb Natapov", "Red Hat"),),
        "KVM",
        "The first talk of the forum, by one of the people who maintain KVM.",
        kind=Kind.KEYNOTE,
        known=RECORDED,
    ),
    Told(
        1,
        "Modern QEMU Device Emulation",
        (By("Andreas Färber", "SUSE"),),
        "device model",
        "How a device should be written for QEMU today, and which of the existing ones make a good pattern. An old "
        "device of the tree, untouched by qdev, is turned into a proper QOM object step by step; then the tools "
        "around QOM look into it and steer it.",
        experience="A live conversion of one device. After it, defining an object of the QEMU Object Model no "
        "longer looks hard.",
    ),
    Told(
        1,
        "Virgil3D – Virtio Based 3D Capable GPU",
        (By("Dave Airlie", "Red Hat"),),
        "graphics",
        "A virtual GPU that gives guests OpenGL, and in time Direct3D. The guest sends commands modelled on "
        "Gallium3D, the inner interface of Mesa; the host draws them with its own OpenGL.",
        known=NO_SOUND,
        experience="It ended with a game running inside a guest.",
    ),
    Told(
        1,
        "VGA Assignment Using VFIO",
        (By("Alex Williamson", "Red Hat"),),
        "device assignment",
        "Handing a whole graphics card to a guest, for games or for a workstation. What VFIO and QEMU had to "
        "learn for it, in which ways VGA is unlike any other PCI device, and how far the work has come.",
        known=NO_RECORDING,
    ),
    Told(
        1,
        "Platform Device Passthrough Using VFIO",
        (By("Stuart Yoder", "Freescale Semiconductor"),),
        "device assignment",
        "Systems on a chip have devices that sit on no PCI bus. Starting from the driver model of Linux, this talk "
        "shows which parts of VFIO carry over to such platform devices, which problems remain, and what would have "
        "to change in the kernel, binding through sysfs included.",
        known=NO_SOUND,
    ),
    Told(
        1,
        "The x86 firmware maze",
        (By("Gerd Hoffmann"),),
        "firmware",
        "A map of what runs before the guest’s own system: SeaBIOS, coreboot, TianoCore with UEFI and its "
        "compatibility module (CSM), and iPXE. How they call one another, in which order SeaBIOS starts, and by "
        "what means, ACPI and fw_cfg among them, QEMU tells them about the hardware.",
    ),
    Told(
        1,
        "Nested Virtualization",
        (By("Orit Wasserman"),),
        "nested virtualization",
        "What it means to run a hypervisor inside a guest: the host at level 0, its guest at level 1, and the "
        "guest’s guest at level 2.",
    ),
    Told(
        1,
        "Nested EPT to Make Nested VMX Faster",
        (By("Gleb Natapov", "Red Hat"),),
        "nested virtualization",
        "Shadow page tables are what slows a guest of a guest down most. Offering Extended Page Tables to the inner "
        "hypervisor lets the processor walk both levels itself, and makes nested guests on Intel bearable.",
        known=SLIDES,
    ),
    Told(
        1,
        "Running Windows 8 on top of Android with KVM",
        (By("Zhi Wang", "Intel"),),
        "mobile",
        "KVM on an x86 tablet under Android, with a Windows 8 guest that uses virtio drivers. The kernel was the "
        "easy part; QEMU met another C library, another graphics system and a scheduler that suspends whatever is "
        "not in front. Sensors and Connected Standby come next.",
        experience="A Windows desktop on an Android tablet, and it was quick.",
    ),
    Told(
        1,
        "OSv: Best Cloud Operating System",
        (By("Avi Kivity"), By("Glauber Costa")),
        "guest systems",
        "What OSv is, a system made to run one application in one guest, and why somebody would write it.",
        known=RECORDED,
        experience="Much of it was known to whoever had read about OSv before. Worth the time for one remark alone: "
        "that C++ is programmed in two ways. The recording has the rest.",
    ),
    # ------------------------------------------------------------------------------------------- day 2
    Told(
        2,
        "QEMU weather report",
        (By("Anthony Liguori"),),
        "QEMU",
        "The state of the project: the features and fixes that mattered, what was released, the Summer of Code, and "
        "a community that keeps growing.",
    ),
    Told(
        2,
        "Effective Multi-Threading in QEMU",
        (By("Paolo Bonzini", "Red Hat"),),
        "QEMU",
        "From the one big lock to several threads. How QEMU was built and is built now, what the data plane of "
        "virtio-blk does on its own, and how access to memory and MMIO can do without the lock.",
    ),
    Told(
        2,
        "Block Layer Status Report",
        (By("Stefan Hajnoczi", "Red Hat"), By("Kevin Wolf", "Red Hat")),
        "block layer",
        "A year of QEMU’s block layer: speed, protection against corruption, copy-on-write, journals, "
        "deduplication, options of single drivers, the data plane. Then the plans: image fleecing, snapshots of a "
        "point in time, incremental backup, keeping images in step.",
        experience="The tool for everyday use that came out of it is a new subcommand, qemu-img map.",
    ),
    Told(
        2,
        "An Introduction to OpenStack and its use of KVM Virtualization",
        (By("Daniel Berrangé", "Red Hat"),),
        "cloud",
        "A tour of the parts of OpenStack that stops longest at Nova: what it asks of KVM, where block storage and "
        "networks are joined to a guest, and what later releases have in store.",
    ),
    Told(
        2,
        "New Developments and Advanced Features in the Libvirt Management API",
        (By("Daniel Berrangé", "Red Hat"),),
        "libvirt",
        "How libvirt keeps two guests from writing to one disk (sanlock, virtlockd), who may do what through its "
        "API, what sVirt and SELinux add, and how cgroups divide processor, memory and disk among guests.",
    ),
    Told(
        2,
        "Empowering Data Center Virtualization Using KVM",
        (By("Livnat Peer", "Red Hat"),),
        "oVirt",
        "oVirt as the thing that runs a data centre of KVM hosts for many tenants: high availability, moving guests "
        "and their disks while they run, storage, networks, scheduling. And what it builds on: libvirt, SPICE, "
        "oVirt Node, Glance and Neutron.",
    ),
    Told(
        2,
        "One Year Later: And There are Still Things to Improve in Migration!",
        (By("Juan Quintela"),),
        "migration",
        "Where live migration still loses time when a guest has very much memory or very many processors, what was "
        "done about it in a year, and how RDMA came into it.",
    ),
    Told(
        2,
        "A static checker for migration compatibility",
        (By("Amit Shah"),),
        "migration",
        "Migration fails when two versions of QEMU describe a device differently. The idea: compare their "
        "descriptions beforehand, without running a guest.",
        experience="At this time a thought and no tool yet.",
    ),
    Told(
        2,
        "Debugging Live Migration",
        (By("Alexander Graf", "SUSE"),),
        "migration",
        "What to do when a guest does not arrive as it left, found out while it moves.",
        known=SLIDES,
        experience="One of the best of the forum, for what it said, how it was given, and its slides.",
    ),
    Told(
        2,
        "Automatic memory ballooning",
        (By("Luiz Capitulino"),),
        "memory",
        "A host that runs short of memory starts to swap, and its guests suffer. Here a guest gives memory back by "
        "itself when the host is in need, and takes it again when it is in need itself. How this is done, what "
        "makes it hard, and first results.",
    ),
    # ------------------------------------------------------------------------------------------- day 3
    Told(
        3,
        "OVA update",
        (),
        "community",
        "News of the OVA, which opened the day. The report names no speaker.",
    ),
    Told(
        3,
        "oVirt: state of the project",
        (By("Itamar Heim"),),
        "oVirt",
        "oVirt 3.3 had just come out and works with Foreman, Gluster, Glance and Neutron. What is in it, and where "
        "the project wants to go.",
        known=SLIDES,
    ),
    Told(
        3,
        "oVirt’s self-hosted engine",
        (By("Doron Fediuck"),),
        "oVirt",
        "A chicken and egg question: the engine that manages the guests becomes a guest of the hosts that it manages.",
    ),
    Told(
        3,
        "oVirt for PowerPC",
        (By("Leonardo Bianconi", "Instituto de Pesquisas Eldorado"),),
        "oVirt",
        "oVirt takes in many places for granted that a host is x86. What has to be taught to it, and to libvirt, "
        "QEMU and KVM below it, so that POWER hosts fit in.",
    ),
    Told(
        3,
        "Reducing the overhead of context switches",
        (By("Rik van Riel"),),
        "scheduling",
        "What a switch between two tasks costs, and ways to make it cost less.",
    ),
    Told(
        3,
        "The Future Integration Points for oVirt Storage and Storage Consumption",
        (By("Sean Cohen"), By("Ayal Baron")),
        "oVirt",
        "Storage in oVirt 3.3, what 3.4 is to bring, and the direction after it.",
        kind=Kind.DISCUSSION,
        experience="More a conversation with the room than a talk.",
    ),
    Told(
        3,
        "Using oVirt and Spice for VDI",
        (By("Frantisek Kobzik"),),
        "desktop",
        "Desktops for many people out of oVirt: what SPICE does for them, and which other display protocols oVirt "
        "knows.",
    ),
)

REPORT_SLUG = "kvm-forum-2013-edinburgh"
REPORT_TITLE = "A week in Edinburgh: KVM Forum 2013"
REPORT_AUTHOR = "A member of the community"
REPORT_INTRODUCTION = (
    "Being sent there at all was luck, and the week was worth it: the people behind the names of mailing lists and "
    "bug reports, friends of years of work among them, in one place.\n\n"
    "With three rooms at once nobody hears everything; two or three sessions a day were missed, and what is not "
    "below was not seen.\n\n"
    "The evenings counted too: a dinner near Haymarket, the forum’s party on the second day, and on the third a "
    "reception in the National Museum of Scotland together with the people of LinuxCon. Several of the talks that "
    "stay in mind happened there, and on the walk back to the hotel."
)
