"""Where the venue meets sockets, files and protobuf."""
