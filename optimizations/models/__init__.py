"""Optimizations and what belongs to them: variants, assignments, counts, candidates."""

from optimizations.models.amount_cap import AmountCap
from optimizations.models.candidate import Candidate, CandidateTable
from optimizations.models.counts import CubeDay, PublishedDay
from optimizations.models.decision import Assignment, Decision
from optimizations.models.erased import ErasedRemainder
from optimizations.models.gap import RecordingGap
from optimizations.models.guardrail import GuardrailShare
from optimizations.models.note import Note
from optimizations.models.optimization import Optimization, OptimizationQuerySet
from optimizations.models.regime import Regime
from optimizations.models.share_link import ShareLink, ShareLinkQuerySet
from optimizations.models.summary import CountFailure, ResultsSummary
from optimizations.models.touch import FirstTouch, LookBack
from optimizations.models.unfinished import UnfinishedOptimization
from optimizations.models.variant import Variant, VariantQuerySet

__all__ = [
    "AmountCap",
    "Assignment",
    "Candidate",
    "CandidateTable",
    "CountFailure",
    "CubeDay",
    "Decision",
    "ErasedRemainder",
    "FirstTouch",
    "GuardrailShare",
    "LookBack",
    "Note",
    "Optimization",
    "OptimizationQuerySet",
    "PublishedDay",
    "RecordingGap",
    "Regime",
    "ResultsSummary",
    "ShareLink",
    "ShareLinkQuerySet",
    "UnfinishedOptimization",
    "Variant",
    "VariantQuerySet",
]
