"""Errors of the simulators, grouped by who can act on them.

SimulatorError
├── SettingsError   the caller asked for something that cannot be: a box, a URL, a code
└── SpoolError      the unit's folder cannot be used; its owner must mend it
"""


class SimulatorError(Exception):
    """Root of what the simulators raise."""


class SettingsError(SimulatorError):
    """What was asked for cannot be; the message names it and what would do."""


class SpoolError(SimulatorError):
    """The folder in which a unit keeps its reports cannot be used."""
