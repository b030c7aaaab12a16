"""Forms whose fields make the body of a request to the API; its serializer validates it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.core.validators import EMPTY_VALUES
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer
from typing_extensions import override

from levered_site.admin.edit_forms import AdminEditForm
from levered_site.api import exceptions
from levered_site.errors import FieldProblem


class ApiForm(AdminEditForm):
    """A form of a new object, or of a change, that the API's serializer judges.

    Its fields are made by `serializer_fields.make_field`. `validated_body` is what the
    serializer returned: of a new object all fields, of a change the changed ones.
    """

    serializer_class: ClassVar[type[BaseSerializer[Any]]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.validated_body: dict[str, Any] = {}
        if not self.is_new:
            self.initial.update(self.read_object(self.instance))

    @property
    def api_paths(self) -> dict[str, str]:
        """Where the fields of the form stand in the body, by name."""
        paths = {
            name: getattr(field, "api_path", "") for name, field in self.fields.items()
        }
        return {name: path for name, path in paths.items() if path}

    @classmethod
    def read_object(cls, instance: Any) -> dict[str, Any]:
        """Return what the fields hold of an object, by the form's names."""
        values = {}
        for name, field in cls.base_fields.items():
            root, _, key = getattr(field, "api_path", "").partition(".")
            if root:
                value = getattr(instance, root)
                values[name] = value.get(key) if key else value
        return values

    def build_body(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the body of all fields, or of those with `names`.

        What stands below one field of the API is sent together. Empty fields of a new
        object are left out.
        """
        paths = self.api_paths
        sent = paths if names is None else [name for name in names if name in paths]
        roots = {paths[name].partition(".")[0] for name in sent}
        body: dict[str, Any] = {}
        for name, path in paths.items():
            root, _, key = path.partition(".")
            if root not in roots or name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if value in EMPTY_VALUES:
                if names is None or key:
                    continue
                value = getattr(self.fields[name], "empty_value", None)
            if key:
                body.setdefault(root, {})[key] = value
            else:
                body[root] = value
        return body

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what the serializer's methods read beside the body."""
        return {}

    def validate_body(
        self, body: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[FieldProblem, ...]]:
        """Return the validated body, or what is wrong with it."""
        serializer = self.serializer_class(
            data=body, partial=not self.is_new, context=self.get_serializer_context()
        )
        if serializer.is_valid():
            return serializer.validated_data, ()
        invalid = ValidationError(dict(serializer.errors))
        return {}, exceptions.build_validation_error(invalid).details

    @override
    def clean(self) -> dict[str, Any] | None:
        """Validate the body; add each error to the field that it is about."""
        cleaned = super().clean()
        body = self.build_body(None if self.is_new else self.changed_data)
        if not self.is_new and not body:
            return cleaned
        self.validated_body, problems = self.validate_body(body)
        for problem in problems:
            name = self.find_field(problem.field)
            if name is None or not self.has_error(name):
                self.add_problem(problem)
        return cleaned

    @override
    def find_field(self, path: str) -> str | None:
        """Return the field whose path is the longest that the path begins with."""
        steps = re.sub(r"\[(\d+)\]", r".\1", path).split(".")
        while steps:
            start = ".".join(steps)
            for name, own in self.api_paths.items():
                if own == start:
                    return name
            steps.pop()
        # What is wrong with the whole of several fields stands at the first of them.
        below = f"{path.partition('.')[0]}."
        names = (name for name, own in self.api_paths.items() if own.startswith(below))
        return next(names, None)

    @override
    def describe_problem(self, name: str, problem: FieldProblem) -> str:
        """Return the message, behind the row that it is about."""
        rest = problem.field.removeprefix(self.api_paths.get(name, problem.field))
        row = re.match(r"\[(\d+)\]\.?(.*)", rest)
        if row is None:
            return problem.message
        cell = f", {row[2].replace('.', ' ')}" if row[2] else ""
        return f"Row {int(row[1]) + 1}{cell}: {problem.message}"

    def _post_clean(self) -> None:
        """Do nothing: the use case writes the object, and knows its rules."""
