"""What choosing by context is worth: the leading variants against the one leader."""

from models_app.models import StoredReport
from optimizations.results.model.leader import Leader
from optimizations.results.reasons import NOT_IN_REPORT, ReportedLift, read_lift

NO_CONTEXTS = "the model has no context factors to choose by"
NO_LEADER_REWARD = "the reward of the leading variant may be zero, so nothing can be a percentage of it"
FIGURE = "personalization_percent"


def read_personalization(
    report: StoredReport, leader: Leader
) -> tuple[ReportedLift | None, str]:
    """Return what the leading variant of each context adds, or None and the reason.

    It is against the leader for everybody. Its sign is that of the reward: for a metric
    that should decrease, less than zero is better.
    """
    if not report["contexts"]:
        return None, NO_CONTEXTS
    # A report of an earlier version, or one that names another leader.
    if FIGURE not in report or report["best_variant"] != leader.number:
        return None, NOT_IN_REPORT
    return read_lift(report[FIGURE]), NO_LEADER_REWARD
