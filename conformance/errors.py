"""The errors the command line turns into one clear line and an exit code."""

from __future__ import annotations

import errno

from conformance.outcome import Exit


class HarnessError(Exception):
    """Something that is no verdict on the product: what, where and what to do, in one line."""

    exit_code = Exit.INCONCLUSIVE


class UsageError(HarnessError):
    """Bad input or configuration: nothing was tried."""

    exit_code = Exit.USAGE


class TargetError(HarnessError):
    """The way to the target failed: it was tried and did not answer."""


class Blocked(HarnessError):
    """What a check builds on failed, and another check says why."""


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that a disk, or a quota on it, is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
