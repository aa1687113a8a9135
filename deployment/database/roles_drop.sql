-- Undoes roles.sql in this database: everything belongs to whoever runs this, the four groups have no rights here, and
-- are gone unless another database of the server uses them. As a superuser, or as the one who ran roles.sql.
--
--   psql -f deployment/database/roles_drop.sql

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['foldline_owner', 'foldline_projector', 'foldline_reader', 'foldline_ops'] LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            IF NOT pg_has_role(role_name, 'USAGE') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
            END IF;
            EXECUTE format('REASSIGN OWNED BY %I TO CURRENT_USER', role_name);
            EXECUTE format('DROP OWNED BY %I', role_name);
            BEGIN
                EXECUTE format('DROP ROLE %I', role_name);
            EXCEPTION WHEN dependent_objects_still_exist THEN
                RAISE NOTICE '% is still used by another database', role_name;
            END;
        END IF;
    END LOOP;
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
