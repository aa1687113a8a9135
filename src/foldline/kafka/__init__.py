"""Kafka: the only room that knows confluent-kafka."""
