"""Errors of the gateway, grouped by who can act on them.

GatewayError
├── StoreUnavailableError   the database is away; the caller may try again
├── ReportRefusedError      one of the reports cannot be stored as it is; trying again is useless
└── BrokerLostError         the broker is away or refuses us; the caller may try again
"""


class GatewayError(Exception):
    """Root of what the gateway raises."""


class StoreUnavailableError(GatewayError):
    """Nothing is known to be stored; trying again is safe."""


class ReportRefusedError(GatewayError):
    """The database refuses a value of some report in the batch; nothing of the batch was stored."""


class BrokerLostError(GatewayError):
    """The broker is not there, refuses us, or its network thread died."""
