"""What each kind of fault does, in a line, and the incident that it stands for: what the CLI lists, and the manual."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One line of the catalogue."""

    does: str
    stands_for: str


CATALOGUE: dict[str, Entry] = {
    "rate_limit": Entry("429, -1003, Retry-After", "uncoordinated pollers use up the weight (predecessor 39)"),
    "ip_ban": Entry("418, -1003, Retry-After", "a bot goes on after 429 and its address is banned (predecessor 39)"),
    "timeout_accepted": Entry("408, -1007; executed", "retried after it was accepted: two positions (nautilus 4215)"),
    "timeout_not_accepted": Entry("408, -1007; not executed", "an order declared live that never arrived"),
    "throttled": Entry("503, -1008, but for what only reduces", "system-level protection in a fast market"),
    "timestamp_refused": Entry("400, -1021", "a clock without an offset sampler (predecessor 40)"),
    "server_error_before": Entry("500, 502, 503, 504; not executed", "503 on the closing leg (hummingbot 5801)"),
    "server_error_after": Entry("500, 502, 503, 504; executed", "filled, taken for failed, repeated (predecessor 6)"),
    "latency": Entry("delay before the engine; -5028 sees it", "an entry that arrives after its window or its lease"),
    "late_answer": Entry("delay of the answer", "the fill is known before its order is (nautilus 3775)"),
    "maintenance": Entry("503, -1016; streams end", "a planned or unplanned stop of the exchange"),
    "refuse": Entry("any code", "margin, filters, modes: what a bot must have an answer to (predecessor 10–17)"),
    "refuse_conditional": Entry("algoOrder refused", "a stop refused after the entry filled (freqtrade 12598)"),
    "partial_fills": Entry(
        "fills in parts, with time between", "protection for a part of the position (predecessor 20)"
    ),
    "duplicate_events": Entry("user events again", "a fill booked twice (ccxt 18028, QuantDinger 231)"),
    "reorder_events": Entry("user events after later ones", 'filled, then "new": the books turn back'),
    "delay_events": Entry("user events late", "an in-flight order declared rejected that fills later (nautilus 4958)"),
    "lose_events": Entry("user events never", "a position that nobody knows of until REST is asked (predecessor 30)"),
    "silent_stream": Entry("open, but nothing comes", "a market gone quiet taken for a calm one (predecessor 37)"),
    "close_connection": Entry("reset, or a close code", "a stream that never comes back (nautilus 3861)"),
    "expire_listen_key": Entry(
        "listenKeyExpired", "the user stream ends and the bot does not notice (hummingbot 7590)"
    ),
    "clock_offset": Entry("serverTime and -1021 move", "NTP steps, a virtual machine that slept (predecessor 40)"),
    "delist_symbol": Entry("settles at the mark, then takes nothing", "a delisting with a position open"),
    "change_filters": Entry(
        "tick, step, least notional", "precision errors on exits after a change (predecessor 11, 12)"
    ),
    "liquidate": Entry("positions closed by force", "liquidated before the stop was posted (freqtrade 11570)"),
    "reject_trigger": Entry(
        "stop triggers, order REJECTED", "a triggered stop leaves the position bare (freqtrade 12984)"
    ),
}
