"""The documents of the API, as its OpenAPI document describes them.

Written by generate.py; do not change it by hand.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ApiKey(TypedDict):
    """A key without its secret."""

    id: str
    label: str
    prefix: str
    scopes: list[Literal["ingest", "serve", "read", "write", "track"]]
    created_at: str
    expires_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    rotation: Rotation | None
    public_key: str | None
    rewards: list[RewardBounds]
    origins: list[str]


class ApiKeyWithSecret(TypedDict):
    """A key with a new secret: the only response that shows it."""

    id: str
    label: str
    prefix: str
    scopes: list[Literal["ingest", "serve", "read", "write", "track"]]
    created_at: str
    expires_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    rotation: Rotation | None
    public_key: str | None
    rewards: list[RewardBounds]
    origins: list[str]
    secret: str


class ArmSums(TypedDict):
    """Sums over the mature users of one arm."""

    exposures: int
    rewardsValueSum: float
    rewardsValueSumSq: float


class ArmUsers(TypedDict):
    """Users of both arms."""

    optimized: int
    holdout: int


class AssignmentSource(TypedDict):
    """An assignment source in responses."""

    id: str
    name: str
    sql: str
    default: bool
    column_mapping: Any
    created_at: str
    updated_at: NotRequired[str | None]


class AssignmentSourceMappingRequest(TypedDict):
    """The role of each column of an assignment source."""

    anonymous_id: str
    timestamp: str
    optimization_id: str
    variant: str
    context: NotRequired[str]
    policy_version: NotRequired[str]


class AssignmentSourcePreview(TypedDict):
    """Rows of an assignment source, and what looks wrong with it."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: NotRequired[int]
    row_count: int
    warnings: list[str]


class AssignmentSourceRequest(TypedDict):
    """The body of an assignment source."""

    name: str
    sql: str
    default: NotRequired[bool]
    column_mapping: AssignmentSourceMappingRequest


class Attribution(TypedDict):
    """Which exposure a reward counts for, and for how long."""

    type: Literal["last_touch", "first_touch"]
    conversion_window_hours: int
    horizon_hours: NotRequired[int]


class AttributionRequest(TypedDict):
    """Which exposure a reward counts for, and for how long."""

    type: NotRequired[Literal["last_touch", "first_touch"]]
    conversion_window_hours: NotRequired[int]
    horizon_hours: NotRequired[int]


class AuditActor(TypedDict):
    """Who did it."""

    kind: str
    id: str


class AuditEntry(TypedDict):
    """Who changed what, and the values before and after."""

    id: int
    created_at: str
    action: str
    actor: AuditActor
    target: AuditTarget
    before: dict[str, Any] | None
    after: dict[str, Any]
    request_id: str
    unavailable: dict[str, str]


class AuditTarget(TypedDict):
    """What was changed, with the name that it had then."""

    type: str
    id: str
    name: str


class BanditModel(TypedDict):
    """A model with its design and status."""

    id: str
    model_type: Literal["mab", "cmab"]
    status: NotRequired[Literal["untrained", "training", "trained", "failed"]]
    policy_version: NotRequired[int]
    training_data_config: dict[str, Any]
    created_at: str
    updated_at: str


class BestVariantRequest(TypedDict):
    """BestVariantRequest"""

    anonymous_id: str
    context: NotRequired[dict[str, str | float | bool | None]]
    dry_run: NotRequired[bool]
    record: NotRequired[bool]
    optimization_id: str


class BestVariantsRequest(TypedDict):
    """BestVariantsRequest"""

    anonymous_id: str
    context: NotRequired[dict[str, str | float | bool | None]]
    dry_run: NotRequired[bool]
    record: NotRequired[bool]
    optimization_ids: list[str]


class CandidateReport(TypedDict):
    """A candidate beside the live model."""

    allocation: Literal["default", "thompson", "uniform"]
    exploration_share: float
    ignored_context_factors: list[str]
    optimization_id: str
    created_at: str
    live: TrainingSettings
    trained_at: str | None
    trainings: int
    error: str | None
    comparison: PolicyEvaluation | None
    unavailable: dict[str, str]


class ChangedOptimization(TypedDict):
    """An optimization that was just changed; if the change shipped it, on which figures."""

    id: str
    name: str
    status: Literal["draft", "live", "paused", "shipped", "completed", "archived"]
    model_id: str
    model_type: Literal["mab", "cmab"]
    model_status: Literal["untrained", "training", "trained", "failed"]
    training_data_config: TrainingDataConfig
    reward_metric_id: str | None
    reward_metric: MetricSummary | None
    guardrail_metric_ids: list[str]
    guardrail_metrics: list[MetricSummary]
    holdout_percentage: NotRequired[float]
    excluded_combinations: list[dict[str, Any]]
    assignment_source_id: str | None
    retrain_every_minutes: NotRequired[int]
    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    ignored_context_factors: list[str]
    expected_users: NotRequired[int | None]
    allowed_origins: list[str]
    public_policy: NotRequired[bool]
    variants_count: int
    reward_conversion_window: int
    policy_version: int
    created_at: str
    updated_at: str
    went_live_at: NotRequired[str | None]
    model_config: ModelConfig
    health: NotRequired[Health]
    confirmed: NotRequired[bool]


class Column(TypedDict):
    """A column of a table; `type` is the warehouse's own name of the type."""

    name: str
    type: str
    nullable: bool


class ColumnList(TypedDict):
    """The columns of a table."""

    columns: list[Column]


