"""Errors of routing, grouped by who can act on them.

RoutingError
├── BadRecordingError      a recorded decision cannot be read; give another file
├── CasesUnavailableError  the database is away; the caller may try again
├── NotNowError            what is asked does not fit how things stand; see why, and mend that
├── DataFileError          a scheme, policy or text file is malformed; whoever keeps it can mend it
├── RoadsError             a road map or engine cannot be used; the message says what would mend it
├── UnreadableFileError    a file to import cannot be read at all; whoever gave it can
└── VerdictRefusedError    the database takes a verdict never; the mistake is ours
"""


class RoutingError(Exception):
    """Root of what routing raises."""


class BadRecordingError(RoutingError):
    """What should be the recorded inputs of a decision is not; the message says why."""


class CasesUnavailableError(RoutingError):
    """Cases or the directory cannot be reached; trying again is safe."""


class DataFileError(RoutingError):
    """A data file of ours, or one that an operator put in its place, breaks its schema."""


class RoadsError(RoutingError):
    """A road map cannot be built or used, or an engine gave no answer that can be used."""


class NotNowError(RoutingError):
    """What somebody wants to do is well-formed, and cannot be done as things stand."""


class UnreadableFileError(RoutingError):
    """Nothing of a file to import could be read; the message names the file and the reason."""


class VerdictRefusedError(RoutingError):
    """The database refuses a verdict, and would do so again; the message names its kind."""
