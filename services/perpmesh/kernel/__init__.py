"""Values every service shares and means the same thing by. Pure: no clock, no I/O, no protobuf."""
