"""Errors of signal files; the operator who wrote them can act."""

from gateway.errors import GatewayError


class SignalFileError(GatewayError):
    """A file that describes signals, or the list of such files, cannot be used; says why."""
