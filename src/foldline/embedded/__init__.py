"""Real PostgreSQL and Kafka as child processes, for a machine that has neither and no Docker."""

from foldline.embedded.home import default_home
from foldline.embedded.servers import RunningServers, Servers, embedded_servers, running_servers

__all__ = ["RunningServers", "Servers", "default_home", "embedded_servers", "running_servers"]
