"""A case in, a referral out: competence, directory, eligibility, ranking and reasons.

The decision is a pure function of its recorded inputs. Nobody is listed without evidence, money
never moves a rank, and everyone who was weighed has a recorded reason.
"""
