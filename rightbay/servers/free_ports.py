"""TCP ports: the usual one if it is free, any other if not, and no surprise if one was named."""

import errno
import os
import socket

from rightbay.errors import PortInUseError


def choose_port(host: str, *, wanted: int | None, usual: int, variable: str) -> int:
    """Find a port to listen on.

    Nothing is reserved: between this answer and its use somebody else may take the port, so the
    caller has to be ready to ask again.

    Args:
        host: On which address.
        wanted: What the operator named; None if nothing.
        usual: What people expect if nobody named one.
        variable: The setting to change, for the message.

    Raises:
        PortInUseError: The named port cannot be had, or no port at all on this address.
    """
    for port in (usual, 0) if wanted is None else (wanted,):
        try:
            return _try(host, port)
        except OSError as error:
            if wanted is not None and error.errno == errno.EADDRINUSE:
                raise PortInUseError(
                    f"port {wanted} on {host} is in use: free it, or set {variable} to another one"
                ) from error
            reason = os.strerror(error.errno) if error.errno else str(error)
            problem = PortInUseError(f"cannot listen on {host} (set {variable}): {reason}")
            problem.__cause__ = error
    raise problem


def _try(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # Servers set this too: a connection that is still closing does not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        # A listener with the same option lets us bind, but not listen.
        probe.listen(1)
        bound: int = probe.getsockname()[1]
        return bound
