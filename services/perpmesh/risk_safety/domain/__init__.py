"""The rules of the safety core, pure: no clock, no I/O, no protobuf."""
