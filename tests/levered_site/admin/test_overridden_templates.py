"""Our templates that stand in place of Unfold's: which of its versions they were made from."""

import hashlib
from importlib import resources
from pathlib import Path

from django.template.loader import render_to_string

import levered_site

OURS = Path(levered_site.__file__).parent / "templates"
# The hashes of Unfold's templates. Where one differs after an upgrade, compare Unfold's old
# and new template, bring the change into ours, and write the new hash here.
ORIGINALS = {
    "admin/base.html": "2ce9250b3c649e3a",
    "admin/change_list.html": "5885c39760f6085d",
    "admin/filter.html": "0c4cab2e0096ba77",
    "admin/index.html": "9fdb849b7da18ccd",
    "admin/search_form.html": "32c57965802858bd",
    "unfold/helpers/app_list.html": "6ab83ac498b2f50f",
    "unfold/helpers/change_list_filter.html": "9606a6123fb48b05",
    "unfold/helpers/command.html": "ae6ce324d8536613",
    "unfold/helpers/command_history.html": "1481b87d7aa737ef",
    "unfold/helpers/command_results.html": "5a2616efccaa8b4e",
    "unfold/helpers/dialog.html": "e961b19a9a2f2175",
    "unfold/helpers/empty_results.html": "5f4727a37a99da76",
    "unfold/helpers/fieldset_row_field.html": "ced3ff9fde1310dc",
    "unfold/helpers/header.html": "d30d2ed9f06b45f3",
    "unfold/helpers/header_title.html": "b126ed2ab9ca1680",
    "unfold/helpers/modal.html": "fa0832c6ded6a26b",
    "unfold/helpers/navigation.html": "fd819dae3473c0be",
    "unfold/helpers/navigation_header.html": "35139b9d94580be9",
    "unfold/helpers/navigation_user.html": "4c9ba58b3f215326",
    "unfold/helpers/search.html": "91996c27181d14ad",
    "unfold/helpers/theme_switch.html": "c8e659df65f5aa78",
    "unfold/helpers/theme_switch_dropdown.html": "90421e9a3524b57f",
    "unfold/helpers/welcomemsg.html": "e8eab02522ba2319",
    "unfold/layouts/skeleton.html": "66af9f0bb45f98ba",
    "unfold/layouts/unauthenticated.html": "768501529f1a8dae",
}


def test_each_is_made_from_the_template_that_is_installed() -> None:
    theirs = resources.files("unfold").joinpath("templates")
    replaced = {
        name: hashlib.sha256(theirs.joinpath(name).read_bytes()).hexdigest()[:16]
        for name in (str(path.relative_to(OURS)) for path in OURS.rglob("*.html"))
        if theirs.joinpath(name).is_file()
    }

    assert replaced == ORIGINALS


def test_the_head_names_an_app_only_where_its_kind_is_called_otherwise() -> None:
    parts = [
        {"title": app, "link": "/app"} for app in ("Optimizations", "API and audit")
    ]
    kind = {"title": "optimizations", "link": "/kind"}
    page = {"title": "my page"}

    same, other = (
        render_to_string(
            "unfold/helpers/header_title.html", {"parts": [part, kind, page]}
        )
        for part in parts
    )

    assert same.count("ptimizations") == 1
    assert same.count("chevron_right") == 1
    assert "API and audit" in other
    assert other.count("chevron_right") == 2
    assert "my page" in same
