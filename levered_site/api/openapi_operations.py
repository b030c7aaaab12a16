"""The operations of the OpenAPI document: their tags, ids and summaries.

Generated clients name their functions after the ids: an id never changes.
"""

import re
from typing import Any

# In the order of the document.
TAGS = {
    "serve": "Decide which variant a user gets.",
    "events": "Send rewards, exposures and decisions; explain and erase a user's.",
    "optimizations": "Searches for the best variant on live traffic.",
    "variants": "The combinations of levels of an optimization.",
    "notes": "What happened on a day, for charts to show.",
    "share-links": "Links that show results without a log-in.",
    "results": "Lift, guardrails, progress and the counts behind them.",
    "candidates": "Other settings of learning, judged before they serve.",
    "models": "What has been learned, and the training runs.",
    "metrics": "SQL that counts rewards.",
    "assignment-sources": "SQL that counts exposures in a warehouse of your own.",
    "warehouse": "The connection, its tables and read-only queries.",
    "api-keys": "Credentials of programs.",
    "account": "Who calls.",
    "audit": "Who changed what.",
    "health": "Probes of the process and of its stores.",
}

# By tag, method and path below /api/v2 with parameters unnamed: the id and the summary.
_OPERATIONS: dict[str, dict[str, tuple[str, str]]] = {
    "serve": {
        "POST /optimizations/{}/serve": ("serve", "Serve a variant to a user"),
        "POST /optimizations/best-variant": (
            "getBestVariant",
            "Serve a variant, the optimization in the body",
        ),
        "POST /optimizations/best-variants": (
            "getBestVariants",
            "Serve variants of several optimizations",
        ),
        "GET /optimizations/{}/policy": (
            "getPolicy",
            "Read the signed policy, to decide without asking",
        ),
    },
    "events": {
        "POST /track": ("track", "Send events from a web page"),
        "POST /ingest/exposures": ("ingestExposures", "Send exposures"),
        "POST /ingest/rewards": ("ingestRewards", "Send rewards"),
        "POST /optimizations/{}/decisions": (
            "ingestDecisions",
            "Send decisions that a client made",
        ),
        "GET /optimizations/{}/decisions/{}": (
            "explainDecision",
            "Explain a user's decision",
        ),
        "DELETE /warehouse/users/{}": ("eraseUser", "Erase a user's data"),
    },
    "optimizations": {
        "GET /optimizations": ("listOptimizations", "List optimizations"),
        "POST /optimizations": ("createOptimization", "Create an optimization"),
        "GET /optimizations/{}": ("getOptimization", "Read an optimization"),
        "PATCH /optimizations/{}": ("updateOptimization", "Change an optimization"),
        "DELETE /optimizations/{}": ("deleteOptimization", "Delete an optimization"),
        "POST /optimizations/{}/ship": ("shipOptimization", "Ship the leading variant"),
        "POST /optimizations/{}/stop": ("stopOptimization", "Stop an optimization"),
        "POST /optimizations/{}/archive": (
            "archiveOptimization",
            "Archive an optimization",
        ),
        "POST /optimizations/{}/unarchive": ("unarchiveOptimization", "Undo archiving"),
    },
    "variants": {
        "GET /optimizations/{}/variants": ("listVariants", "List variants"),
        "PATCH /optimizations/{}/variants/{}": (
            "updateVariant",
            "Enable or disable a variant",
        ),
        "GET /optimizations/{}/variants/by-number/{}/screenshot": (
            "getScreenshot",
            "Read a variant's screenshot",
        ),
        "PUT /optimizations/{}/variants/by-number/{}/screenshot": (
            "putScreenshot",
            "Store a variant's screenshot",
        ),
    },
    "notes": {
        "GET /optimizations/{}/notes": ("listNotes", "List notes"),
        "POST /optimizations/{}/notes": ("createNote", "Write a note on a day"),
        "GET /optimizations/{}/notes/{}": ("getNote", "Read a note"),
        "PATCH /optimizations/{}/notes/{}": ("updateNote", "Change a note"),
        "DELETE /optimizations/{}/notes/{}": ("deleteNote", "Delete a note"),
    },
    "share-links": {
        "GET /optimizations/{}/share-links": ("listShareLinks", "List share links"),
        "POST /optimizations/{}/share-links": (
            "createShareLink",
            "Make a link that shows the results",
        ),
        "DELETE /optimizations/{}/share-links/{}": (
            "revokeShareLink",
            "Revoke a share link",
        ),
    },
    "results": {
        "GET /optimizations/{}/results": ("getResults", "Read results"),
        "GET /optimizations/{}/report-data": (
            "getReportData",
            "Read all results in one document",
        ),
        "GET /optimizations/{}/progress": (
            "getProgress",
            "Read how far an optimization is",
        ),
        "GET /optimizations/{}/guardrails": (
            "getGuardrails",
            "Read the state of the guardrails",
        ),
        "GET /optimizations/{}/lift-history": ("getLiftHistory", "Read lift by day"),
        "GET /optimizations/{}/lift-curve": (
            "getLiftCurve",
            "Read the measured lift by day, to draw it",
        ),
        "GET /optimizations/{}/holdout-daily": (
            "getHoldoutDaily",
            "Read the sums of both arms by day",
        ),
        "GET /optimizations/{}/outcome-mix": ("getOutcomeMix", "Read users by outcome"),
        "GET /optimizations/{}/observations": (
            "listObservations",
            "List the observed counts",
        ),
        "POST /optimizations/{}/evaluate": (
            "evaluatePolicy",
            "Estimate what another policy would earn",
        ),
    },
    "candidates": {
        "GET /optimizations/{}/candidate": ("getCandidate", "Read the candidate"),
        "PUT /optimizations/{}/candidate": ("putCandidate", "Set the candidate"),
        "DELETE /optimizations/{}/candidate": (
            "deleteCandidate",
            "Delete the candidate",
        ),
        "POST /optimizations/{}/candidate/promote": (
            "promoteCandidate",
            "Serve with the candidate's settings",
        ),
    },
    "models": {
        "GET /models": ("listModels", "List models"),
        "GET /models/{}": ("getModel", "Read a model"),
        "DELETE /models/{}": ("deleteModel", "Delete a model"),
        "GET /models/{}/state": ("getModelState", "Read what a model has learned"),
        "GET /models/{}/policy": (
            "getModelPolicy",
            "Read the policy that a model serves",
        ),
        "GET /models/{}/versions": (
            "listPolicyVersions",
            "List what each policy version served",
        ),
        "POST /models/{}/train": ("trainModel", "Train a model"),
        "GET /models/{}/training-runs": ("listTrainingRuns", "List training runs"),
        "GET /models/{}/training-runs/{}": ("getTrainingRun", "Read a training run"),
        "POST /models/{}/training-runs/{}/cancel": (
            "cancelTrainingRun",
            "Cancel a training run",
        ),
    },
    "metrics": {
        "GET /warehouse/metrics": ("listMetrics", "List metrics"),
        "POST /warehouse/metrics": ("createMetric", "Create a metric"),
        "GET /warehouse/metrics/{}": ("getMetric", "Read a metric"),
        "PATCH /warehouse/metrics/{}": ("updateMetric", "Change a metric"),
        "DELETE /warehouse/metrics/{}": ("deleteMetric", "Delete a metric"),
        "POST /warehouse/metrics/{}/preview": ("previewMetric", "Preview a metric"),
        "POST /warehouse/preview": (
            "previewUnsavedMetric",
            "Preview a metric before it is saved",
        ),
    },
    "assignment-sources": {
        "GET /warehouse/assignment-sources": (
            "listAssignmentSources",
            "List assignment sources",
        ),
        "POST /warehouse/assignment-sources": (
            "createAssignmentSource",
            "Create an assignment source",
        ),
        "GET /warehouse/assignment-sources/{}": (
            "getAssignmentSource",
            "Read an assignment source",
        ),
        "PATCH /warehouse/assignment-sources/{}": (
            "updateAssignmentSource",
            "Change an assignment source",
        ),
        "DELETE /warehouse/assignment-sources/{}": (
            "deleteAssignmentSource",
            "Delete an assignment source",
        ),
        "POST /warehouse/assignment-sources/{}/preview": (
            "previewAssignmentSource",
            "Preview an assignment source",
        ),
        "POST /warehouse/assignment-sources/preview": (
            "previewUnsavedAssignmentSource",
            "Preview an assignment source before it is saved",
        ),
    },
    "warehouse": {
        "GET /warehouse/connections": ("getConnection", "Read the connection"),
        "POST /warehouse/connections": ("connectWarehouse", "Connect a warehouse"),
        "DELETE /warehouse/connections": (
            "disconnectWarehouse",
            "Return to the managed warehouse",
        ),
        "POST /warehouse/connections/test": ("testConnection", "Test the connection"),
        "POST /warehouse/query": ("queryWarehouse", "Run a SELECT"),
        "GET /warehouse/tables": ("listTables", "List tables"),
        "GET /warehouse/tables/{}/columns": (
            "listColumns",
            "List the columns of a table",
        ),
    },
    "api-keys": {
        "GET /api-keys": ("listApiKeys", "List API keys"),
        "POST /api-keys": ("createApiKey", "Create an API key"),
        "GET /api-keys/{}": ("getApiKey", "Read an API key"),
        "PATCH /api-keys/{}": ("updateApiKey", "Change an API key"),
        "DELETE /api-keys/{}": ("revokeApiKey", "Revoke an API key"),
        "POST /api-keys/{}/rotate": ("rotateApiKey", "Give an API key a new secret"),
    },
    "account": {
        "GET /me": ("getMe", "Read who calls"),
    },
    "audit": {
        "GET /audit": ("listAuditEntries", "List who changed what"),
    },
    "health": {
        "GET /healthz": ("checkLiveness", "This process is alive"),
        "GET /readyz": ("checkReadiness", "The database, cache and broker respond"),
    },
}


NAMES = {
    key: {"operationId": operation_id, "summary": summary, "tags": [tag]}
    for tag, operations in _OPERATIONS.items()
    for key, (operation_id, summary) in operations.items()
}


def name_operation(method: str, path: str) -> dict[str, Any]:
    """Return an operation's id, summary and tag. Raises KeyError for one without."""
    template = re.sub(r"{\w+}", "{}", path).removeprefix("/api/v2")
    return NAMES[f"{method.upper()} {template}"]