class ColumnMappingRequest(TypedDict):
    """The role of each column of a metric's query."""

    anonymous_id: str
    timestamp: str
    value: NotRequired[str]
    name: NotRequired[str]
    reward_type: Literal["bool", "numeric"]


class CompanionResult(TypedDict):
    """A ratio of the arms in percent, at the level that three figures share."""

    lift_percent: float | None
    lift_ci: list[float] | None
    lift_ci_anytime: list[float] | None
    level: float


class CompanionResults(TypedDict):
    """Three figures beside the mean of amounts, which one large payment can hide."""

    capped_revenue: CompanionResult
    payer_rate: CompanionResult
    typical_payment: CompanionResult


class ConfirmRequest(TypedDict):
    """The body of a change that may need a confirmation."""

    confirm: NotRequired[bool]


class ConnectionTestResult(TypedDict):
    """The milliseconds of a successful test, or the warehouse's message.

    `warnings` say what the role may do and should not, if anything.
    """

    success: bool
    latency_ms: NotRequired[int]
    message: NotRequired[str]
    warnings: NotRequired[list[str]]


class ContextImportance(TypedDict):
    """The share of the spread that differs by a context factor."""

    factor: str
    hi: float | None
    lo: float | None
    mean: float | None


class ContextResult(TypedDict):
    """One level of a context factor."""

    factor: str
    level: str
    share: float | None
    lift_percent: float | None
    lift_ci: list[float] | None
    lift_ci_anytime: list[float] | None
    difference: float | None
    difference_ci: list[float | None] | None
    difference_ci_anytime: list[float | None] | None
    estimated_improvement_percent: float | None
    estimated_improvement_interval: list[float] | None
    best_variant: int | None
    prob_best: float | None


class ContextState(TypedDict):
    """The variants at one level of a context factor."""

    context: dict[str, Any]
    share: float
    best_variant: int | None
    prob_best: float | None
    expected_gain: float | None
    expected_gain_lo: float | None
    expected_gain_hi: float | None
    variants: list[VariantState]


class DailyArms(TypedDict):
    """Both arms on one day of first touch, under one regime."""

    date: str
    regime: int
    expected_share: float
    holdout: ArmSums
    levered: ArmSums


class DailyCounts(TypedDict):
    """Counts of one day of first touch, by variant_key, as of a variant in all.

    `mature_users` and `mature_conversions` are of users whose horizon has passed: what the others do may still come.
    """

    date: str
    variants: dict[str, dict[str, Any]]


class Decision(TypedDict):
    """Decision"""

    optimization_id: str
    anonymous_id: str
    variant: dict[str, Any]
    variant_number: int
    variant_key: str
    in_holdout: bool
    policy_version: int
    propensity: float
    sticky: NotRequired[bool]
    timestamp: NotRequired[str]


class DecisionBatchRequest(TypedDict):
    """A batch of decisions."""

    decisions: list[EdgeDecisionRequest]


class DecisionExplanation(TypedDict):
    """Why a user got a variant: the decision in force, and every receipt, oldest first."""

    optimization_id: str
    anonymous_id: str
    variant: dict[str, Any]
    in_holdout: bool
    holdout_hash: str
    variant_number: int
    variant_key: str
    arm: Literal["optimized", "holdout"]
    policy_version: int
    propensity: float
    context: dict[str, str]
    draw_rule: Literal["cumulative", "rendezvous"]
    redraw: int
    u: float
    is_reproduced: bool | None
    probabilities: list[VariantProbability]
    timestamp: str
    receipts: list[DecisionReceipt]


class DecisionList(TypedDict):
    """DecisionList"""

    decisions: list[Decision | FailedDecision]


class DecisionReceipt(TypedDict):
    """One decision, and how it came about."""

    variant_number: int
    variant_key: str
    arm: Literal["optimized", "holdout"]
    policy_version: int
    propensity: float
    context: dict[str, str]
    draw_rule: Literal["cumulative", "rendezvous"]
    redraw: int
    u: float
    is_reproduced: bool | None
    probabilities: list[VariantProbability]
    timestamp: str


class DecisionReceipts(TypedDict):
    """What happened to the decisions of a batch."""

    accepted: int
    duplicates: int
    kept: list[KeptAssignment]
    rejected: list[RejectedEvent]


class EdgeDecisionRequest(TypedDict):
    """What a client decided for a user."""

    anonymous_id: str
    variant_number: int
    policy_version: int
    context: NotRequired[dict[str, Any]]
    timestamp: NotRequired[str]
    in_holdout: NotRequired[bool | None]
    redraw: NotRequired[int | None]


class ErasedCounts(TypedDict):
    """How many rows of the person were erased, by table."""

    exposures: int
    rewards: int
    decisions: int
    assignments: int


class Estimate(TypedDict):
    """A mean value per user."""

    value: float
    interval: list[float] | None
    effective_sample_size: float


class EstimatedDifference(TypedDict):
    """Policy minus served on the same users, doubly robust."""

    value: float
    interval: list[float] | None


class Estimators(TypedDict):
    """The same quantity by three estimators; read doubly_robust first."""

    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate


class EvaluateRequest(TypedDict):
    """Which policy to evaluate, and on which users."""

    policy: dict[str, Any] | Literal["without_context", "candidate"]
    from_version: NotRequired[int]
    to_version: NotRequired[int]


class EvaluatedUsers(TypedDict):
    """The users behind the figures."""

    used: int
    deciding: int
    learned_from: int
    left_out: LeftOutUsers


