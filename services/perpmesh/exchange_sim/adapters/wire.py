"""Where protobuf meets the venue's words."""

from perpmesh.exchange_sim.adapters.origin import Origin
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb


def replay_to_wire(venue: Venue, replay: ReplayClock, origin: Origin) -> pb.Replay:
    """Tell where the replay is."""
    series = next(iter(venue.feeds.values())).series
    recorded_until_ms = (series.first_minute + series.recorded_minutes) * 60_000
    return pb.Replay(
        market_time_ms=venue.market_ms,
        speed=replay.speed,
        paused=replay.paused,
        first_market_time_ms=series.first_minute * 60_000,
        recorded_until_ms=recorded_until_ms,
        synthetic=venue.market_ms >= recorded_until_ms,
        seed=origin.seed,
        symbols=list(venue.feeds),
        state_hash=venue.engine.rolling_hash,
    )
