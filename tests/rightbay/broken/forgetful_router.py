"""A router that breaks the second promise: it forgets, at each claim, what it decided before.

Its ids are new each time and its decision takes two transactions, so that a kill in between, or
merely a second look, makes a second case. Started in the place of the router by the chaos test,
which must notice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from rightbay import roles
from rightbay.settings import load_settings
from routing import plan
from routing.ports import Claim, Decided, Refer, Verdict
from storage.cases import PostgresCaseStore
from storage.pool import transaction

BETWEEN_S = 0.1
END_WORK = """
delete from work
using unnest($1::uuid[], $2::bigint[]) as given (vehicle_id, revision)
where
    work.vehicle_id = given.vehicle_id
    and work.revision = given.revision
    and work.lease_token is null
"""

_claim, _complete = PostgresCaseStore.claim, PostgresCaseStore.complete


async def claim_and_forget(
    self: PostgresCaseStore, *, limit: int, lease_s: float
) -> Sequence[Claim]:
    claims = await _claim(self, limit=limit, lease_s=lease_s)
    return [replace(claim, case=None) for claim in claims]


async def complete_in_two_steps(
    self: PostgresCaseStore, decided: Sequence[Decided]
) -> frozenset[UUID]:
    """Write the cases and leave their work; end it later, if nobody took it up meanwhile."""
    done = await _complete(self, [(claim, looked_at_again(verdict)) for claim, verdict in decided])
    await asyncio.sleep(BETWEEN_S)
    cases = [claim for claim, verdict in decided if isinstance(verdict, Refer)]
    async with transaction(self._pool) as connection:
        await connection.execute(
            END_WORK, [case.vehicle_id for case in cases], [case.revision for case in cases]
        )
    return done


def looked_at_again(verdict: Verdict) -> Verdict:
    """Let whoever looks next look here first, however much else there is to do."""
    if isinstance(verdict, Refer):
        return replace(verdict, again_at=verdict.at - timedelta(hours=1))
    return verdict


def any_id(_: UUID) -> UUID:
    return uuid4()


if __name__ == "__main__":
    PostgresCaseStore.claim = claim_and_forget  # type: ignore[method-assign] # that is the point
    PostgresCaseStore.complete = complete_in_two_steps  # type: ignore[method-assign] # likewise
    setattr(plan, "case_id_of", any_id)  # noqa: B010 - a name it only imported
    asyncio.run(roles.run("router", load_settings(), stop=asyncio.Event()))
