"""What a customer wants otherwise: rules of his own, each with who made it and when.

A rule changes what becomes of a fault, never what is known of it: wherever one speaks, its text,
its maker and what was there before it stand beside the result.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dtc_db.errors import MalformedRuleError
from dtc_db.makes import make_key
from dtc_db.patterns import parse_pattern
from dtc_db.urgency import Urgency

OWN_RULES_MAX = 10_000
TEXT_LENGTH_MAX = 300


class Effect(StrEnum):
    """What a customer's own rule does."""

    IGNORE = "ignore"
    RAISE = "raise"
    LOWER = "lower"
    RENAME = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """What a customer wants otherwise, and who said so when.

    Attributes:
        rule_id: Under which it is listed and undone; empty before it is kept.
        pattern: In the form of `dtc_db.patterns`.
        make: Of which makes; empty for all. In the form of `make_key`.
        fleet: Whose vehicles; empty for all.
        urgency: To which a rule raises or lowers.
        text: What a rule renames to.

    Raises:
        MalformedRuleError: On creation, if it says too little, too much or nothing.
    """

    effect: Effect
    pattern: str
    by: str
    at: datetime
    rule_id: str = ""
    make: str = ""
    fleet: str = ""
    urgency: Urgency | None = None
    text: str = ""
    because: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", parse_pattern(self.pattern).text)
        object.__setattr__(self, "make", make_key(self.make))
        if self.at.tzinfo is None:
            raise ValueError("expected a time with its zone")
        if not self.by.strip():
            raise MalformedRuleError("a rule needs the name of who made it")
        if (self.urgency is not None) != (self.effect in {Effect.RAISE, Effect.LOWER}):
            raise MalformedRuleError("raise and lower need an urgency, and nothing else takes one")
        if self.effect is Effect.LOWER and self.urgency is Urgency.UNKNOWN:
            raise MalformedRuleError("unknown is no urgency to lower to")
        if bool(self.text.strip()) != (self.effect is Effect.RENAME):
            raise MalformedRuleError("rename needs a text, and nothing else takes one")
        if max(map(len, (self.text, self.because, self.by))) > TEXT_LENGTH_MAX:
            raise MalformedRuleError(f"a text of a rule has at most {TEXT_LENGTH_MAX} characters")

    def __str__(self) -> str:
        to = f" to {self.urgency or self.text}" if self.urgency or self.text else ""
        of = f" of {self.make}" if self.make else ""
        return f"{self.effect} {self.pattern}{of}{to}, by {self.by} on {self.at:%Y-%m-%d}"


def rule_to_json(rule: OwnRule) -> dict[str, str]:
    """A rule as it stands in documents; all of it, so that nobody has to ask for more."""
    return {
        "id": rule.rule_id,
        "effect": rule.effect.value,
        "pattern": rule.pattern,
        "make": rule.make,
        "fleet": rule.fleet,
        "urgency": rule.urgency.value if rule.urgency else "",
        "text": rule.text,
        "because": rule.because,
        "by": rule.by,
        "at": rule.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def rules_digest(rules: Iterable[OwnRule]) -> str:
    """SHA-256 of the rules whatever their order, hexadecimal: the same if each says the same."""
    rows = sorted(json.dumps(rule_to_json(rule), sort_keys=True) for rule in rules)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
