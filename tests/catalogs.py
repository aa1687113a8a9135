"""A database's catalog as text: everything that a migration can make, for comparing two databases."""

from __future__ import annotations

from harness import each_of

_KINDS = {
    "tables": (
        "SELECT relname, relkind::text, reloptions::text, relacl::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
    ),
    "columns": (
        "SELECT attrelid::regclass::text, rank() OVER (PARTITION BY attrelid ORDER BY attnum), attname,"
        " format_type(atttypid, atttypmod), attnotnull, attidentity, attacl::text, pg_get_expr(adbin, adrelid)"
        " FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid"
        " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"
    ),
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    ),
    "triggers": (
        "SELECT pg_get_triggerdef(oid), tgenabled::text, obj_description(oid, 'pg_trigger') FROM pg_trigger"
        " WHERE NOT tgisinternal"
    ),
    "functions": (
        "SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ),
    "sequences": (
        "SELECT sequencename, data_type::text, increment_by, cycle FROM pg_sequences WHERE schemaname = 'public'"
    ),
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "types": (
        "SELECT typname, typtype::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype <> 'c'"
    ),
    "comments": (
        "SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description"
        " WHERE pg_describe_object(classoid, objoid, objsubid) ~ 'fsm|foldline|workflow|cleanup|stuck'"
    ),
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'",
    "extensions": "SELECT extname FROM pg_extension",
}


def catalog(database_url: str) -> dict[str, list[str]]:
    """Every object of the database by kind, each as one line; object ids are left out."""
    return {kind: sorted(map(str, found)) for kind, found in each_of(database_url, _KINDS).items()}
