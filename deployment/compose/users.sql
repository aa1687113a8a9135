-- The users of docker-compose.yml, each a member of one group of deployment/database/roles.sql. Run it again to change a
-- password: psql takes them from its environment.
\getenv migrator MIGRATOR_PASSWORD
\getenv worker WORKER_PASSWORD
\getenv reader READER_PASSWORD

SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', name, membership)
  FROM (VALUES ('migrator', 'foldline_owner'),
               ('worker', 'foldline_projector'),
               ('reader', 'foldline_reader')) AS users (name, membership)
 WHERE to_regrole(name) IS NULL
\gexec

ALTER ROLE migrator PASSWORD :'migrator';
ALTER ROLE worker PASSWORD :'worker';
ALTER ROLE reader PASSWORD :'reader';