class EvenSplit(TypedDict):
    """What optimized users brought beyond an even split of them, by the model.

    Intervals are 95% credible ones. For a metric that should decrease, less than 0 is better.
    """

    users: int | None
    extra: float | None
    extra_interval: list[float] | None
    amount: float | None
    amount_interval: list[float] | None
    currency: str | None


class ExposureBatchRequest(TypedDict):
    """A batch of exposures."""

    events: list[ExposureEventRequest]


class ExposureEventRequest(TypedDict):
    """A user saw a variant."""

    anonymous_id: str
    optimization_id: str
    variant: dict[str, Any]
    context: NotRequired[dict[str, Any]]
    timestamp: NotRequired[str]
    policy_version: NotRequired[int | None]
    idempotency_key: NotRequired[str | None]


class Factor(TypedDict):
    """A factor and its levels."""

    name: str
    dtype: NotRequired[Literal["str", "bool", "number"]]
    levels: list[str | bool | float | dict[str, Any]]


class FactorImportance(TypedDict):
    """The share of the spread of variant values that a factor explains."""

    factor: str
    q1: float
    q3: float
    mean: float
    kind: str


class FactorUtility(TypedDict):
    """What a level adds to the reward, compared with the factor's other levels."""

    factor: str
    level: str
    effect: float
    lo: float
    hi: float


class FactorRequest(TypedDict):
    """A factor and its levels."""

    name: str
    dtype: NotRequired[Literal["str", "bool", "number"]]
    levels: list[str | bool | float | dict[str, Any]]


class FailedDecision(TypedDict):
    """FailedDecision"""

    optimization_id: str
    error: dict[str, Any]


class Guardrail(TypedDict):
    """A metric that must not get worse, and how it does."""

    metric_id: str
    name: str
    direction: str
    reward_type: str
    holdout_rate: float | None
    optimization_rate: float | None
    difference: float | None
    difference_ci_anytime: list[float | None] | None
    lift_percent: float | None
    lift_ci: list[float] | None
    lift_ci_anytime: list[float] | None
    level: float
    p_value: float | None
    p_value_anytime: float | None
    status: Literal["ok", "violated", "pending", "unknown"]
    first_violated_on: str | None
    as_of: str | None
    notes: list[str]
    unavailable: dict[str, str]
    message: NotRequired[str]


class GuardrailList(TypedDict):
    """All guardrails of an optimization, by name."""

    health: Health
    as_of: str | None
    guardrails: list[Guardrail]


class Health(TypedDict):
    """Whether the figures can be trusted; without reasons they can."""

    status: Literal["ok", "warning", "broken"]
    reasons: list[HealthReason]
    as_of: str | None


class HealthReason(TypedDict):
    """Something that is wrong with the figures, in plain words with its own figures."""

    code: str
    message: str
    next: str


class HoldoutDaily(TypedDict):
    """Both arms by day of first touch and regime, for every metric."""

    health: Health
    as_of: str | None
    stratified: StratifiedLift
    metrics: list[MetricDaily]


class InSampleMetrics(TypedDict):
    """The reward per user so far, and the one expected under the new policy."""

    historic_reward: float | None
    expected_reward: MeanInterval | None
    unavailable: NotRequired[dict[str, str]]


class IngestReceipt(TypedDict):
    """What happened to the events of a batch."""

    accepted: int
    duplicates: int
    rejected: list[RejectedEvent]


class Interaction(TypedDict):
    """What two levels do together beyond what each does alone, by the model."""

    factors: list[str]
    levels: list[str]
    deviation: float | None
    lo: float | None
    hi: float | None
    users: int
    kind: Literal["synergy", "saturation", "conflict"] | None


class KeptAssignment(TypedDict):
    """A user who had an assignment before, and keeps it."""

    index: int
    variant_number: int
    in_holdout: bool
    policy_version: int
    redraw: int


class LeftOutUsers(TypedDict):
    """Users that could not be used, by reason."""

    immature: int
    without_version: int
    unknown_version: int
    unknown_variant: int
    shipped: int
    outside_versions: int
    against_policy: int
    without_comparison: int


class LiftCurve(TypedDict):
    """The measured lift, day by day, oldest first; `health` is that of now."""

    health: Health
    as_of: str | None
    notes: list[str]
    daily: list[LiftCurveDay]
    marks: list[LiftCurveMark]


class LiftCurveDay(TypedDict):
    """The measured lift as it was published on a day."""

    date: str
    users: int | None
    lift_percent: float | None
    lift_ci: list[float] | None
    lift_ci_anytime: list[float] | None
    difference: float | None
    difference_ci: list[float | None] | None
    difference_ci_anytime: list[float | None] | None
    health: Health | None
    as_of: str
    unavailable: dict[str, str]


class LiftCurveMark(TypedDict):
    """What happened on a day (UTC), to be drawn over the curve."""

    date: str
    kind: Literal["regime", "note"]
    text: str


class LiftHistory(TypedDict):
    """The lift, day by day, oldest first; `health` is that of now."""

    health: Health
    as_of: str | None
    notes: list[str]
    daily: list[LiftHistoryDay]


class LiftHistoryDay(TypedDict):
    """The lift as it was published on a day."""

    date: str
    health: Health | None
    as_of: str
    unavailable: dict[str, str]
    users: int | None
    measured_lift_ci: list[float] | None
    measured_lift_ci_anytime: list[float] | None
    measured_difference: float | None
    measured_difference_ci: list[float | None] | None
    measured_difference_ci_anytime: list[float | None] | None
    best_lift_percent: float | None
    best_lift_interval: list[float] | None
    policy_lift_percent: float | None
    policy_lift_interval: list[float] | None
    measured_lift_percent: float | None


