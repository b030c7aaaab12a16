"""Optimizations: what is asked, what happens to it, and who got what.

Written by generate.py; do not change it by hand.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack, cast

from levered import schemas
from levered.exchange import Request
from levered.management.api import AsyncApi
from levered.management.calls import build_path

OPTIMIZATIONS = "optimizations"


class AsyncOptimizations:
    """`/optimizations`. All raise ApiError and NetworkError."""

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    def list(
        self,
        *,
        status: str | None = None,
        search: str | None = None,
        include_archived: bool | None = None,
        order_by: Literal["updated_at", "created_at"] | None = None,
    ) -> AsyncIterator[schemas.OptimizationRow]:
        """Yield all, page after page, newest first."""
        return self._api.iterate(
            *(build_path(OPTIMIZATIONS), OPTIMIZATIONS),
            status=status,
            search=search,
            include_archived=include_archived,
            order_by=order_by,
        )

    async def get(self, optimization_id: object) -> schemas.Optimization:
        """Return one."""
        return cast(
            "schemas.Optimization", await self._api.get(_build_path(optimization_id))
        )

    async def create(
        self, **fields: Unpack[schemas.NewOptimizationRequest]
    ) -> schemas.Optimization:
        """Create one; it is live unless `status` is draft."""
        created = await self._api.post(build_path(OPTIMIZATIONS), fields)
        return cast("schemas.Optimization", created)

    async def update(
        self,
        optimization_id: object,
        **fields: Unpack[schemas.PatchedOptimizationChangeRequest],
    ) -> schemas.Optimization:
        """Change fields, the status among them."""
        changed = await self._api.patch(_build_path(optimization_id), fields)
        return cast("schemas.Optimization", changed)

    async def delete(self, optimization_id: object) -> None:
        """Delete one: for good if it never served."""
        await self._api.delete(_build_path(optimization_id))

    async def pause(self, optimization_id: object) -> schemas.Optimization:
        """Pause: visitors see their fallback."""
        paused = await self._api.patch(
            _build_path(optimization_id), {"status": "paused"}
        )
        return cast("schemas.Optimization", paused)

    async def resume(self, optimization_id: object) -> schemas.Optimization:
        """Go live again."""
        resumed = await self._api.patch(
            _build_path(optimization_id), {"status": "live"}
        )
        return cast("schemas.Optimization", resumed)

    async def ship(
        self, optimization_id: object, *, confirm: bool = False
    ) -> schemas.ShippedOptimization:
        """Serve the leading variants to everybody; return the health of that moment, too.

        Raise ApiError with status 409 and the reasons to hesitate in `details`, unless
        `confirm` is true.
        """
        body = {"confirm": True} if confirm else None
        shipped = await self._api.post(_build_path(optimization_id, "ship"), body)
        return cast("schemas.ShippedOptimization", shipped)

    async def stop(self, optimization_id: object) -> schemas.Optimization:
        """End for good."""
        return cast(
            "schemas.Optimization",
            await self._api.post(_build_path(optimization_id, "stop")),
        )

    async def archive(self, optimization_id: object) -> schemas.Optimization:
        """Put away."""
        archived = await self._api.post(_build_path(optimization_id, "archive"))
        return cast("schemas.Optimization", archived)

    async def unarchive(self, optimization_id: object) -> schemas.Optimization:
        """Take out again."""
        unarchived = await self._api.post(_build_path(optimization_id, "unarchive"))
        return cast("schemas.Optimization", unarchived)

    async def variants(self, optimization_id: object) -> schemas.VariantList:
        """Return every variant with its number."""
        return cast(
            "schemas.VariantList",
            await self._api.get(_build_path(optimization_id, "variants")),
        )

    async def set_enabled(
        self, optimization_id: object, number: int, *, enabled: bool
    ) -> dict[str, Any]:
        """Enable or disable a variant."""
        path = _build_path(optimization_id, "variants", number)
        changed = await self._api.patch(path, {"enabled": enabled})
        return cast("dict[str, Any]", changed)

    def notes(self, optimization_id: object) -> AsyncIterator[schemas.Note]:
        """Yield the notes on days, page after page, the one changed last first."""
        return self._api.iterate(_build_path(optimization_id, "notes"), "notes")

    async def add_note(
        self, optimization_id: object, **fields: Unpack[schemas.NoteRequest]
    ) -> schemas.Note:
        """Write a note on a day; charts show it. Without a date it is about today."""
        created = await self._api.post(_build_path(optimization_id, "notes"), fields)
        return cast("schemas.Note", created)

    async def update_note(
        self,
        optimization_id: object,
        note_id: object,
        **fields: Unpack[schemas.PatchedNoteRequest],
    ) -> schemas.Note:
        """Change a note."""
        path = _build_path(optimization_id, "notes", note_id)
        return cast("schemas.Note", await self._api.patch(path, fields))

    async def delete_note(self, optimization_id: object, note_id: object) -> None:
        """Delete a note."""
        await self._api.delete(_build_path(optimization_id, "notes", note_id))

    def share_links(self, optimization_id: object) -> AsyncIterator[schemas.ShareLink]:
        """Yield the links to the results, the newest first, without their addresses."""
        path = _build_path(optimization_id, "share-links")
        return self._api.iterate(path, "share_links")

    async def share(
        self, optimization_id: object, **fields: Unpack[schemas.ShareLinkRequest]
    ) -> schemas.ShareLinkWithUrl:
        """Make a link that shows the results; only this answer has its `url`."""
        created = await self._api.post(
            _build_path(optimization_id, "share-links"), fields
        )
        return cast("schemas.ShareLinkWithUrl", created)

    async def revoke_share_link(self, optimization_id: object, link_id: object) -> None:
        """End a link, at once."""
        await self._api.delete(_build_path(optimization_id, "share-links", link_id))

    async def put_screenshot(
        self, optimization_id: object, number: int, png: bytes
    ) -> None:
        """Upload a variant's screenshot: a PNG of at most 5 MB."""
        headers = {"Content-Type": "image/png"}
        path = _build_path(
            optimization_id, "variants", "by-number", number, "screenshot"
        )
        await self._api.exchange(Request("PUT", path, headers=headers, content=png))

    async def get_screenshot(self, optimization_id: object, number: int) -> bytes:
        """Return a variant's screenshot as PNG."""
        path = _build_path(
            optimization_id, "variants", "by-number", number, "screenshot"
        )
        answer = await self._api.exchange(Request("GET", path))
        return answer.content

    async def serve(
        self,
        optimization_id: object,
        anonymous_id: str,
        context: dict[str, Any] | None = None,
        *,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Return the service's whole answer for a user; `dry_run` records nothing."""
        body = {"anonymous_id": anonymous_id, "context": context or {}}
        request = Request(
            "POST",
            _build_path(optimization_id, "serve"),
            {**body, "dry_run": dry_run},
            is_public=True,
        )
        return cast("dict[str, Any]", await self._api.call(request))

    async def explain(
        self, optimization_id: object, anonymous_id: str
    ) -> schemas.DecisionExplanation:
        """Return why a user got the variant."""
        explanation = await self._api.get(
            _build_path(optimization_id, "decisions", anonymous_id)
        )
        return cast("schemas.DecisionExplanation", explanation)


def _build_path(optimization_id: object, *parts: object) -> str:
    return build_path(OPTIMIZATIONS, optimization_id, *parts)
