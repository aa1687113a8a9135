"""docker-compose.yml on a real engine: from nothing, through a killed worker, to a drained stop and back."""
