"""The I/O every service needs, written once: settings, processes, gRPC, Kafka, the database, telemetry."""
