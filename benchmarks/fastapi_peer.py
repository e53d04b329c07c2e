"""The predecessor's stack with the same trivial handler: the size of GetStatus' answer, from memory."""

from fastapi import FastAPI

app = FastAPI()
STATUS = {
    "status": {
        "state": "ESS_STATE_ARMED", "can_execute": True, "epoch": "1", "stage": "STAGE_FULL", "paused": False,
        "trip_count": 0, "lease_holders": 1, "environment": "ENVIRONMENT_SIMULATED",
        "limits": {
            "equity": "10000", "day_start_equity": "10000", "daily_loss": "0", "daily_loss_limit": "0.03",
            "weekly_loss": "0", "weekly_loss_limit": "0.06", "drawdown": "0", "drawdown_limit": "0.1",
            "consecutive_losses": 0, "consecutive_losses_limit": 8, "trade_sequence": "0", "market_time_ms": "0",
        },
    }
}  # fmt: skip


@app.get("/status")
async def status() -> dict[str, object]:
    return STATUS