class Me(TypedDict):
    """The caller: a person with a role, or an API key."""

    user_id: str | None
    role: Literal["admin", "member"] | None
    api_key: ApiKey | None
    organization: Organization


class MeanInterval(TypedDict):
    """A mean and its 95% interval."""

    mean: float
    ci_lower: float
    ci_upper: float


class MeasuredLift(TypedDict):
    """The optimized arm against the holdout, per user: the randomized figure."""

    metric_id: str | None
    metric_name: str | None
    direction: str | None
    holdout_rate: float | None
    optimization_rate: float | None
    holdout_exposures: int
    optimization_exposures: int
    difference: float | None
    difference_ci: list[float | None] | None
    difference_ci_anytime: list[float | None] | None
    lift_percent: float | None
    lift_ci: list[float] | None
    p_value: float | None
    lift_ci_delta: list[float] | None
    lift_ci_anytime: list[float] | None
    p_value_anytime: float | None
    companions: CompanionResults | None
    cap: float | None
    changed: RevenueChange | None
    regimes: list[RegimeResult]


class Metric(TypedDict):
    """A metric in responses."""

    id: str
    name: str
    sql: str
    column_mapping: MetricMapping
    outcomes: list[Outcome] | None
    direction: NotRequired[Literal["increase", "decrease"]]
    look_back_days: NotRequired[int]
    value_per_conversion: NotRequired[float | None]
    currency: NotRequired[str | None]
    created_at: str
    updated_at: NotRequired[str | None]


class MetricDaily(TypedDict):
    """The days of one metric."""

    key: str
    as_of: str | None
    daily: list[DailyArms]
    stratified: StratifiedLift
    notes: list[str]


class MetricMapping(TypedDict):
    """The role of each column."""

    anonymous_id: str
    timestamp: str
    value: NotRequired[str]
    name: NotRequired[str]
    reward_type: Literal["bool", "numeric"]


class MetricPreview(TypedDict):
    """Rows of a metric, and what looks wrong with it."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: NotRequired[int]
    row_count: int
    match_rate: float | None
    warnings: list[str]


class MetricSummary(TypedDict):
    """A metric of an optimization."""

    id: str
    name: str
    reward_type: Literal["bool", "numeric", "outcomes"]
    outcomes: NotRequired[Any]
    direction: NotRequired[Literal["increase", "decrease"]]


class MetricRequest(TypedDict):
    """The body of a new metric, or of a change."""

    name: str
    sql: str
    column_mapping: ColumnMappingRequest
    outcomes: NotRequired[list[OutcomeRequest] | None]
    direction: NotRequired[Literal["increase", "decrease"]]
    look_back_days: NotRequired[int]
    value_per_conversion: NotRequired[float | None]
    currency: NotRequired[str | None]


class ModelConfig(TypedDict):
    """The configuration that the model learns with."""

    design_factors: list[Factor]
    context_factors: list[Factor]
    reward: RewardWithOutcomes


class ModelNotes(TypedDict):
    """Which model was fitted to the rewards."""

    reward_model: Literal["chance", "hurdle", "mean", "outcomes"] | None
    notes: list[str]


class ModelState(TypedDict):
    """What a model has learned, beside the counts of the last count."""

    model_id: str
    status: Literal["untrained", "training", "trained", "failed"]
    policy_version: int
    trained_at: str | None
    reward_model: Literal["chance", "hurdle", "mean", "outcomes"] | None
    notes: list[str]
    variants: list[VariantState]
    contexts: list[ContextState]
    coefficients: list[dict[str, Any]]
    unavailable: dict[str, str]
    health: Health
    as_of: str | None


class ModelStats(TypedDict):
    """The main figures of the model."""

    estimated_improvement_percent: float | None
    estimated_improvement_interval: list[float] | None
    best_variant: int | None
    best_vs_baseline_percent: float | None
    best_vs_baseline_interval: list[float] | None
    estimated_progress: float | None
    personalization_percent: float | None
    personalization_interval: list[float] | None


class NewApiKeyRequest(TypedDict):
    """The request body of a new key."""

    label: str
    expires_at: NotRequired[str | None]
    rewards: NotRequired[list[RewardBoundsRequest]]
    origins: NotRequired[list[str]]
    scopes: NotRequired[list[Literal["ingest", "serve", "read", "write", "track"]]]


class NewConnectionRequest(TypedDict):
    """The body of a connection."""

    provider: Literal["bigquery", "snowflake", "postgres", "managed"]
    project_id: NotRequired[str]
    dataset_id: NotRequired[str]
    credentials: NotRequired[dict[str, Any]]


class NewOptimizationRequest(TypedDict):
    """The body of a new optimization."""

    name: str
    training_data_config: TrainingDataConfigRequest
    reward_metric_id: NotRequired[str | None]
    guardrail_metric_ids: NotRequired[list[str]]
    holdout_percentage: NotRequired[float]
    excluded_combinations: NotRequired[list[dict[str, str | bool | float]]]
    assignment_source_id: NotRequired[str | None]
    retrain_every_minutes: NotRequired[int]
    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    expected_users: NotRequired[int | None]
    allowed_origins: NotRequired[list[str]]
    public_policy: NotRequired[bool]
    model_type: NotRequired[Literal["mab", "cmab"]]
    status: NotRequired[Literal["draft", "live"]]


class Note(TypedDict):
    """A note in responses."""

    id: str
    date: str
    text: str
    author: str
    created_at: str
    updated_at: str


class NoteRequest(TypedDict):
    """The body of a new note, or of a change."""

    date: NotRequired[str]
    text: str


class Observation(TypedDict):
    """A cell of the cube; with `raw`, a touch and the rewards of its user."""

    regime: NotRequired[int]
    day: NotRequired[str]
    policy_version: NotRequired[int | None]
    holdout: NotRequired[bool]
    variant: NotRequired[Any]
    context: NotRequired[Any]
    outcome: NotRequired[str | None]
    mature: NotRequired[bool]
    hour: NotRequired[str | None]
    users: NotRequired[int]
    exposures: NotRequired[int]
    converted: NotRequired[int]
    value_sum: NotRequired[float]
    value_sum_squares: NotRequired[float]
    payers: NotRequired[int]
    log_sum: NotRequired[float]
    log_sum_squares: NotRequired[float]
    negatives: NotRequired[int]
    negative_log_sum: NotRequired[float]
    negative_log_sum_squares: NotRequired[float]
    anonymous_id: NotRequired[str]
    at: NotRequired[str]
    source: NotRequired[Literal["serve", "ingest"]]
    in_holdout: NotRequired[bool | None]
    rewards: NotRequired[list[dict[str, Any]]]


class ObservationsPage(TypedDict):
    """A page of observations."""

    as_of: NotRequired[str | None]
    notes: NotRequired[list[str]]
    observations: list[Observation]
    next_cursor: str | None


class Optimization(TypedDict):
    """An optimization with all its fields."""

    id: str
    name: str
    status: Literal["draft", "live", "paused", "shipped", "completed", "archived"]
    model_id: str
    model_type: Literal["mab", "cmab"]
    model_status: Literal["untrained", "training", "trained", "failed"]
    training_data_config: TrainingDataConfig
    reward_metric_id: str | None
    reward_metric: MetricSummary | None
    guardrail_metric_ids: list[str]
    guardrail_metrics: list[MetricSummary]
    holdout_percentage: NotRequired[float]
    excluded_combinations: list[dict[str, Any]]
    assignment_source_id: str | None
    retrain_every_minutes: NotRequired[int]
    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    ignored_context_factors: list[str]
    expected_users: NotRequired[int | None]
    allowed_origins: list[str]
    public_policy: NotRequired[bool]
    variants_count: int
    reward_conversion_window: int
    policy_version: int
    created_at: str
    updated_at: str
    went_live_at: NotRequired[str | None]
    model_config: ModelConfig


class OptimizationRow(TypedDict):
    """An optimization in a list."""

    id: str
    name: str
    status: Literal["draft", "live", "paused", "shipped", "completed", "archived"]
    model_status: Literal["untrained", "training", "trained", "failed"]
    model_id: str
    created_at: str
    updated_at: str
    summary: ResultsSummary | None


class Organization(TypedDict):
    """The caller's organization."""

    id: str
    name: str


