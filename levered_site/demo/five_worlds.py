"""The five optimizations of the demo, each with the verdict that its page should have."""

from levered_site.demo.world import Goal, Loss, Step, World, build_chance

EUROS = {"currency": "EUR"}
TO_AVOID = {"direction": "decrease"}
CLEAR_WINNER = World(
    name="Sign-up page",
    slug="sign-up",
    intended="works",
    days=28,
    visitors_a_day=1500,
    holdout_percentage=20,
    factors={
        "headline": ["Start free", "Save hours", "Join 9,000 teams"],
        "layout": ["one column", "two columns"],
        "price": ["monthly", "yearly"],
    },
    contexts={"device": {"desktop": 0.6, "mobile": 0.4}},
    reward=Goal(
        "Sign-up",
        "signup",
        build_chance(
            0.06,
            {
                ("Save hours",): 0.3,
                ("Join 9,000 teams",): 0.05,
                ("yearly",): 0.12,
                ("two columns", "mobile"): -0.35,
            },
        ),
        fields={"value_per_conversion": 24, **EUROS},
    ),
    guardrails=[
        Goal("Support ticket", "support_ticket", build_chance(0.05), fields=TO_AVOID)
    ],
    steps=[
        Step(10, "POST", "/notes", {"text": "Autumn campaign: more visitors from ads"}),
        Step(19, "POST", "/notes", {"text": "Prices of the yearly plan are rounded"}),
    ],
    screenshots="sign_up_page",
)
TOO_EARLY = World(
    name="Pricing page: order of plans",
    slug="pricing",
    intended="early",
    days=16,
    visitors_a_day=250,
    holdout_percentage=20,
    factors={
        "order": ["cheapest first", "dearest first"],
        "highlight": ["nothing", "most popular"],
    },
    contexts={"team": {"small": 0.7, "large": 0.3}},
    reward=Goal(
        "Upgrade",
        "upgrade",
        build_chance(0.05, {("most popular",): 0.15, ("dearest first",): 0.06}),
    ),
    steps=[Step(12, "POST", "/notes", {"text": "Sales asks for a decision by Friday"})],
)
BROKEN_SPLIT = World(
    name="Onboarding: first project",
    slug="onboarding",
    intended="broken",
    days=18,
    visitors_a_day=600,
    holdout_percentage=15,
    factors={
        "start": ["blank project", "sample project"],
        "tour": ["no tour", "video", "checklist"],
    },
    contexts={"plan": {"free": 0.8, "paid": 0.2}},
    reward=Goal(
        "Project created",
        "project_created",
        build_chance(0.3, {("sample project",): 0.2, ("checklist",): 0.1}),
    ),
    steps=[
        Step(6, "PATCH", "", {"holdout_percentage": 20}),
        Step(11, "POST", "/notes", {"text": "Release 4.2: pages come from the CDN"}),
    ],
    loss=Loss(first_day=11, share=0.4),
)
GUARDRAIL_SUFFERS = World(
    name="Checkout: payment step",
    slug="checkout",
    intended="guardrail",
    days=21,
    visitors_a_day=900,
    holdout_percentage=20,
    factors={
        "payment": ["three steps", "one click"],
        "button": ["Buy now", "Pay securely"],
        "trust": ["no badges", "badges"],
    },
    contexts={"device": {"desktop": 0.5, "mobile": 0.5}},
    reward=Goal(
        "Revenue",
        "purchase",
        build_chance(0.12, {("one click",): 0.25, ("badges",): 0.05}),
        mean_amount=48.0,
        fields=EUROS,
    ),
    guardrails=[
        Goal(
            "Refund request",
            "refund",
            build_chance(0.02, {("one click",): 0.75}),
            fields=TO_AVOID,
        ),
        Goal("Page error", "page_error", build_chance(0.03), fields=TO_AVOID),
    ],
    steps=[
        Step(14, "POST", "/notes", {"text": "Black Friday week begins"}),
        Step(18, "POST", "/notes", {"text": "Support reports more refund requests"}),
    ],
)
PERSONALIZED = World(
    name="Home page: hero",
    slug="home",
    intended="works",
    days=24,
    visitors_a_day=1000,
    holdout_percentage=20,
    factors={
        "hero": ["product tour", "customer story", "live numbers", "carousel"],
        "call": ["Start a free trial", "See a demo"],
    },
    contexts={
        "device": {"desktop": 0.55, "mobile": 0.45},
        "visitor": {"new": 0.65, "returning": 0.35},
    },
    reward=Goal(
        "Trial",
        "trial",
        build_chance(
            0.07,
            {
                ("customer story", "new"): 0.35,
                ("customer story", "mobile"): 0.15,
                ("live numbers", "returning"): 0.5,
                ("live numbers", "mobile"): -0.25,
                ("See a demo", "desktop"): 0.25,
                ("See a demo", "mobile"): -0.35,
                ("carousel",): -0.3,
            },
        ),
        fields={"value_per_conversion": 60, **EUROS},
    ),
    steps=[
        Step(9, "PATCH", "/variants/8", {"enabled": False}),
        Step(9, "POST", "/notes", {"text": "The carousel with a demo call is off"}),
    ],
)
WORLDS = (
    CLEAR_WINNER,
    TOO_EARLY,
    BROKEN_SPLIT,
    GUARDRAIL_SUFFERS,
    PERSONALIZED,
)
