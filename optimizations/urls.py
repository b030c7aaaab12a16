"""URL routes of optimizations."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from optimizations.views.candidates import CandidateViewSet
from optimizations.views.decisions import DecisionViewSet
from optimizations.views.edge_decisions import EdgeDecisionsView
from optimizations.views.erasure import PersonViewSet
from optimizations.views.evaluation import EvaluationViewSet
from optimizations.views.ingest import ExposuresView, RewardsView
from optimizations.views.model_state import ModelStateViewSet
from optimizations.views.notes import NoteViewSet
from optimizations.views.optimizations import OptimizationViewSet
from optimizations.views.policy import PolicyViewSet
from optimizations.views.public_policy import get_policy
from optimizations.views.result_details import ResultDetailsViewSet
from optimizations.views.results import ResultsViewSet
from optimizations.views.serve import (
    serve_best_variant,
    serve_best_variants,
    serve_variant,
)
from optimizations.views.share_links import ShareLinkViewSet
from optimizations.views.track import track_events
from optimizations.views.variants import ScreenshotViewSet, VariantViewSet


class AnyTextConverter(StringConverter):
    """A part of a path that may hold anything, a slash or a line feed included.

    Users whose ids were stored before such ids were refused can be read and erased.
    """

    regex = r"[\s\S]+"  # the API document has it, and ECMA-262 no flags inside


register_converter(AnyTextConverter, "any_text")

public_routes = [
    path("optimizations/best-variant", serve_best_variant),
    path("optimizations/best-variants", serve_best_variants),
    path("optimizations/<id:pk>/serve", serve_variant),
    path("optimizations/<id:pk>/policy", get_policy),
]

optimization_routes = [
    path(
        "optimizations",
        OptimizationViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "optimizations/<id:pk>",
        OptimizationViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("optimizations/<id:pk>/ship", OptimizationViewSet.as_view({"post": "ship"})),
    path("optimizations/<id:pk>/stop", OptimizationViewSet.as_view({"post": "stop"})),
    path(
        "optimizations/<id:pk>/archive",
        OptimizationViewSet.as_view({"post": "archive"}),
    ),
    path(
        "optimizations/<id:pk>/unarchive",
        OptimizationViewSet.as_view({"post": "unarchive"}),
    ),
]

variant_routes = [
    path("optimizations/<id:pk>/variants", VariantViewSet.as_view({"get": "retrieve"})),
    path(
        "optimizations/<id:pk>/variants/<int:number>",
        VariantViewSet.as_view({"patch": "partial_update"}),
    ),
    path(
        "optimizations/<id:pk>/variants/by-number/<int:number>/screenshot",
        ScreenshotViewSet.as_view({"get": "show", "put": "keep"}),
    ),
    path(
        "optimizations/<id:pk>/decisions/<any_text:anonymous_id>",
        DecisionViewSet.as_view({"get": "retrieve"}),
    ),
]

learning_routes = [
    path("ingest/exposures", ExposuresView.as_view()),
    path("ingest/rewards", RewardsView.as_view()),
    path("track", track_events),
    path("optimizations/<id:pk>/decisions", EdgeDecisionsView.as_view()),
    path("models/<id:pk>/state", ModelStateViewSet.as_view({"get": "state"})),
    path("models/<id:pk>/policy", PolicyViewSet.as_view({"get": "retrieve"})),
    path("optimizations/<id:pk>/results", ResultsViewSet.as_view({"get": "results"})),
    path(
        "optimizations/<id:pk>/evaluate",
        EvaluationViewSet.as_view({"post": "evaluate"}),
    ),
]

candidate_routes = [
    path(
        "optimizations/<id:pk>/candidate",
        CandidateViewSet.as_view(
            {"get": "retrieve", "put": "replace", "delete": "destroy"}
        ),
    ),
    path(
        "optimizations/<id:pk>/candidate/promote",
        CandidateViewSet.as_view({"post": "promote"}),
    ),
]

note_routes = [
    path(
        "optimizations/<id:optimization_id>/notes",
        NoteViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "optimizations/<id:optimization_id>/notes/<id:pk>",
        NoteViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
]

share_link_routes = [
    path(
        "optimizations/<id:optimization_id>/share-links",
        ShareLinkViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "optimizations/<id:optimization_id>/share-links/<id:pk>",
        ShareLinkViewSet.as_view({"delete": "destroy"}),
    ),
]

erasure_routes = [
    path(
        "warehouse/users/<any_text:anonymous_id>",
        PersonViewSet.as_view({"delete": "destroy"}),
    ),
]

result_detail_routes = [
    path(
        f"optimizations/<id:pk>/{name}",
        ResultDetailsViewSet.as_view({"get": name.replace("-", "_")}),
    )
    for name in (
        *("progress", "guardrails", "lift-history", "lift-curve", "holdout-daily"),
        *("outcome-mix", "report-data", "observations"),
    )
]

urlpatterns = [
    *public_routes,
    *optimization_routes,
    *variant_routes,
    *learning_routes,
    *candidate_routes,
    *note_routes,
    *share_link_routes,
    *erasure_routes,
    *result_detail_routes,
]