class Outcome(TypedDict):
    """A possible outcome of a user's visit, and what it is worth."""

    key: str
    weight: float
    match: OutcomeMatch


class OutcomeMatch(TypedDict):
    """The rewards that belong to an outcome."""

    by: Literal["name", "value"]
    value: str | float


class OutcomeMatchRequest(TypedDict):
    """The rewards that belong to an outcome."""

    by: Literal["name", "value"]
    value: str | float


class OutcomeMixPage(TypedDict):
    """A page of the outcome mix."""

    health: Health
    as_of: str | None
    notes: list[str]
    outcomes: list[OutcomeWeight]
    context_factors: list[str]
    rows: list[OutcomeMixRow]
    next_cursor: str | None


class OutcomeMixRow(TypedDict):
    """Users with the same day, arm, variant, outcome and context."""

    day: str
    in_holdout: bool
    variant: str
    outcome_key: str
    users: int
    context: dict[str, str]


class OutcomeWeight(TypedDict):
    """An outcome and what it is worth."""

    key: str
    weight: float


class OutcomeRequest(TypedDict):
    """A possible outcome of a user's visit, and what it is worth."""

    key: str
    weight: float
    match: OutcomeMatchRequest


class PaginatedApiKeyList(TypedDict):
    """PaginatedApiKeyList"""

    api_keys: list[ApiKey]
    next_cursor: str | None


class PaginatedAssignmentSourceList(TypedDict):
    """PaginatedAssignmentSourceList"""

    assignment_sources: list[AssignmentSource]
    next_cursor: str | None


class PaginatedAuditEntryList(TypedDict):
    """PaginatedAuditEntryList"""

    audit_entries: list[AuditEntry]
    next_cursor: str | None


class PaginatedBanditModelList(TypedDict):
    """PaginatedBanditModelList"""

    models: list[BanditModel]
    next_cursor: str | None


class PaginatedMetricList(TypedDict):
    """PaginatedMetricList"""

    metrics: list[Metric]
    next_cursor: str | None


class PaginatedNoteList(TypedDict):
    """PaginatedNoteList"""

    notes: list[Note]
    next_cursor: str | None


class PaginatedOptimizationRowList(TypedDict):
    """PaginatedOptimizationRowList"""

    optimizations: list[OptimizationRow]
    next_cursor: str | None


class PaginatedPolicyVersionList(TypedDict):
    """PaginatedPolicyVersionList"""

    versions: list[PolicyVersion]
    next_cursor: str | None


class PaginatedShareLinkList(TypedDict):
    """PaginatedShareLinkList"""

    share_links: list[ShareLink]
    next_cursor: str | None


class PaginatedTrainingRunList(TypedDict):
    """PaginatedTrainingRunList"""

    training_runs: list[TrainingRun]
    next_cursor: str | None


