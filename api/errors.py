"""Errors of the HTTP service, grouped by who can act on them.

ApiError
├── NotFoundError       the caller asks for what is not there, or not theirs to see
├── UnknownCallerError  the caller sends no key, or one that does not count: get one
├── ForbiddenError      the caller is known, and this is for others
├── MediaTypeError      the caller sends a file of a kind that is not taken
├── BadCursorError      the caller sends a cursor that no list gave out
├── ForeignHostError    the caller's browser was led here under a name that is not ours
├── NotReadyError       the operator: the database's schema is not what this version expects
└── ListenError         the operator: the address cannot be listened on

`api.problems` is the one table from these to HTTP.
"""


class ApiError(Exception):
    """Root of what the routes raise; its text is told to the caller."""


class NotFoundError(ApiError):
    """There is nothing here, or nothing yet, or nothing for this caller: one answer for all."""


class UnknownCallerError(ApiError):
    """No key, an unknown one, or one that was revoked: one answer for all."""


class ForbiddenError(ApiError):
    """A key that is good for other things."""


class MediaTypeError(ApiError):
    """A file of a kind that is not taken."""


class BadCursorError(ApiError):
    """A cursor that no list gave out."""


class ForeignHostError(ApiError):
    """The request names a host that we do not answer for."""


class NotReadyError(ApiError):
    """The service cannot work as things are."""


class ListenError(ApiError):
    """The address is taken, or is not one of this machine; nothing was started."""
