"""The paper venue: Binance's USDⓈ-M REST and WebSocket dialect over the pure machine in `perpmesh.exchange`."""
