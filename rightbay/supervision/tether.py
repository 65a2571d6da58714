"""Runs a program that cannot outlive its parent, if asked under a user without rights.

Started by its path with ``python -I -S`` so that it costs little and needs no installed package:

    tether.py PARENT SIGNAL UID CAPABILITIES -- PROGRAM ARGUMENT…

It prepares its own process, then becomes PROGRAM. What it sets survives the exec:

- the kernel sends SIGNAL when the parent dies, even by ``kill -9`` (Linux);
- UID, if not ``-``, becomes user and group; no supplementary group and no way back remain;
- CAPABILITIES, numbers joined by commas, stay with that user. PostgreSQL refuses to run as root,
  yet its programs and data may lie below a folder that only root may enter; one capability lets it
  pass, where opening those folders to everybody would have been the alternative.

References:
    prctl(2), capset(2), capabilities(7) "Ambient", as of Linux 6.18. A change of user clears the
    parent-death signal, so the order below is the only one that works.
"""

import ctypes
import os
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

FAILED = 126  # what a shell answers for a program that it may not run


def become_user(uid: int, capabilities: list[int]) -> None:
    """Give up root for good, but for the named capabilities."""
    libc = ctypes.CDLL(None, use_errno=True)
    if capabilities:
        _call(libc.prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if capabilities:
        mask = sum(1 << number for number in capabilities)
        # struct __user_cap_header_struct, then two of __user_cap_data_struct: effective,
        # permitted, inheritable; capabilities from 32 on stand in the second.
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        _call(libc.capset, header, data)
        for number in capabilities:
            _call(libc.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0)
    if sys.platform == "linux":
        _call(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask for a signal at the parent's death; end now if that has happened already."""
    if sys.platform == "linux":
        _call(ctypes.CDLL(None, use_errno=True).prctl, PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(FAILED)


def _call(function: Any, *arguments: object) -> None:  # noqa: ANN401 - ctypes names no such type
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


def main(argv: list[str]) -> None:
    """Prepare this process as the arguments say, and become the program."""
    parent, signal_number, uid, capabilities, _, *program = argv
    try:
        if uid != "-":
            become_user(int(uid), [int(number) for number in capabilities.split(",") if number])
        die_with_parent(int(signal_number), int(parent))
        os.execv(program[0], program)  # noqa: S606 - becoming another program is the purpose
    except OSError as error:
        print(f"cannot start {program[0]}: {error}", file=sys.stderr)  # noqa: T201 - nobody logs yet
        sys.exit(FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
