"""Where the safety core meets gRPC, Kafka and its database."""
