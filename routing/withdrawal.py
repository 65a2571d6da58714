"""A referral that is taken back: the last version of a case that closes over a fault that is on."""

from dataclasses import replace
from datetime import datetime

from routing.decision import Case, Decision, Reason
from routing.directory.snapshot import Directory
from routing.matching.match import arrival_for
from routing.matching.policy import Policy
from routing.matching.texts import load_texts

_WITHDRAWN = Reason("notices.withdrawn")


def withdrawn(
    case: Case, directory: Directory, policy: Policy, *, decided_at: datetime
) -> Decision:
    """The decision that nobody is recommended any longer, because a rule set the faults aside.

    The car hears of it as of any other version: a list that was right until then does not stay on
    its screen. Nobody is weighed for it.

    Args:
        case: Of the faults that were set aside, as `routing.cases.join` makes one of them.
        directory: As it is now.
        policy: Likewise.
        decided_at: Aware.
    """
    told = load_texts(case.lang).tell(_WITHDRAWN)
    return Decision(
        case=replace(case, driver_action=told, fleet_action=told),
        decided_at=decided_at,
        arrival=arrival_for(case),
        offers=(),
        excluded=(),
        notices=(_WITHDRAWN, Reason("notices.free_choice")),
        directory_version=directory.version,
        policy_version=policy.version,
        directory_digest=directory.digest,
        policy_digest=policy.digest,
    )
