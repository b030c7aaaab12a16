"""Read the tab Variants as somebody does who may view the organization."""

from django.test import Client

from optimizations.admin.tabs import registry
from optimizations.models import Optimization


def open_tab(client: Client, optimization: Optimization, **asked: str) -> str:
    """Return the page, asked for with these query parameters."""
    answer = client.get(registry.build_url(optimization, "variants"), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def list_cards(page: str) -> list[str]:
    """Return the cards of a gallery, in their order."""
    return page.partition('class="variant-cards"')[2].split('<li class="variant-card')[
        1:
    ]
