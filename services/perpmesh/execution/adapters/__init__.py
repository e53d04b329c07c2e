"""Where execution meets gRPC, Kafka, its store and the exchange."""
