"""Migration operations that make a table a tenant's: forced row-level security, foreign keys with the organization."""

from typing import Any, cast

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# nullif: after a COMMIT the setting reads '' and not NULL, and ''::uuid is an error.
# The sub-select is evaluated once a query.
CURRENT = "(SELECT nullif(current_setting('app.organization', true), '')::uuid)"
APP_ROLE = "liaoyuan_app"
SYSTEM_ROLE = "liaoyuan_system"


class TenantTable(Operation):
    """Put one model's table under row-level security.

    ``system`` names what the system role may do there beyond nothing: a subset of SELECT, INSERT, UPDATE, DELETE.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, name: str, *, system: tuple[str, ...] = (), key: str = "organization_id") -> None:
        self.name = name
        self.system = system
        self.key = key

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        keywords = {"system": self.system, "key": self.key}
        return (type(self).__name__, [self.name], keywords)

    def describe(self) -> str:
        return f"Put {self.name} under row-level security"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change, only the tables do."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = cast("type[models.Model]", to_state.apps.get_model(app_label, self.name))
        for statement in self._statements(model):
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = cast("type[models.Model]", from_state.apps.get_model(app_label, self.name))
        table = model._meta.db_table
        schema_editor.execute(f'DROP POLICY IF EXISTS tenant ON "{table}"')
        schema_editor.execute(f'DROP POLICY IF EXISTS system ON "{table}"')
        schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')

    def _statements(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        visible = f"{self.key} = {CURRENT}"
        statements = [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY tenant ON "{table}" TO {APP_ROLE} USING ({visible}) WITH CHECK ({visible})',
        ]
        statements += [_system_policy(table, verb) for verb in self.system]
        if self.key == "organization_id":
            key = model._meta.pk.column
            statements.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant" UNIQUE (organization_id, {key})')
            statements += [_composite_key(table, field) for field in _tenant_references(model)]
        return statements


def _system_policy(table: str, verb: str) -> str:
    clause = {"SELECT": "USING (true)", "DELETE": "USING (true)", "INSERT": "WITH CHECK (true)"}
    condition = clause.get(verb, "USING (true) WITH CHECK (true)")
    return f'CREATE POLICY system_{verb.lower()} ON "{table}" FOR {verb} TO {SYSTEM_ROLE} {condition}'


def _tenant_references(model: type[models.Model]) -> list["models.ForeignKey[Any, Any]"]:
    """The foreign keys of ``model`` that point to tenant tables."""
    keys = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    return [key for key in keys if any(f.name == "organization" for f in key.related_model._meta.concrete_fields)]


def _composite_key(table: str, field: "models.ForeignKey[Any, Any]") -> str:
    """A plain foreign key is checked without row-level security and would accept another tenant's row."""
    target = field.related_model._meta.db_table
    rule = "CASCADE" if field.remote_field.on_delete is models.CASCADE else "NO ACTION"
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_same_tenant" '
        f"FOREIGN KEY (organization_id, {field.column}) "
        f'REFERENCES "{target}" (organization_id, id) ON DELETE {rule} DEFERRABLE INITIALLY DEFERRED'
    )


class TenantReference(Operation):
    """The same-tenant rule for one foreign key that joins a tenant table later than the table itself."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, name: str, field: str) -> None:
        self.name = name
        self.field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.name, self.field], {})

    def describe(self) -> str:
        return f"Keep {self.name}.{self.field} inside one tenant"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change, only the tables do."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        field = cast("models.ForeignKey[Any, Any]", model._meta.get_field(self.field))
        schema_editor.execute(_composite_key(model._meta.db_table, field))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.name)
        table, field = model._meta.db_table, cast("models.Field[Any, Any]", model._meta.get_field(self.field))
        schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_{field.column}_same_tenant"')


class AppendOnly(Operation):
    """A trigger that refuses UPDATE, DELETE and TRUNCATE: not even the owner can rewrite history by accident."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, name: str) -> None:
        self.name = name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.name], {})

    def describe(self) -> str:
        return f"Make {self.name} append-only"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models do not change, only the tables do."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION liaoyuan_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only table %', TG_TABLE_NAME; END $$",
            None,  # no parameters: the percent sign is PL/pgSQL's
        )
        schema_editor.execute(
            f'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION liaoyuan_refuse_change()"
        )
        schema_editor.execute(
            f'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON "{table}" EXECUTE FUNCTION liaoyuan_refuse_change()'
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = from_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f'DROP TRIGGER append_only ON "{table}"')
        schema_editor.execute(f'DROP TRIGGER append_only_whole ON "{table}"')
