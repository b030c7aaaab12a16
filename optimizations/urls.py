"""Addresses of optimizations, as a table of contents."""

from django.urls import path

from optimizations.views.candidates import CandidateViewSet
from optimizations.views.decisions import DecisionViewSet
from optimizations.views.erasure import PersonViewSet
from optimizations.views.evaluation import EvaluationViewSet
from optimizations.views.ingest import ExposuresView, RewardsView
from optimizations.views.management import OptimizationViewSet
from optimizations.views.policy import PolicyViewSet
from optimizations.views.readings import ReadingsViewSet
from optimizations.views.results import ResultsViewSet
from optimizations.views.serve import best_variant, serve
from optimizations.views.variants import ScreenshotViewSet, VariantViewSet

public = [
    path("optimizations/best-variant", best_variant),
    path("optimizations/<uuid:pk>/serve", serve),
]

management = [
    path(
        "optimizations",
        OptimizationViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "optimizations/<uuid:pk>",
        OptimizationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("optimizations/<uuid:pk>/ship", OptimizationViewSet.as_view({"post": "ship"})),
    path("optimizations/<uuid:pk>/stop", OptimizationViewSet.as_view({"post": "stop"})),
    path(
        "optimizations/<uuid:pk>/archive",
        OptimizationViewSet.as_view({"post": "archive"}),
    ),
]

variants = [
    path(
        "optimizations/<uuid:pk>/variants", VariantViewSet.as_view({"get": "retrieve"})
    ),
    path(
        "optimizations/<uuid:pk>/variants/<int:number>",
        VariantViewSet.as_view({"patch": "partial_update"}),
    ),
    path(
        "optimizations/<uuid:pk>/variants/by-number/<int:number>/screenshot",
        ScreenshotViewSet.as_view({"get": "show", "put": "keep"}),
    ),
    path(
        "optimizations/<uuid:pk>/decisions/<path:anonymous_id>",
        DecisionViewSet.as_view({"get": "retrieve"}),
    ),
]

learning = [
    path("ingest/exposures", ExposuresView.as_view()),
    path("ingest/rewards", RewardsView.as_view()),
    path("models/<uuid:pk>/policy", PolicyViewSet.as_view({"get": "retrieve"})),
    path("optimizations/<uuid:pk>/results", ResultsViewSet.as_view({"get": "results"})),
    path(
        "optimizations/<uuid:pk>/evaluate",
        EvaluationViewSet.as_view({"post": "evaluate"}),
    ),
]

candidates = [
    path(
        "optimizations/<uuid:pk>/candidate",
        CandidateViewSet.as_view(
            {"get": "retrieve", "put": "put", "delete": "destroy"}
        ),
    ),
    path(
        "optimizations/<uuid:pk>/candidate/promote",
        CandidateViewSet.as_view({"post": "promote"}),
    ),
]

people = [
    path(
        "warehouse/users/<path:anonymous_id>",
        PersonViewSet.as_view({"delete": "destroy"}),
    ),
]

readings = [
    path(
        f"optimizations/<uuid:pk>/{reading}",
        ReadingsViewSet.as_view({"get": reading.replace("-", "_")}),
    )
    for reading in (
        *("progress", "guardrails", "lift-history", "holdout-daily", "outcome-mix"),
        *("report-data", "observations"),
    )
]

urlpatterns = [
    *(*public, *management, *variants, *learning, *candidates, *people, *readings)
]