class PatchedApiKeyRequest(TypedDict):
    """What a key has that may change later."""

    label: NotRequired[str]
    expires_at: NotRequired[str | None]
    rewards: NotRequired[list[RewardBoundsRequest]]
    origins: NotRequired[list[str]]


class PatchedAssignmentSourceRequest(TypedDict):
    """The body of an assignment source."""

    name: NotRequired[str]
    sql: NotRequired[str]
    default: NotRequired[bool]
    column_mapping: NotRequired[AssignmentSourceMappingRequest]


class PatchedMetricRequest(TypedDict):
    """The body of a new metric, or of a change."""

    name: NotRequired[str]
    sql: NotRequired[str]
    column_mapping: NotRequired[ColumnMappingRequest]
    outcomes: NotRequired[list[OutcomeRequest] | None]
    direction: NotRequired[Literal["increase", "decrease"]]
    look_back_days: NotRequired[int]
    value_per_conversion: NotRequired[float | None]
    currency: NotRequired[str | None]


class PatchedNoteRequest(TypedDict):
    """The body of a new note, or of a change."""

    date: NotRequired[str]
    text: NotRequired[str]


class PatchedOptimizationChangeRequest(TypedDict):
    """The body of a change; missing fields stay as they are."""

    name: NotRequired[str]
    training_data_config: NotRequired[TrainingDataConfigRequest]
    reward_metric_id: NotRequired[str | None]
    guardrail_metric_ids: NotRequired[list[str]]
    holdout_percentage: NotRequired[float]
    excluded_combinations: NotRequired[list[dict[str, str | bool | float]]]
    assignment_source_id: NotRequired[str | None]
    retrain_every_minutes: NotRequired[int]
    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    expected_users: NotRequired[int | None]
    allowed_origins: NotRequired[list[str]]
    public_policy: NotRequired[bool]
    status: NotRequired[
        Literal["draft", "live", "paused", "shipped", "completed", "archived"]
    ]
    confirm: NotRequired[bool]


class PatchedVariantChangeRequest(TypedDict):
    """The body that enables or disables a variant."""

    enabled: NotRequired[bool]


class Policy(TypedDict):
    """The allocation table that serves."""

    optimization_id: str
    status: str
    version: int
    revision: int
    variants: list[PolicyVariant]
    context_factors: list[PolicyContextFactor]
    contexts: list[PolicyRow]
    holdout: PolicyHoldout
    draw_rule: str
    draw: str
    model_id: NotRequired[str]


class PolicyContextFactor(TypedDict):
    """A context factor, with its levels as they are compared."""

    name: str
    levels: list[str]


class PolicyEvaluation(TypedDict):
    """What the policy would have earned beside what was served, on the same users."""

    optimization_id: str
    policy: dict[str, Any] | Literal["without_context", "candidate"]
    from_version: int
    to_version: int | None
    estimators: Estimators | None
    served: Estimators | None
    difference: EstimatedDifference | None
    unavailable: dict[str, str]
    metric_id: str
    as_of: str | None
    health: Health
    users: EvaluatedUsers


class PolicyHoldout(TypedDict):
    """Who is held out."""

    percentage: float
    threshold: str
    variant_number: int
    rule: str


class PolicyRow(TypedDict):
    """The probabilities in one context, variants in the order of their numbers."""

    context: dict[str, Any]
    probabilities: list[float]


class PolicyVariant(TypedDict):
    """A variant of the table."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool


class PolicyVersion(TypedDict):
    """What a policy version served, and which variants it took to be best."""

    version: int
    created_at: str
    cause: Literal["start", "training", "variants"]
    training_run_id: str | None
    weights: dict[str, float]
    prob_best: dict[str, float] | None
    unavailable: dict[str, str]


class PresentConnection(TypedDict):
    """The organization's connection; its provider is `managed` where none was made."""

    connection: UsedConnection


class PreviewLimitRequest(TypedDict):
    """The body of a preview: how many rows it returns."""

    limit: NotRequired[int]


class PreviewRequest(TypedDict):
    """The body of a preview of an unsaved metric."""

    sql: str
    limit: NotRequired[int]
    column_mapping: ColumnMappingRequest


class Progress(TypedDict):
    """How far an optimization is."""

    health: Health
    as_of: str | None
    notes: list[str]
    days_running: int
    users: ArmUsers
    conversions: int
    rewarded_users: int
    mature_users: int
    mature_conversions: int
    estimated_progress: float | None
    winner: Winner | None
    stable_since: str | None
    days_to_decision: int | None
    days_to_decision_interval: list[int | None] | None
    unavailable: dict[str, str]


class PutCandidateRequest(TypedDict):
    """How the candidate learns; missing settings are those of the live model."""

    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    ignored_context_factors: NotRequired[list[str]]


class Quartiles(TypedDict):
    """A share and its quartiles."""

    q1: float
    q3: float
    mean: float


