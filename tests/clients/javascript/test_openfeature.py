"""OpenFeature's own SDKs, for pages and servers, ask our providers."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization, Variant
from tests.support import chromium, factories, tracking
from tests.support.javascript_client import PACKAGE, read_example, run_node
from tests.support.optimization_factories import make_live_optimization
from tests.support.shop_site import Site, wait_until
from warehouse.models import ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("npm_packages"),
]

OWN_PROGRAMS = Path(__file__).parent / "programs"
PAGE = """<!doctype html><h1></h1><button>Buy</button>
<script type="importmap">{"imports": {"@openfeature/core": "./core.js"}}</script>
<script type="module">
import { OpenFeature } from "./web-sdk.js";
import { LeveredClient } from "./sdk/index.js";
import { LeveredWebProvider } from "./sdk/openfeature.js";

window.errors = [];
window.client = new LeveredClient({
  apiUrl: "%(url)s", apiKey: "%(key)s", timeoutMs: 15_000,
  onError: (error) => errors.push(error.message),
});
const provider = new LeveredWebProvider(client, { flags: { title: "%(id)s.headline" } });
await OpenFeature.setProviderAndWait(provider);
const flag = OpenFeature.getClient();
document.querySelector("button").onclick = () => flag.track("purchase");
document.querySelector("h1").textContent = flag.getStringValue("title", "Fallback");
</script>
"""
SDKS = pytest.mark.parametrize("sdk", ["server", "web"])
USER = {"targetingKey": "visitor-1", "device": "mobile", "account": {"plan": "pro"}}


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a call to action that is true or false."""
    return make_live_optimization(holdout_percentage=0)


def ask(
    sdk: str, url: str, optimization: Optimization, steps: list[Any], context: Any
) -> list[dict[str, Any]]:
    """Return the answers to questions, of a provider that names four flags."""
    key = str(optimization.pk)
    organization = optimization.organization
    secret = factories.make_api_key(organization, "of", ("ingest", "serve"))
    public = tracking.make_publishable_key(organization)
    request = {
        "sdk": sdk,
        "options": {
            "apiUrl": url,
            "apiKey": public if sdk == "web" else secret,
        },
        "flags": {
            "hero": key,
            "title": f"{key}.headline",
            "nothing": f"{key}.nothing",
        },
        "context": context,
        "steps": steps,
    }
    output = run_node(OWN_PROGRAMS / "ask_openfeature.mjs", stdin=json.dumps(request))
    answers: list[dict[str, Any]] = json.loads(output)["answers"]
    return answers


def get_shown_variant(optimization: Optimization) -> Variant:
    """Return the variant of the only assignment."""
    return optimization.variants.get(number=Assignment.objects.get().variant_number)


@SDKS
def test_flags_are_factors_and_variants_of_one_decision(
    live_server: LiveServer, optimization: Optimization, sdk: str
) -> None:
    factor = f"{optimization.pk}.cta"
    steps = [
        ["String", "title", "Fallback"],
        ["Boolean", factor, False],
        ["Object", "hero", {"headline": "Fallback", "more": 1}],
    ]

    title, cta, hero = ask(sdk, live_server.url, optimization, steps, USER)

    variant = get_shown_variant(optimization)
    assert title["value"] == variant.levels["headline"]
    assert cta["value"] is variant.levels["cta"]
    assert hero["value"] == {**variant.levels, "more": 1}
    assignment = Assignment.objects.get()
    assert assignment.anonymous_id == "visitor-1"
    for details in (title, cta, hero):
        assert "errorCode" not in details
        assert details["reason"] == "SPLIT"
        assert details["variant"] == str(variant.number)
        metadata = details["flagMetadata"]
        assert metadata["policyVersion"] == assignment.policy_version
        assert metadata["anonymousId"] == "visitor-1"
        assert metadata["inHoldout"] is False
        assert metadata["source"] == "remote"


@SDKS
def test_what_cannot_be_answered_is_the_default_and_an_error_code(
    live_server: LiveServer, optimization: Optimization, sdk: str
) -> None:
    steps = [
        ["Number", "title", 7],
        ["String", "hero", "Fallback"],
        ["String", "nothing", "Fallback"],
        ["String", "unknown", "Fallback"],
        ["String", "constructor", "Fallback"],
    ]

    answers = ask(sdk, live_server.url, optimization, steps, USER)

    assert [answer["value"] for answer in answers] == [7, *["Fallback"] * 4]
    assert [answer["errorCode"] for answer in answers] == [
        *["TYPE_MISMATCH"] * 2,
        *["FLAG_NOT_FOUND"] * 3,
    ]
    assert {answer["reason"] for answer in answers} == {"ERROR"}
    assert "is a string, not a number" in answers[0]["errorMessage"]


