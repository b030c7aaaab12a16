"""The base of management endpoints: one organization's rows, and the contract's manners."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from levered_site.api import etags
from levered_site.api.base_view import BaseAPIView
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations import idempotency
from levered_site.organizations.actors import Actor, Caller

M = TypeVar("M", bound=Model)


class OrganizationViewSet(BaseAPIView, GenericViewSet[M]):
    """Scope, actor, Idempotency-Key, ETag and If-Match, shapes per action.

    A subclass gives `queryset` (of a model with `organization`), `list_name`,
    `serializer_class` (the answer), and where they differ `list_serializer_class`
    (rows), `create_serializer_class` and `update_serializer_class` (requests). It
    composes Lists, Creates, Retrieves, Updates, Deletes and fills their `perform_*`.
    """

    list_name = "items"
    list_serializer_class: type[BaseSerializer[Any]] | None = None
    create_serializer_class: type[BaseSerializer[Any]] | None = None
    update_serializer_class: type[BaseSerializer[Any]] | None = None
    secret_actions: Sequence[str] = ()  # answers never stored for repeats
    _claim: idempotency.Claim | None = None

    @property
    def caller(self) -> Caller:
        """Who asks; permissions have made sure that somebody does."""
        caller = self.request.user
        assert isinstance(caller, Caller)
        return caller

    @property
    def organization_id(self) -> str:
        """Whose rows these are."""
        return self.caller.organization_id

    @property
    def actor(self) -> Actor:
        """The caller, as deeds and the audit log want them."""
        return self.caller.actor

    def get_queryset(self) -> QuerySet[M]:
        """Only the organization's own rows: another's id is a 404."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().filter(organization_id=self.organization_id)

    # --- shapes

    def read_body(
        self, shape: type[BaseSerializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """Validate the request's body; raises DRF's ValidationError, a 400."""
        serializer = shape(
            data=self.request.data,
            partial=partial,
            context=self.get_serializer_context(),
        )
        serializer.is_valid(raise_exception=True)
        validated: dict[str, Any] = serializer.validated_data
        return validated

    def refuse_body(self) -> None:
        """Refuse anything sent to a deed that takes nothing; a 400 naming it."""
        self.read_body(StrictSerializer)

    def represent(self, instance: M) -> Mapping[str, Any]:
        """Show one resource, without `meta`."""
        shown: Mapping[str, Any] = self.get_serializer(instance).data
        return shown

    def represent_rows(self, page: Sequence[M]) -> Sequence[Mapping[str, Any]]:
        """Show the rows of a list."""
        shape = self.list_serializer_class or self.get_serializer_class()
        listed: Any = (
            shape  # `many=True` makes a ListSerializer, which stubs do not say
        )
        context = self.get_serializer_context()
        rows: Sequence[Mapping[str, Any]] = listed(
            page, many=True, context=context
        ).data
        return rows

    def answer(
        self,
        instance: M,
        code: int = status.HTTP_200_OK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Answer with one resource and its ETag."""
        shown = self.represent(instance)
        return Response(
            shown, code, headers={"ETag": etags.compute_etag(shown), **(headers or {})}
        )

    # --- manners

    @contextmanager
    def get_object_for_update(self) -> Iterator[M]:
        """Hand out the resource for a change, held to If-Match.

        Where a state is named, the row stays locked until the change is committed, so
        that of two changes naming the same state one wins and the other is a 412.
        """
        instance = self.get_object()
        if not etags.has_if_match(self.request._request):  # noqa: SLF001 - DRF's way
            yield instance
            return
        with transaction.atomic():
            rows = type(instance)._base_manager.select_for_update(of=("self",))  # noqa: SLF001 - Django's documented API
            rows.filter(pk=instance.pk).first()
            instance = self.get_object()
            tag = etags.compute_etag(self.represent(instance))
            etags.require_if_match(self.request._request, tag)  # noqa: SLF001 - DRF's way
            yield instance

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the checks, claim the Idempotency-Key of a POST."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and self.action:
            django_request = request._request  # noqa: SLF001 - DRF offers no other way
            self._claim = idempotency.claim_key(django_request, self.organization_id)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a repeat with the first answer; free the key of a failure."""
        if isinstance(exc, idempotency.IdempotentReplayError):
            return exc.response()
        try:
            return super().handle_exception(exc)
        except Exception:
            if self._claim is not None:
                idempotency.release_claim(self._claim)
            raise

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep the answer of a claimed key."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None:
            secret = self.action in self.secret_actions
            idempotency.store_response(self._claim, final, secret=secret)
        return final


class ListViewSet(OrganizationViewSet[M]):
    """GET on the collection."""

    def list(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Return one page, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        return self.get_paginated_response(list(self.represent_rows(page)))


class CreateViewSet(OrganizationViewSet[M]):
    """POST on the collection."""

    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Create a resource; 201 with its Location."""
        shape = self.create_serializer_class or self.get_serializer_class()
        instance = self.perform_create(self.read_body(shape))
        place = {"Location": f"{request.path}/{instance.pk}"}
        return self.answer(instance, status.HTTP_201_CREATED, place)

    def perform_create(self, fields: dict[str, Any]) -> M:
        """Call the deed that creates."""
        raise NotImplementedError


class RetrieveViewSet(OrganizationViewSet[M]):
    """GET on the resource."""

    def retrieve(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Return the resource; 304 where If-None-Match names this state."""
        response = self.answer(self.get_object())
        tag = response["ETag"]
        if etags.is_unchanged(request._request, tag):  # noqa: SLF001 - DRF's way
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return response


class UpdateViewSet(OrganizationViewSet[M]):
    """PATCH on the resource."""

    def partial_update(
        self, _request: Request, *_args: Any, **_kwargs: Any
    ) -> Response:
        """Change the fields that are given."""
        shape = self.update_serializer_class or self.get_serializer_class()
        with self.get_object_for_update() as instance:
            fields = self.read_body(shape, partial=True)
            changed = self.perform_update(instance, fields)
        return self.answer(changed)

    def perform_update(self, instance: M, fields: dict[str, Any]) -> M:
        """Call the deed that changes; return what is to be shown."""
        raise NotImplementedError


class DeleteViewSet(OrganizationViewSet[M]):
    """DELETE on the resource."""

    def destroy(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Delete it; 204."""
        with self.get_object_for_update() as instance:
            self.perform_destroy(instance)
        return Response(None, status.HTTP_204_NO_CONTENT)

    def perform_destroy(self, instance: M) -> None:
        """Call the deed that deletes."""
        raise NotImplementedError
