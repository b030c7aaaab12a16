"""Base viewsets of management endpoints: tenant scope, idempotency, ETags."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from levered_site.api import etags, requests, slow_requests
from levered_site.api.base_view import BaseAPIView
from levered_site.api.csv_sections import CsvSection, RowSection
from levered_site.api.pagination import KeysetPagination
from levered_site.api.serializers import StrictSerializer
from levered_site.database import release_buffers
from levered_site.organizations import idempotency
from levered_site.organizations.actors import Actor, Caller, KeyHolder

M = TypeVar("M", bound=Model)


class OrganizationViewSet(BaseAPIView, GenericViewSet[M]):
    """Scope rows to the caller's organization; handle Idempotency-Key and ETags.

    A subclass sets `queryset` (of a model with `organization`), `list_name` and
    `serializer_class` (of responses). Where they differ it also sets
    `list_serializer_class` (of rows), `create_serializer_class` and
    `update_serializer_class` (of requests). It combines the viewsets below and defines
    their `perform_*` methods.
    """

    list_name = "items"
    list_serializer_class: type[BaseSerializer[Any]] | None = None
    create_serializer_class: type[BaseSerializer[Any]] | None = None
    update_serializer_class: type[BaseSerializer[Any]] | None = None
    secret_actions: Sequence[str] = ()  # their responses are never stored for repeats
    # POSTs that create nothing: doing them twice harms nobody, and their responses may
    # be large. They take no Idempotency-Key.
    read_only_actions: Sequence[str] = ()
    # POSTs that only read, or wait: a transaction around them would keep its locks.
    long_actions: Sequence[str] = ()
    # GETs whose answers may have megabytes: few of them are built at once.
    large_actions: Sequence[str] = ()
    query_parameters: Mapping[str, Sequence[str]] = MappingProxyType({})  # by action
    # By action: the rows of its answers that may be taken away as CSV.
    csv_sections: Mapping[str, Sequence[CsvSection]] = MappingProxyType({})
    _claim: idempotency.Claim | None = None
    _error: Exception | None = None  # what the response is made of
    # Open from the claim of a key until its response is stored.
    _transaction: ExitStack
    _is_in_transaction = False
    _turn: ExitStack
    _has_turn = False

    @property
    def caller(self) -> Caller | KeyHolder:
        """The authenticated caller; the permissions have required one."""
        caller = self.request.user
        assert isinstance(caller, (Caller, KeyHolder))
        return caller

    @property
    def organization_id(self) -> str:
        """The id of the caller's organization."""
        return self.caller.organization_id

    @property
    def actor(self) -> Actor:
        """The caller as an actor of the audit log."""
        return self.caller.actor

    def get_queryset(self) -> QuerySet[M]:
        """Return the organization's own rows only: the id of another's is a 404."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().filter(organization_id=self.organization_id)

    def list_query_parameters(self) -> Sequence[str]:
        """Return the query parameters that the action reads."""
        return self.query_parameters.get(str(self.action), ())

    def list_csv_sections(self) -> Sequence[CsvSection]:
        """Return the sections of the action's answer."""
        return self.csv_sections.get(str(self.action), ())

    # --- bodies

    def read_body(
        self, serializer_class: type[BaseSerializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """Return the validated body. Raises DRF's ValidationError, a 400."""
        serializer = serializer_class(
            data=self.request.data,
            partial=partial,
            context=self.get_serializer_context(),
        )
        serializer.is_valid(raise_exception=True)
        validated: dict[str, Any] = serializer.validated_data
        return validated

    def refuse_body(self) -> None:
        """Raise if an endpoint that takes no fields gets one; the 400 names it."""
        self.read_body(StrictSerializer)

    def represent(self, instance: M) -> Mapping[str, Any]:
        """Return the representation of one resource, without `meta`."""
        representation: Mapping[str, Any] = self.get_serializer(instance).data
        return representation

    def represent_rows(self, page: Sequence[M]) -> Sequence[Mapping[str, Any]]:
        """Return the representations of a list's rows."""
        # Any: `many=True` makes a ListSerializer, which the stubs do not know.
        serializer_class: Any = (
            self.list_serializer_class or self.get_serializer_class()
        )
        context = self.get_serializer_context()
        rows: Sequence[Mapping[str, Any]] = serializer_class(
            page, many=True, context=context
        ).data
        return rows

    def build_response(
        self,
        instance: M,
        status_code: int = status.HTTP_200_OK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return a response with one resource and its ETag."""
        representation = self.represent(instance)
        tag = etags.compute_etag(representation)
        return Response(
            representation, status_code, headers={"ETag": tag, **(headers or {})}
        )

    # --- conditional and repeated requests

    @contextmanager
    def get_object_for_update(self) -> Iterator[M]:
        """Yield the resource for a change, after comparing its ETag with If-Match.

        With If-Match the row stays locked until the change is committed: of two changes
        that name the same ETag, one wins and the other gets a 412.
        """
        instance = self.get_object()
        django_request = requests.get_django_request(self.request)
        if not etags.has_if_match(django_request):
            yield instance
            return
        with transaction.atomic():
            rows = type(instance)._base_manager.select_for_update(of=("self",))
            rows.filter(pk=instance.pk).first()
            instance = self.get_object()
            tag = etags.compute_etag(self.represent(instance))
            etags.require_if_match(django_request, tag)
            yield instance

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer a request; a POST with an Idempotency-Key in one transaction.

        A large answer is written here already, within its turn; what it was made of came
        from the database. The POST's changes and the response for repeats are committed
        together. So a process that dies leaves both or neither, and a repeat never makes
        the changes twice.
        """
        with ExitStack() as self._request_scope:
            with ExitStack() as self._transaction:
                response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, Response) and self._has_turn:
                response.render()
                release_buffers(len(response.content))
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Run DRF's checks, then claim the Idempotency-Key of a POST that creates."""
        super().initial(request, *args, **kwargs)
        if self.has_large_answer():
            self._request_scope.enter_context(slow_requests.take_turn())
            self._has_turn = True
        is_creating = self.action and self.action not in self.read_only_actions
        if request.method == "POST" and is_creating:
            django_request = requests.get_django_request(request)
            self._claim = idempotency.claim_key(
                django_request, self.organization_id, self._request_scope
            )
        self.prepare_action()
        if self._claim is not None and self.action not in self.long_actions:
            self._transaction.enter_context(transaction.atomic())
            self._is_in_transaction = True

    def prepare_action(self) -> None:
        """Do what must stay although the request may be refused; a subclass overrides it.

        It comes before any transaction: a refusal rolls back what one has changed.
        """

    def has_large_answer(self) -> bool:
        """Return whether the answer waits for its turn."""
        return self.action in self.large_actions

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a repeat with its first response; release the key after a failure.

        Rolls back what a request with a key has changed.
        """
        if isinstance(exc, idempotency.IdempotentReplayError):
            return exc.build_response()
        self._error = exc
        if self._is_in_transaction:
            transaction.set_rollback(True)
            self._transaction.close()
        try:
            return super().handle_exception(exc)
        except Exception:
            if self._claim is not None:
                idempotency.release_claim(self._claim)
            raise

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Store the response of a claimed key, and commit."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        self.store_for_repeats(final)
        self._transaction.close()
        return final

    def store_for_repeats(self, response: Response) -> None:
        """Store the response of a claimed key, or release the key if it is not final.

        A long action calls it in the transaction of its change, with the response that a
        repeat gets if this process dies before the last one.
        """
        if self._claim is None:
            return
        if idempotency.is_final(response, self._error):
            has_secret = self.action in self.secret_actions
            idempotency.store_response(self._claim, response, has_secret=has_secret)
        else:
            idempotency.release_claim(self._claim)


class ListViewSet(OrganizationViewSet[M]):
    """GET on the collection."""

    def list_query_parameters(self) -> Sequence[str]:
        """Add those of pages."""
        own = super().list_query_parameters()
        if self.action != "list":
            return own
        return (*own, *self.get_page_parameters())

    def get_page_parameters(self) -> Sequence[str]:
        """Return the query parameters that turn pages."""
        assert isinstance(self.paginator, KeysetPagination)
        return self.paginator.parameters

    def list_csv_sections(self) -> Sequence[CsvSection]:
        """Return the rows of a page, under the name of the list."""
        own = super().list_csv_sections()
        if own or self.action != "list":
            return own
        row_type = self.list_serializer_class or self.serializer_class
        return (RowSection(self.list_name, row_type),)

    def list(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Return one page, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        return self.get_paginated_response(list(self.represent_rows(page)))


class CreateViewSet(OrganizationViewSet[M]):
    """POST on the collection."""

    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Create a resource; answer 201 with its Location."""
        serializer_class = self.create_serializer_class or self.get_serializer_class()
        instance = self.perform_create(self.read_body(serializer_class))
        location = {"Location": f"{request.path}/{instance.pk}"}
        return self.build_response(instance, status.HTTP_201_CREATED, location)

    def perform_create(self, fields: dict[str, Any]) -> M:
        """Create the resource with the validated fields and return it."""
        raise NotImplementedError


class RetrieveViewSet(OrganizationViewSet[M]):
    """GET on the resource."""

    def retrieve(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Return the resource; answer 304 if If-None-Match names its ETag."""
        response = self.build_response(self.get_object())
        tag = response["ETag"]
        if etags.is_unchanged(requests.get_django_request(request), tag):
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return response


class UpdateViewSet(OrganizationViewSet[M]):
    """PATCH on the resource."""

    def partial_update(
        self, _request: Request, *_args: Any, **_kwargs: Any
    ) -> Response:
        """Change the fields in the body."""
        serializer_class = self.update_serializer_class or self.get_serializer_class()
        with self.get_object_for_update() as instance:
            fields = self.read_body(serializer_class, partial=True)
            updated = self.perform_update(instance, fields)
        return self.build_response(updated)

    def perform_update(self, instance: M, fields: dict[str, Any]) -> M:
        """Change the resource and return it as it is now."""
        raise NotImplementedError


class DeleteViewSet(OrganizationViewSet[M]):
    """DELETE on the resource."""

    def destroy(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Delete the resource."""
        with self.get_object_for_update() as instance:
            self.perform_destroy(instance)
        return Response(None, status.HTTP_204_NO_CONTENT)

    def perform_destroy(self, instance: M) -> None:
        """Delete the resource."""
        raise NotImplementedError
