-- About how many rows each table has: as last analysed, grown as its file has since.
SELECT relname,
       CASE WHEN reltuples > 0 AND relpages > 0 THEN reltuples / relpages * pg_relation_size(oid) / 8192
            ELSE pg_relation_size(oid) / 200 END::bigint
  FROM pg_class
 WHERE oid = ANY (%(tables)s::regclass[])
