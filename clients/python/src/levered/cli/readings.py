"""Commands that read what came of an optimization."""

from collections.abc import Iterable
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from levered.cli.options import (
    printing,
    read_pairs,
    refuse_together,
    section_option,
)
from levered.cli.reading_columns import (
    CANDIDATE,
    CURVE,
    EVALUATION,
    GUARDRAILS,
    HISTORY,
    HOLDOUT_DAILY,
    MEASURED,
    OBSERVATIONS,
    OUTCOME_MIX,
    PROGRESS,
    VARIANTS,
    list_reasons,
)
from levered.cli.session import Session, build_fields
from levered.cli.tables import build_table, make_printable
from levered.cli.watching import WatchingCommand, watching

# Of results, the rows that --csv may print.
SECTIONS = (
    *("variants", "lift", "stats", "even_split", "contexts", "time_series"),
    *("factor_importance", "factor_utilities", "interactions", "context_importance"),
    *("regimes", "checks", "health"),
)


def render_results(document: Any) -> RenderableType:
    """Return lift, health and variants for people."""
    parts: list[RenderableType] = [build_fields(document, MEASURED)]
    parts += [Text(make_printable(line)) for line in list_reasons(document, MEASURED)]
    parts.append("")
    parts.append(build_table("variants", VARIANTS, document["variants"]))
    return Group(*parts)


@click.command("results", cls=WatchingCommand)
@click.argument("optimization")
@click.option("--refresh", is_flag=True, help="Count in the warehouse first.")
@watching
@section_option(*SECTIONS)
@printing(rows=True)
@click.pass_obj
def show_results(
    session: Session,
    optimization: str,
    watch: float | None,
    section: str | None,
    *,
    refresh: bool,
) -> None:
    """Show lift, intervals and variants; --csv has the variants, or another section.

    With --watch and --json each line is one document.
    """
    refuse_together(watch=watch, csv=session.output == "csv")
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "results", section=section, refresh=refresh or None)
        return

    def read() -> Any:
        return session.client.results.get(name, refresh=refresh).data

    if watch:
        session.watch(read, render_results, watch)
    elif session.output == "table":
        session.console.print(render_results(read()))
    else:
        document = read()
        session.show_rows(VARIANTS, document["variants"], document=document)


def _take_csv(session: Session, name: str, reading: str, **options: Any) -> None:
    session.take_csv("optimizations", name, reading, **options)


def _print_reasons(session: Session, lines: Iterable[str]) -> None:
    """Print reasons below a table; documents and CSV stay as they are."""
    if session.output == "table":
        for line in lines:
            click.echo(make_printable(line))


@click.command("progress")
@click.argument("optimization")
@click.option("--refresh", is_flag=True, help="Count in the warehouse first.")
@printing(rows=True)
@click.pass_obj
def show_progress(session: Session, optimization: str, *, refresh: bool) -> None:
    """Show how far it is, and when it may be decided."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "progress", refresh=refresh or None)
        return
    document = session.client.results.progress(name, refresh=refresh)
    session.show_fields(document, PROGRESS)
    _print_reasons(session, list_reasons(document, PROGRESS))


@click.command("guardrails")
@click.argument("optimization")
@click.option("--refresh", is_flag=True, help="Count in the warehouse first.")
@printing(rows=True)
@click.pass_obj
def show_guardrails(session: Session, optimization: str, *, refresh: bool) -> None:
    """Show the guardrail metrics, arm against arm."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "guardrails", refresh=refresh or None)
        return
    document = session.client.results.guardrails(name, refresh=refresh)
    rows = document["guardrails"]
    session.show_rows(GUARDRAILS, rows, title="guardrails", document=document)
    _print_reasons(session, list_reasons(document))


@click.command("lift-history")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def show_lift_history(session: Session, optimization: str) -> None:
    """Show the lift of each day, as it was published that day."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "lift-history")
        return
    document = session.client.results.lift_history(name)
    rows = document["daily"]
    session.show_rows(HISTORY, rows, title="lift history", document=document)


@click.command("lift-curve")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def show_lift_curve(session: Session, optimization: str) -> None:
    """Show the measured lift of each day with both intervals."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "lift-curve")
        return
    document = session.client.results.lift_curve(name)
    rows = document["daily"]
    session.show_rows(CURVE, rows, title="lift curve", document=document)
    _print_reasons(session, list_reasons(document))