class QueryRows(TypedDict):
    """Rows of a query."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: NotRequired[int]
    row_count: int


class QueryRequest(TypedDict):
    """The body of a query."""

    sql: str
    limit: NotRequired[int]


class RegimeResult(TypedDict):
    """One configuration, and the mature users of both arms under it."""

    number: int
    metric_revision: int
    in_lift: bool
    starts_at: str
    reason: str
    holdout_percentage: float
    optimization_exposures: int
    holdout_exposures: int
    optimization_rate: float | None
    holdout_rate: float | None


class RejectedEvent(TypedDict):
    """Why one event was not stored."""

    index: int
    code: str
    message: str


class ReportData(TypedDict):
    """Everything in one document.

    A part that fails is `{"error": …}`.
    """

    health: Health
    as_of: str | None
    optimization: dict[str, Any]
    results: dict[str, Any]
    holdout_daily: dict[str, Any]
    outcome_mix: dict[str, Any]
    guardrails: dict[str, Any]
    policy_lift_history: dict[str, Any]


class Results(TypedDict):
    """Results of an optimization; every null has its reason under `unavailable`."""

    optimization_id: str
    as_of: str | None
    health: Health
    notes: list[str]
    stats: ModelStats
    primary_metric_vs_holdout: MeasuredLift | None
    worth: Worth
    even_split: EvenSplit
    checks: dict[str, Any]
    variants: list[VariantResult]
    factor_importance: list[FactorImportance] | None
    factor_utilities: list[FactorUtility] | None
    interaction_importance: Quartiles | None
    interactions: list[Interaction] | None
    context_importance: list[ContextImportance] | None
    contexts: list[ContextResult] | None
    time_series: list[DailyCounts]
    model: ModelNotes
    unavailable: dict[str, str]


class ResultsSummary(TypedDict):
    """The results of an optimization in short, for lists."""

    variants_count: int
    lift: float | None
    lift_ci_anytime: list[float] | None
    difference: float | None
    difference_ci: list[float | None] | None
    difference_ci_anytime: list[float | None] | None
    confidence: float | None
    exposures: int
    as_of: str | None
    unavailable: dict[str, str]
    notes: list[str]
    health: Health


class RevenueChange(TypedDict):
    """Whether revenue has changed: any of the three companions, at a third of the error."""

    p_value: float | None
    p_value_anytime: float | None


class Reward(TypedDict):
    """The name of the reward, and the kind of its metric."""

    name: str
    type: Literal["bool", "numeric", "outcomes"]


class RewardBatchRequest(TypedDict):
    """A batch of rewards."""

    events: list[RewardEventRequest]


class RewardBounds(TypedDict):
    """A reward that a publishable key may send, with the values it may have."""

    name: str
    min: float
    max: float


class RewardBoundsRequest(TypedDict):
    """A reward that a publishable key may send, with the values it may have."""

    name: str
    min: float
    max: float


class RewardEventRequest(TypedDict):
    """A user did something."""

    anonymous_id: str
    name: str
    value: NotRequired[float]
    timestamp: NotRequired[str]
    optimization_id: NotRequired[str | None]
    properties: NotRequired[dict[str, Any] | None]
    idempotency_key: NotRequired[str | None]


class RewardWithOutcomes(TypedDict):
    """The reward with the weighted outcomes of its metric, if it has any."""

    name: str
    type: Literal["bool", "numeric", "outcomes"]
    outcomes: list[dict[str, Any]]


class RewardRequest(TypedDict):
    """The name of the reward, and the kind of its metric."""

    name: str
    type: Literal["bool", "numeric", "outcomes"]


class RotateApiKeyRequest(TypedDict):
    """The request body of a rotation."""

    overlap_hours: NotRequired[float]


class Rotation(TypedDict):
    """A rotation whose overlap has not ended: two secrets work."""

    previous_prefix: str
    overlap_ends_at: str


class SavedAssignmentSource(TypedDict):
    """An assignment source that was just saved."""

    id: str
    name: str
    sql: str
    default: bool
    column_mapping: Any
    created_at: str
    updated_at: NotRequired[str | None]
    warnings: list[str]


class SavedConnection(TypedDict):
    """A connection that was just tested and stored."""

    id: str
    provider: Literal["bigquery", "snowflake", "postgres", "managed"]
    project_id: NotRequired[str]
    dataset_id: NotRequired[str]
    warnings: NotRequired[list[str]]


class SavedMetric(TypedDict):
    """A metric that was just saved."""

    id: str
    name: str
    sql: str
    column_mapping: MetricMapping
    outcomes: list[Outcome] | None
    direction: NotRequired[Literal["increase", "decrease"]]
    look_back_days: NotRequired[int]
    value_per_conversion: NotRequired[float | None]
    currency: NotRequired[str | None]
    created_at: str
    updated_at: NotRequired[str | None]
    warnings: list[str]


class ServeRequest(TypedDict):
    """ServeRequest"""

    anonymous_id: str
    context: NotRequired[dict[str, str | float | bool | None]]
    dry_run: NotRequired[bool]
    record: NotRequired[bool]


class ShareLink(TypedDict):
    """A share link without its address, of which only a digest is stored."""

    id: str
    label: str
    created_by: str
    created_at: str
    expires_at: str
    last_opened_at: str | None
    times_opened: int


class ShareLinkWithUrl(TypedDict):
    """A new share link: the only response that has its address."""

    id: str
    label: str
    created_by: str
    created_at: str
    expires_at: str
    last_opened_at: str | None
    times_opened: int
    url: str


class ShareLinkRequest(TypedDict):
    """The body of a new share link."""

    label: NotRequired[str]
    expires_in_days: NotRequired[Literal[7, 30, 90]]


class ShippedOptimization(TypedDict):
    """An optimization that was just shipped, and on which figures."""

    id: str
    name: str
    status: Literal["draft", "live", "paused", "shipped", "completed", "archived"]
    model_id: str
    model_type: Literal["mab", "cmab"]
    model_status: Literal["untrained", "training", "trained", "failed"]
    training_data_config: TrainingDataConfig
    reward_metric_id: str | None
    reward_metric: MetricSummary | None
    guardrail_metric_ids: list[str]
    guardrail_metrics: list[MetricSummary]
    holdout_percentage: NotRequired[float]
    excluded_combinations: list[dict[str, Any]]
    assignment_source_id: str | None
    retrain_every_minutes: NotRequired[int]
    allocation: NotRequired[Literal["default", "thompson", "uniform"]]
    exploration_share: NotRequired[float]
    ignored_context_factors: list[str]
    expected_users: NotRequired[int | None]
    allowed_origins: list[str]
    public_policy: NotRequired[bool]
    variants_count: int
    reward_conversion_window: int
    policy_version: int
    created_at: str
    updated_at: str
    went_live_at: NotRequired[str | None]
    model_config: ModelConfig
    health: Health
    confirmed: bool


class SourcePreviewRequest(TypedDict):
    """The body of a preview of an assignment source that is not saved."""

    limit: NotRequired[int]
    sql: str
    column_mapping: AssignmentSourceMappingRequest


class StratifiedLift(TypedDict):
    """The measured lift, with its interval at one look."""

    lift_percent: float | None
    lift_ci: list[float] | None
    unavailable: dict[str, str]


class Table(TypedDict):
    """A table that a customer's query may read; `rows` is None if it is not known."""

    schema: str
    name: str
    type: str
    rows: NotRequired[int]


