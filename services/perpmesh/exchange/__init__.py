"""The exchange as a pure state machine: matching, margin, funding, liquidation. Commands in, facts out."""