@SDKS
def test_without_a_service_flags_are_their_defaults(
    optimization: Optimization, sdk: str
) -> None:
    steps = [["String", "title", "Fallback"]]

    (title,) = ask(sdk, "http://127.0.0.1:9", optimization, steps, USER)

    assert title["value"] == "Fallback"
    assert title["errorCode"] == "GENERAL"
    assert "onError" in title["errorMessage"]


def test_a_server_needs_to_know_the_user(
    live_server: LiveServer, optimization: Optimization
) -> None:
    steps = [["String", "title", "Fallback"], ["track", "purchase", 1]]

    (title,) = ask("server", live_server.url, optimization, steps, {})

    assert title["value"] == "Fallback"
    assert title["errorCode"] == "TARGETING_KEY_MISSING"
    assert not Assignment.objects.exists()
    assert not ManagedReward.objects.exists()


def test_a_page_needs_no_user_and_follows_one_who_logs_in(
    live_server: LiveServer, optimization: Optimization
) -> None:
    question = ["String", "title", "Fallback"]
    steps = [question, ["set", USER], question]

    before, after = ask("web", live_server.url, optimization, steps, {})

    users = [each["flagMetadata"]["anonymousId"] for each in (before, after)]
    assert users[1] == "visitor-1" != users[0]
    assert Assignment.objects.count() == 2
    assert {before["reason"], after["reason"]} == {"SPLIT"}


@SDKS
def test_track_sends_a_reward_with_its_value(
    live_server: LiveServer, optimization: Optimization, sdk: str
) -> None:
    steps = [
        ["String", "title", "Fallback"],
        ["track", "revenue", 12.5],
    ]

    ask(sdk, live_server.url, optimization, steps, USER)

    reward = ManagedReward.objects.get()
    assert (reward.anonymous_id, reward.name) == ("visitor-1", "revenue")
    assert float(reward.value) == 12.5


@pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium")
def test_a_page_in_a_browser_shows_a_flag_and_tracks(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    for name in ("core", "web-sdk"):
        module = PACKAGE / "node_modules" / "@openfeature" / name / "dist/esm/index.js"
        (site.folder / f"{name}.js").write_text(module.read_text())
    key = tracking.make_publishable_key(
        optimization.organization, origins=(site.origin,)
    )
    fields = {"url": live_server.url, "key": key, "id": optimization.pk}
    (site.folder / "openfeature.html").write_text(PAGE % fields)

    page.goto(f"{site.origin}/openfeature.html")
    expect(page.locator("h1")).not_to_be_empty()
    page.click("button")
    wait_until(page, ManagedReward.objects.exists)

    headline = get_shown_variant(optimization).levels["headline"]
    assert page.inner_text("h1") == headline
    visitor = page.evaluate("client.anonymousId")
    assert Assignment.objects.get().anonymous_id == visitor
    assert ManagedReward.objects.get().anonymous_id == visitor
    assert page.evaluate("errors") == []


def build_package(folder: Path) -> None:
    """Build the package into a folder, in which programs can import it by its name."""
    run_node(PACKAGE / "build.mjs", folder / "dist")
    (folder / "package.json").write_text((PACKAGE / "package.json").read_text())
    (folder / "node_modules").symlink_to(PACKAGE / "node_modules")


def test_the_readmes_server_asks_for_a_flag(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> None:
    build_package(tmp_path)
    example = read_example(
        "With OpenFeature",
        sdk="@levered/sdk",
        url=live_server.url,
        key="",
        optimization_id=optimization.pk,
    )
    program = tmp_path / "example.mjs"
    program.write_text(example)

    shown = run_node(program).strip()

    assert shown == get_shown_variant(optimization).levels["headline"]


def test_the_providers_have_the_types_of_openfeatures_sdks(tmp_path: Path) -> None:
    build_package(tmp_path)
    program = tmp_path / "provider_types.mts"
    program.write_text((OWN_PROGRAMS / program.name).read_text())
    compiler = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"]
    # The types of the SDK for servers need those of Node, which nothing else here does.
    options += ["--types", "", "--ignoreConfig", "--skipLibCheck"]

    run_node(compiler, *options, program)

    sources = [path.read_text() for path in (tmp_path / "dist").rglob("*.js")]
    assert not [text for text in sources if '"@openfeature' in text]
