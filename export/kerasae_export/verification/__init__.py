"""Check that a bundle still does what it did when it was exported, and report what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae_export._imports import on_first_use

if TYPE_CHECKING:
    from kerasae_export.verification.outcome import TOLERANCES as TOLERANCES
    from kerasae_export.verification.outcome import Check as Check
    from kerasae_export.verification.outcome import ReportWarning as ReportWarning
    from kerasae_export.verification.outcome import Tolerance as Tolerance
    from kerasae_export.verification.outcome import Verification as Verification
    from kerasae_export.verification.outcome import VerificationError as VerificationError
    from kerasae_export.verification.verify import REPORT as REPORT
    from kerasae_export.verification.verify import VERIFICATION as VERIFICATION
    from kerasae_export.verification.verify import verify_bundle as verify_bundle

_HOME = {
    "Check": "kerasae_export.verification.outcome",
    "REPORT": "kerasae_export.verification.verify",
    "ReportWarning": "kerasae_export.verification.outcome",
    "TOLERANCES": "kerasae_export.verification.outcome",
    "Tolerance": "kerasae_export.verification.outcome",
    "VERIFICATION": "kerasae_export.verification.verify",
    "Verification": "kerasae_export.verification.outcome",
    "VerificationError": "kerasae_export.verification.outcome",
    "verify_bundle": "kerasae_export.verification.verify",
}

__all__ = [
    "REPORT",
    "TOLERANCES",
    "VERIFICATION",
    "Check",
    "ReportWarning",
    "Tolerance",
    "Verification",
    "VerificationError",
    "verify_bundle",
]

__getattr__, __dir__ = on_first_use(__name__, _HOME)
