"""Run a program as confined as a unit of systemd says: the kernel's own filter of system calls, and no new code.

Usage: confined.py NUMBERS PROGRAM [WORD …]. `NUMBERS` are the calls that are allowed, with commas; others fail with
EPERM. seccomp(2), PR_SET_MDWE(2const).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_MDWE = 38, 22, 65
MODE_FILTER, REFUSE_EXEC_GAIN = 2, 1
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, EPERM = 0x7FFF_0000, 0x0005_0001


def main(numbers: list[int], program: list[str]) -> None:
    """Confine this process and become the program."""
    kernel = ctypes.CDLL(None, use_errno=True)
    code = [(LOAD, 0, 0, 0)]
    for number in numbers:
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    code.append((RETURN, 0, 0, EPERM))
    octets = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    filters = ctypes.create_string_buffer(struct.pack("HP", len(code), ctypes.addressof(octets)))
    for words in (
        (PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0),
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(filters), 0, 0),
    ):
        if kernel.prctl(*words) != 0 and words[0] != PR_SET_MDWE:
            raise OSError(ctypes.get_errno(), f"prctl {words[0]}")
    os.execv(program[0], program)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1].split(",")], sys.argv[2:])
