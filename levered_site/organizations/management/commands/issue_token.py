"""`issue_token`: print a bearer token of the local issuer."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from levered_site.errors import LeveredError
from levered_site.organizations import members, tokens

DATABASE_UNAVAILABLE_MESSAGE = (
    "The database is unavailable. Start the service (make run) and try again, with the "
    "same LEVERED_HOME or DATABASE_URL."
)


class Command(BaseCommand):
    """Issue a token for an organization, which the command creates if needed."""

    help = "Print a bearer token of the local issuer (off when Clerk is configured)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--org", default="org_demo", help="organization id")
        parser.add_argument("--role", default="admin", choices=("admin", "member"))
        parser.add_argument("--hours", type=float, default=12.0)
        parser.add_argument("--user", default="user_local", help="user id")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Issue the token, verify it and print it."""
        try:
            token = tokens.issue_token(
                options["org"],
                options["role"],
                user_id=options["user"],
                lifetime=timedelta(hours=options["hours"]),
            )
            members.upsert_member(tokens.verify_token(token))
        except LeveredError as error:
            raise CommandError(error.message) from error
        except OperationalError as error:
            raise CommandError(DATABASE_UNAVAILABLE_MESSAGE) from error
        self.stdout.write(token)