class TableList(TypedDict):
    """Tables that a query may read; `truncated` says that there are more: search."""

    tables: list[Table]
    truncated: bool


class TrackRequest(TypedDict):
    """TrackRequest"""

    key: NotRequired[str]
    anonymous_id: str
    events: list[TrackedRewardRequest | TrackedExposureRequest]


class TrackedExposureRequest(TypedDict):
    """TrackedExposureRequest"""

    type: Literal["exposure"]
    optimization_id: str
    variant_number: int
    policy_version: int
    context: NotRequired[dict[str, Any]]
    timestamp: NotRequired[str]
    idempotency_key: NotRequired[str]


class TrackedRewardRequest(TypedDict):
    """TrackedRewardRequest"""

    type: Literal["reward"]
    name: str
    value: NotRequired[float]
    timestamp: NotRequired[str]
    idempotency_key: NotRequired[str]


class TrainRequest(TypedDict):
    """The optional body of a training; `bias` widens the exploration of a factor."""

    bias: NotRequired[dict[str, float]]


class TrainingDataConfig(TypedDict):
    """What varies, what it may depend on, and which reward counts."""

    reward: Reward
    design_factors: list[Factor]
    context_factors: NotRequired[list[Factor]]
    attribution: NotRequired[Attribution]


class TrainingDataConfigRequest(TypedDict):
    """What varies, what it may depend on, and which reward counts."""

    reward: RewardRequest
    design_factors: list[FactorRequest]
    context_factors: NotRequired[list[FactorRequest]]
    attribution: NotRequired[AttributionRequest]


class TrainingResult(TypedDict):
    """The response to a training request: trained, or still training."""

    model_id: str
    training_run_id: str
    status: Literal["trained", "training"]
    policy_version: NotRequired[int]
    in_sample_metrics: NotRequired[InSampleMetrics]
    notes: NotRequired[list[str]]


class TrainingRun(TypedDict):
    """One training run."""

    id: str
    model_id: str
    status: NotRequired[
        Literal["queued", "running", "succeeded", "failed", "cancelled"]
    ]
    progress: NotRequired[float]
    rows_read: NotRequired[int | None]
    seconds: dict[str, float]
    error: str | None
    notes: list[str]
    bias: dict[str, float]
    requested_by: str
    attempts: NotRequired[int]
    cancel_requested: NotRequired[bool]
    in_sample_metrics: InSampleMetrics | None
    policy_version: NotRequired[int | None]
    created_at: str
    updated_at: str
    started_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]


class TrainingSettings(TypedDict):
    """The settings of training."""

    allocation: Literal["default", "thompson", "uniform"]
    exploration_share: float
    ignored_context_factors: list[str]


class UsedConnection(TypedDict):
    """A connection, or the managed warehouse, on which every organization starts."""

    id: str | None
    provider: Literal["bigquery", "snowflake", "postgres", "managed"]
    project_id: NotRequired[str]
    dataset_id: NotRequired[str]


class VariantDetails(TypedDict):
    """A variant of an optimization."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    excluded: bool
    screenshot: str | None


class VariantList(TypedDict):
    """Every variant of an optimization, by number."""

    variants: list[VariantDetails]


class VariantProbability(TypedDict):
    """How probable a variant was, and its uniform in the draw."""

    number: int
    variant_key: str
    probability: float
    u: float | None


class VariantResult(TypedDict):
    """What was counted of a variant, and what the model says of it."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    exposures: int
    conversions: int
    rate: float | None
    users: int
    rewarded_users: int
    mature_users: int
    mature_conversions: int
    user_rate: float | None
    mean_reward: float | None
    weight: float | None
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


class VariantState(TypedDict):
    """What is known of a variant; figures are null before the first training."""

    number: int
    variant: dict[str, Any]
    enabled: bool | None
    exposures: int
    conversions: int
    users: int
    mature_users: int | None
    mature_conversions: int | None
    weight: float | None
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


class Winner(TypedDict):
    """The leader, if its interval over the baseline excludes 0, and what it is served."""

    number: int
    share: float


class Worth(TypedDict):
    """The measured difference per user, for all optimized users who are compared.

    Intervals hold at any number of looks together.
    """

    users: int
    extra: float | None
    extra_ci_anytime: list[float | None] | None
    amount: float | None
    amount_ci_anytime: list[float | None] | None
    currency: str | None
    unavailable: dict[str, str]
