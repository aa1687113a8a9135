-- Whether this database is kept by roles.sql (its owner's role may create here), and this user is a member of that role.
SELECT coalesce(pg_has_role(rolname, 'MEMBER') AND has_schema_privilege(rolname, 'public', 'CREATE'), false)
  FROM pg_roles
 WHERE rolname = 'foldline_owner'
