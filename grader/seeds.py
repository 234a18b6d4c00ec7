"""The secrets that hidden inputs are drawn from, and what may be said of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

BITS = 128


def new_seed() -> int:
    """Return the seed of a run that nobody can guess."""
    return secrets.randbits(BITS)


def seed_of_text(text: str) -> int:
    """Return the seed of a run that an instructor chose, so that it can be replayed.

    It takes a twentieth of a second, so that a short text cannot be found by trying.
    """
    derived = hashlib.scrypt(text.encode(), salt=b"cnn-exercise-kit", n=1 << 14, r=8, p=1, dklen=BITS // 8)
    return int.from_bytes(derived, "big")


def submission_seed(run_seed: int, submission_sha256: str) -> int:
    """Return the seed of one submission's inputs: changed files are asked about others."""
    return int.from_bytes(_digest(run_seed, submission_sha256)[: BITS // 8], "big")


def check_seed(seed: int, check: str) -> int:
    """Return the seed of one check's inputs, 56 bits."""
    return int.from_bytes(_digest(seed, check)[:7], "big")


def fingerprint(seed: int) -> str:
    """Return what stands for a seed where students may read it: it shows whether two are the same, and nothing else."""
    return _digest(seed, "fingerprint").hex()[:16]


def _digest(seed: int, of: str) -> bytes:
    return hmac.digest(seed.to_bytes(BITS // 8, "big"), of.encode(), "sha256")
