"""NPIV and vHBAs: from what a host has and what a person wants to documents, commands and the way back.

Imports no Django. :func:`survey` reads an inventory, :func:`plan_for` makes the plan, :func:`run_trial` tries it on
libvirt's test driver. Facts are from libvirt's documents (formatnode, formatstorage, formatdomain), the kernel's
scsi_fc_transport and what libvirt 9.0 was seen to answer.
"""

from .cautions import Caution, Severity, destroy_cautions, hba_cautions
from .choice import (
    DEFAULTS,
    Bus,
    Choice,
    DeviceKind,
    Fault,
    Lifetime,
    LunBy,
    ParentBy,
    choice_fields,
    make_choice,
)
from .commands import Step, teardown_of
from .documents import Document
from .glossary import TERMS, Term, term
from .hbas import (
    MAX_PASTE,
    FibreSurvey,
    Hba,
    PasteError,
    Use,
    pack_hba,
    survey,
    survey_paste,
    survey_ports,
    unpack_hba,
)
from .history import OldNote
from .plan import Plan, make_plan, plan_for, plan_json
from .trial import DEADLINE as TRIAL_DEADLINE
from .trial import Trial, TrialError, TrialStep, run_trial, trial_from_json, trial_json
from .wwn import Wwn, WwnError, generate_wwn, parse_wwn

__all__ = [
    "DEFAULTS",
    "MAX_PASTE",
    "TERMS",
    "TRIAL_DEADLINE",
    "Bus",
    "Caution",
    "Choice",
    "DeviceKind",
    "Document",
    "Fault",
    "FibreSurvey",
    "Hba",
    "Lifetime",
    "LunBy",
    "OldNote",
    "ParentBy",
    "PasteError",
    "Plan",
    "Severity",
    "Step",
    "Term",
    "Trial",
    "TrialError",
    "TrialStep",
    "Use",
    "Wwn",
    "WwnError",
    "choice_fields",
    "destroy_cautions",
    "generate_wwn",
    "hba_cautions",
    "make_choice",
    "make_plan",
    "pack_hba",
    "parse_wwn",
    "plan_for",
    "plan_json",
    "run_trial",
    "survey",
    "survey_paste",
    "survey_ports",
    "teardown_of",
    "term",
    "trial_from_json",
    "trial_json",
    "unpack_hba",
]
