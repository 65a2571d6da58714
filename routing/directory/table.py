"""How the sites of a directory stand to one question, found out as far as somebody asks.

The rules that need no clock are applied once for each site and day of arrival, by
`routing.matching.eligible.judge`, and the answer is kept for every later case with the same
question. A site whose people come and go is judged for each arrival anew.
"""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from routing.competence.held import STRENGTH, Lapse, find_lapses
from routing.directory.opening import DAY_S
from routing.directory.snapshot import Directory, Ground
from routing.matching.eligible import (
    Failure,
    Question,
    Standing,
    is_bound_to_hours,
    judge,
    may_pass,
    skills_short,
)
from routing.matching.policy import DEADLINE_H_MAX, THOUSAND, WISHES, Policy
from routing.matching.principal import Agreement

# Questions remembered, and whole answers for each (whether a site is able is never forgotten). When
# there are more, the oldest question goes, and the answers to one are found out anew.
_TABLES_MAX = 32
_AGREEMENTS_MAX = 32  # of one question
_DAYS = DEADLINE_H_MAX // 24 + 2  # of arrival, from the day of the decision
_ANSWERS_MAX = 120_000

# What the array of answers holds beside the levels of evidence that come after _ABLE.
_UNASKED, _BY_HOUR, _UNABLE, _ABLE = range(4)
UNABLE_LEVEL = _UNABLE - _ABLE


