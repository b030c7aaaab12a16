"""A page whose headline and button Levered chooses, in one file of FastAPI.

    pip install fastapi uvicorn ./clients/python
    export LEVERED_KEY=lev_... LEVERED_OPTIMIZATION=...
    uvicorn --app-dir docs/examples/fastapi shop:app

The optimization varies `headline` and `button`; its reward is the event `purchase`. The
key is a secret one, with the scopes `serve` and `ingest`, not the publishable one of a
page. docs/in-your-app.md ("In Python") makes both and explains each step.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from levered import AsyncLevered

OPTIMIZATION = os.environ.get("LEVERED_OPTIMIZATION", "")
# What visitors saw before, and see whenever there is no decision: the first levels.
BASELINE = {"headline": "Coffee, roasted today", "button": "Buy"}
PRICE = 12.5
COOKIE, YEAR = "levered_id", 31_536_000
PAGE = """<!doctype html>
<html lang="en"><title>Shop</title>
<h1>{headline}</h1>
<form method="post" action="/order"><button>{button}</button></form></html>
"""


@asynccontextmanager
async def run_client(app: FastAPI) -> AsyncIterator[None]:
    """Open one client for the process; what waits is sent when it ends."""
    async with AsyncLevered(
        os.environ.get("LEVERED_URL", "http://localhost:3100"),
        os.environ.get("LEVERED_KEY", ""),
        # A visitor never waits longer than this for a variant.
        timeout=float(os.environ.get("LEVERED_TIMEOUT", "0.5")),
    ) as levered:
        app.state.levered = levered
        yield


def find_client(request: Request) -> AsyncLevered:
    """Return the client of the process."""
    levered: AsyncLevered = request.app.state.levered
    return levered


app = FastAPI(lifespan=run_client)
Client = Annotated[AsyncLevered, Depends(find_client)]


@app.get("/")
async def show_page(request: Request, levered: Client) -> HTMLResponse:
    """Show the visitor's variant; the baseline while the service is away."""
    anonymous_id = request.cookies.get(COOKIE) or str(uuid.uuid4())
    user_agent = request.headers.get("User-Agent", "")
    variant = await levered.get_variant(
        OPTIMIZATION,
        anonymous_id,
        {"device": "mobile" if "Mobi" in user_agent else "desktop"},
        BASELINE,
        user_agent=user_agent,
    )
    texts = {factor: escape(str(level)) for factor, level in variant.items()}
    # No cache may show one visitor's variant to another.
    headers = {"Cache-Control": "private, no-store"}
    response = HTMLResponse(PAGE.format(**texts), headers=headers)
    is_secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, anonymous_id, YEAR, samesite="lax", secure=is_secure)
    return response


@app.post("/order")
async def take_order(request: Request, levered: Client) -> HTMLResponse:
    """Take an order and tell Levered of it, once it is certain."""
    anonymous_id = request.cookies.get(COOKIE)
    if anonymous_id:  # Whoever orders without having seen the page counts for nobody.
        levered.track("purchase", anonymous_id, PRICE)
    return HTMLResponse("<h1>Thank you</h1>")


@app.get("/healthz")
async def report_health() -> str:
    """Say that the program runs; asks Levered nothing."""
    return "ok"
