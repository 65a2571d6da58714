"""Errors of the storage room, grouped by who can act on them.

StorageError
├── DatabaseUnavailableError   the server is away or refuses us; the caller may try again
├── NoSuchLetterError          the id names no dead letter; list those there are
├── NoSuchKeyError             the id names no access key; list those there are
├── NoSuchProposalError        there is none of this id, for this caller
├── TooManyError               a bound is reached; try again later
├── ConflictError              what is to be written contradicts what is there; choose one
└── MigrationError             the operator must look: the schema is not what this version expects
"""


class StorageError(Exception):
    """Root of what the storage room raises."""


class DatabaseUnavailableError(StorageError):
    """The database cannot be reached, or the outcome of a transaction is unknown."""


class ConflictError(StorageError):
    """A key is taken by something else; nothing was written."""


class NoSuchLetterError(StorageError):
    """There is no dead letter of this id, or no longer."""


class NoSuchKeyError(StorageError):
    """There never was an access key of this id."""


class NoSuchProposalError(StorageError):
    """There is no such proposal, or measure, or business, for whoever asks."""


class TooManyError(StorageError):
    """Somebody said as much as may be said for now; nothing was written."""


class MigrationError(StorageError):
    """The schema in the database and the migrations here do not fit together."""
