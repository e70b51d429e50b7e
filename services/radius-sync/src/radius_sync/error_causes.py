"""Error-Cause (RFC 5176 section 3.5): what each value means for us, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """What the disconnect job does next."""

    GONE = "gone"  # nothing to cut: verify against accounting, then done
    RESIDUAL_REMOVED = "residual_removed"  # success
    OURS = "ours"  # our settings are wrong: sending it again cannot help
    RETRY = "retry"  # the network's own trouble: again, later
    PROHIBITED = "prohibited"  # the NAS will not: an operator must look
    SPLIT = "split"  # more than one session matches: one request per session
    INITIATED = "initiated"  # the NAS asked its server first: verify against accounting
    UNEXPLAINED = "unexplained"  # no Error-Cause, or one nobody defined: again, slowly


@dataclass(frozen=True, slots=True)
class ErrorCause:
    """One row of the table; `advice` is a sentence for an operator."""

    value: int
    name: str
    meaning: ErrorClass
    advice: str


_TABLE = (
    (201, "Residual Session Context Removed", ErrorClass.RESIDUAL_REMOVED,
     "The session had ended and the NAS cleaned up its rest: nothing to do."),
    (202, "Invalid EAP Packet", ErrorClass.OURS,
     "The NAS takes the request for EAP, which we never send: check its software version."),
    (401, "Unsupported Attribute", ErrorClass.OURS,
     "The NAS does not know an attribute of the request: choose its right vendor in the NAS form."),
    (402, "Missing Attribute", ErrorClass.OURS,
     "The NAS wants more to identify the session: choose its right vendor in the NAS form."),
    (403, "NAS Identification Mismatch", ErrorClass.OURS,
     "The NAS does not recognise itself: its address in accounting is not the one it sees, look "
     "for NAT or a wrong source interface."),
    (404, "Invalid Request", ErrorClass.OURS,
     "The NAS calls the request malformed: compare it with the vendor's manual."),
    (405, "Unsupported Service", ErrorClass.OURS,
     "The NAS does not offer this change: set its strategy to disconnect_only."),
    (406, "Unsupported Extension", ErrorClass.OURS,
     "The NAS does not take such requests: switch on its dynamic authorization service."),
    (407, "Invalid Attribute Value", ErrorClass.OURS,
     "The NAS refuses a value, often a policy or list it does not have: create it on the NAS."),
    (501, "Administratively Prohibited", ErrorClass.PROHIBITED,
     "The NAS is set to refuse: allow this server in its dynamic authorization settings."),
    (502, "Proxy Request Not Routable", ErrorClass.RETRY,
     "A proxy knows no way to the NAS: send to the NAS itself, or fix the proxy's realm."),
    (503, "Session Context Not Found", ErrorClass.GONE,
     "The NAS has no such session: usually it has ended already."),
    (504, "Session Context Not Removable", ErrorClass.PROHIBITED,
     "The NAS knows the session and cannot end it: look at the NAS."),
    (505, "Other Proxy Processing Error", ErrorClass.RETRY,
     "A proxy on the way failed: it is tried again."),
    (506, "Resources Unavailable", ErrorClass.RETRY,
     "The NAS is overloaded: it is tried again; lower its requests in flight if it stays."),
    (507, "Request Initiated", ErrorClass.INITIATED,
     "The NAS has begun to ask its RADIUS server: the session is checked again shortly."),
    (508, "Multiple Session Selection Unsupported", ErrorClass.SPLIT,
     "Several sessions match and the NAS takes one at a time: each is sent by itself."),
)  # fmt: skip

ERROR_CAUSES = {row[0]: ErrorCause(*row) for row in _TABLE}


def classify(value: int | None) -> ErrorCause:
    """The row of an Error-Cause; of one that is absent or not defined, an UNEXPLAINED one."""
    if value in ERROR_CAUSES:
        return ERROR_CAUSES[value]
    return ErrorCause(
        value or 0,
        "Unexplained",
        ErrorClass.UNEXPLAINED,
        "The NAS refused without a reason that is defined: look at its log.",
    )