@click.command("observations")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def show_observations(session: Session, optimization: str) -> None:
    """Show the counts behind every figure, newest day first."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "observations", limit=100)
        return
    rows = session.client.results.observations(name)
    session.show_rows(OBSERVATIONS, rows, title="observations")


@click.command("holdout-daily")
@click.argument("optimization")
@click.option("--refresh", is_flag=True, help="Count in the warehouse first.")
@printing(rows=True)
@click.pass_obj
def show_holdout_daily(session: Session, optimization: str, *, refresh: bool) -> None:
    """Show the sums of both arms by day, of the reward and of each guardrail."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "holdout-daily", refresh=refresh or None)
        return
    document = session.client.results.holdout_daily(name, refresh=refresh)
    rows = [
        {"key": metric["key"], **day}
        for metric in document["metrics"]
        for day in metric["daily"]
    ]
    session.show_rows(HOLDOUT_DAILY, rows, title="arms by day", document=document)


@click.command("outcome-mix")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def show_outcome_mix(session: Session, optimization: str) -> None:
    """Show users by day, arm, variant, outcome and context, oldest day first."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "outcome-mix", limit=10_000)
        return
    rows = session.client.results.outcome_mix(name)
    session.show_rows(OUTCOME_MIX, rows, title="outcomes")


@click.command("report-data")
@click.argument("optimization")
@click.option("--refresh", is_flag=True, help="Count in the warehouse first.")
@printing()
@click.pass_obj
def show_report_data(session: Session, optimization: str, *, refresh: bool) -> None:
    """Print everything in one JSON document."""
    name = session.find_optimization(optimization)
    session.output = "json"
    document = session.client.results.report_data(name, refresh=refresh)
    session.show_fields(document, ())


@click.command("evaluate")
@click.argument("optimization")
@click.option("--variant", type=int, help="If everybody had got this variant.")
@click.option("--version", type=int, help="If this policy version had served.")
@click.option("--candidate", is_flag=True, help="If the candidate had served.")
@printing(rows=True)
@click.pass_obj
def evaluate_policy(
    session: Session,
    optimization: str,
    variant: int | None,
    version: int | None,
    *,
    candidate: bool,
) -> None:
    """Show what another policy would have earned; by default one without context."""
    refuse_together(variant=variant, version=version, candidate=candidate)
    policy: Any = "candidate" if candidate else "without_context"
    if variant is not None:
        policy = {"variant": variant}
    if version is not None:
        policy = {"version": version}
    name = session.find_optimization(optimization)
    if session.output == "csv":
        _take_csv(session, name, "evaluate", body={"policy": policy})
        return
    document = session.client.results.evaluate(name, policy)
    session.show_fields(document, EVALUATION)


@click.command("candidate")
@click.argument("optimization")
@click.option(
    "--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Learn by this."
)
@click.option("--promote", is_flag=True, help="Let it serve from now on.")
@click.option("--delete", is_flag=True, help="Forget it.")
@printing(rows=True)
@click.pass_obj
def show_candidate(
    session: Session,
    optimization: str,
    fields: tuple[str, ...],
    *,
    promote: bool,
    delete: bool,
) -> None:
    """Show the candidate: a second model that learns by other settings."""
    refuse_together(set=fields, promote=promote, delete=delete)
    if session.output == "csv":
        refuse_together(csv=True, promote=promote, delete=delete)
    name, results = session.find_optimization(optimization), session.client.results
    if promote:
        session.say("the candidate serves", results.promote_candidate(name))
    elif delete:
        results.delete_candidate(name)
        session.say("the candidate is gone", {"optimization_id": name, "deleted": True})
    else:
        changed = results.set_candidate(name, **read_pairs(fields)) if fields else None
        if session.output == "csv":
            _take_csv(session, name, "candidate")
        else:
            session.show_fields(changed or results.candidate(name), CANDIDATE)


COMMANDS = (
    show_results,
    show_progress,
    show_guardrails,
    show_lift_history,
    show_lift_curve,
    show_observations,
    show_holdout_daily,
    show_outcome_mix,
    show_report_data,
    evaluate_policy,
    show_candidate,
)
