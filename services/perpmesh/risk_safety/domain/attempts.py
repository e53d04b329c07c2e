"""Who tried to do what to the safety core, and what came of it. Never a secret in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DONE = "DONE"
# The calls that act, and what of a request is worth remembering. Tokens are not named here, so they are not kept.
ASKED: Mapping[str, tuple[str, ...]] = {
    "Trip": ("reason", "mode"),
    "Reset": ("reason", "stage"),
    "PauseEntries": ("reason",),
    "ResumeEntries": ("reason",),
    "UpdatePolicy": ("key", "value", "reason", "expected_revision"),
    "ApplyProfile": ("name", "reason", "expected_revision"),
    "RollBackPolicies": ("to_revision", "reason", "expected_revision"),
    "Heartbeat": (),
}
ANSWERED: Mapping[str, tuple[str, ...]] = {
    "Reset": ("operator", "approver"),
    "UpdatePolicy": ("revision",),
    "ApplyProfile": ("revision",),
    "RollBackPolicies": ("revision",),
}
TEXT_MAX = 500
# A JSON Web Token that somebody pasted into a field of words, or that a library quotes in its complaint.
TOKEN = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call that acts, or would have."""

    at_ms: int
    action: str
    actor: str
    role: str
    asked: Mapping[str, str] = field(default_factory=dict)
    outcome: str = DONE
    message: str = ""
    sequence: int = 0  # given by the store


def harmless(words: str) -> str:
    """Return the words without tokens, and not endlessly many."""
    return TOKEN.sub("(token)", words)[:TEXT_MAX]