class Table:
    """Answers to one question, on the day of the decision and those after it.

    Attributes:
        ground: The sites whose people may hold the skills on one of the days, and that nothing they
            state rules out.
        is_skilled: Whether there is any such site, ruled out by other things or not.
        policy_digest: Of the policy whose assumptions were made.
    """

    def __init__(
        self, directory: Directory, question: Question, policy: Policy, first_day: date
    ) -> None:
        """Prepare to ask: find the sites that are worth being asked.

        This looks at what sites state and at the skills of their people, and applies no rule.
        """
        able = directory.able(
            question.skills, first_day=first_day, last_day=first_day + timedelta(days=_DAYS - 1)
        )
        self.is_skilled = len(able) > 0
        sites = directory.sites
        self.ground: Ground = directory.ground(
            np.array(
                [row for row in able.tolist() if may_pass(sites[row], question)], dtype=np.intp
            )
        )
        self.policy_digest = policy.digest
        self._directory, self._question, self._policy = directory, question, policy
        self._start = datetime.combine(first_day, time(), UTC)
        self._codes = np.zeros((_DAYS, len(directory.sites)), dtype=np.int8)
        self._standings: dict[tuple[int, int], Standing] = {}
        self._same: dict[Standing, Standing] = {}
        self._lapses: dict[tuple[int, int], tuple[Lapse, ...]] = {}
        self._grounds: dict[Agreement, Ground] = {}
        self._wishes: dict[Agreement, NDArray[np.int64]] = {}

    def ground_for(self, agreement: Agreement | None) -> Ground:
        """Those sites of the ground that what was agreed to leaves in, wherever the vehicle is."""
        if agreement is None:
            return self.ground
        ground = self._grounds.get(agreement)
        if ground is None:
            sites = self._directory.sites
            kept = [
                row for row in self.ground.rows.tolist() if agreement.failure(sites[row]) is None
            ]
            if len(self._grounds) >= _AGREEMENTS_MAX:
                self._grounds.clear()
            ground = self._directory.ground(np.array(kept, dtype=np.intp))
            self._grounds[agreement] = ground
        return ground

    def wishes_for(self, agreement: Agreement) -> NDArray[np.int64]:
        """What sites get of a principal's own terms, in thousandths of a point, by row."""
        wishes = self._wishes.get(agreement)
        if wishes is None:
            sites = self._directory.sites
            wishes = np.zeros(len(sites), dtype=np.int64)
            terms = [term for term in self._policy.terms if term.name in WISHES]
            for row in self.ground_for(agreement).rows.tolist():
                measured = agreement.measure(sites[row])
                points = sum(term.rate(measured[term.name]).points for term in terms)
                wishes[row] = round(points * THOUSAND)
            if len(self._wishes) >= _AGREEMENTS_MAX:
                self._wishes.clear()
            self._wishes[agreement] = wishes
        return wishes

    def levels(
        self, rows: NDArray[np.intp], days: NDArray[np.int64], arrives_s: NDArray[np.float64]
    ) -> NDArray[np.int8]:
        """How strong the evidence of these sites is, `UNABLE_LEVEL` where they break a rule.

        Args:
            rows: Places in the directory; at least one.
            days: Of arrival, from the day of the decision, in the same shape.
            arrives_s: Seconds from the beginning of that day, likewise.
        """
        is_late = days.max() >= _DAYS
        places = np.minimum(days, _DAYS - 1) if is_late else days
        places = places * self._codes.shape[1]
        places += rows
        codes = self._codes.take(places)
        if not codes.all():
            unasked = codes == _UNASKED
            for place in {*places[unasked].tolist()}:
                day, row = divmod(place, self._codes.shape[1])
                self._ask(row, day)
            codes = self._codes.take(places)
        if is_late or codes.min() == _BY_HOUR:
            by_hour = (codes == _BY_HOUR) | (days >= _DAYS)
            for place in zip(*np.nonzero(by_hour), strict=True):
                standing = self.standing(
                    int(rows[place]), int(days[place]), float(arrives_s[place])
                )
                codes[place] = _code(standing)
        return codes - _ABLE

    def standing(self, row: int, day: int, arrives_s: float) -> Standing:
        """How one site stands to the question at one arrival; arguments as for `levels`."""
        known = self._standings.get((row, day))
        if known is not None:
            return known
        if day < _DAYS and self._codes[day, row] != _BY_HOUR:
            known = self._ask(row, day)
        return self._judge(row, day, arrives_s) if known is None else known

    def lapses(self, row: int, day: int, failure: Failure) -> tuple[Lapse, ...]:
        """Titles that would have kept this failure away but for a date, a border or the like."""
        known = self._lapses.get((row, day))
        if known is None:
            site = self._directory.sites[row]
            known = find_lapses(
                site,
                skills_short(site, self._question, failure, self._policy),
                day=self._start.date() + timedelta(days=day),
                catalogue=self._directory.catalogue,
            )
            if (row, day) in self._standings:
                self._lapses[row, day] = known
        return known

    def _ask(self, row: int, day: int) -> Standing | None:
        """Find out and remember how a site stands on a day; None if the day does not settle it."""
        if is_bound_to_hours(self._directory.sites[row]):
            self._codes[day, row] = _BY_HOUR
            return None
        if len(self._standings) >= _ANSWERS_MAX:
            self._standings.clear()
            self._lapses.clear()
        standing = self._judge(row, day, day * float(DAY_S))
        # Most fail for one of a few reasons; they share one value.
        if standing.failure is not None:
            standing = self._same.setdefault(standing, standing)
        self._standings[row, day] = standing
        self._codes[day, row] = _code(standing)
        return standing

    def _judge(self, row: int, day: int, arrives_s: float) -> Standing:
        return judge(
            self._directory.sites[row],
            self._question,
            self._policy,
            self._directory.catalogue,
            day=self._start.date() + timedelta(days=day),
            at=self._start + timedelta(seconds=arrives_s),
        )


def table_for(directory: Directory, question: Question, policy: Policy, *, day: date) -> Table:
    """The directory's table for a question, kept for the next one who asks it on that day."""
    key = (question, id(policy), day)  # the table holds the policy, so nobody else gets its id
    table = directory.tables.get(key)
    if table is None:
        table = directory.tables[key] = Table(directory, question, policy, day)
        if len(directory.tables) > _TABLES_MAX:
            directory.tables.popitem(last=False)
    else:
        directory.tables.move_to_end(key)
    return table


def _code(standing: Standing) -> int:
    return _UNABLE if standing.failure is not None else _ABLE + STRENGTH[standing.weakest]
