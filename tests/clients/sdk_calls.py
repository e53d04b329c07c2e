"""Every method of the official SDK's REST client, in an order in which a session can call them."""

from binance_sdk_derivatives_trading_usds_futures.rest_api.models import (
    ModifyMultipleOrdersBatchOrdersParameterInner,
    PlaceMultipleOrdersBatchOrdersParameterInner,
)

BTC = {"symbol": "BTCUSDT"}
PERIOD = {**BTC, "period": "5m"}
LIMIT = {**BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}
STOP = {**BTC, "algo_type": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": 0.01}
RANGE = {"start_time": 1, "end_time": 2}


def batch_row(price):
    row = {**BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": price}
    return PlaceMultipleOrdersBatchOrdersParameterInner.from_dict({**row, "reduceOnly": "false"})


def amended_row(client_id, price):
    row = {**BTC, "side": "BUY", "quantity": 0.01, "price": price, "origClientOrderId": client_id}
    return ModifyMultipleOrdersBatchOrdersParameterInner.from_dict(row)


# The exchange as it is found.
MARKET = [
    ("test_connectivity", {}),
    ("check_server_time", {}),
    ("exchange_information", {}),
    ("order_book", BTC),
    ("rpi_order_book", BTC),
    ("recent_trades_list", BTC),
    ("old_trades_lookup", BTC),
    ("compressed_aggregate_trades_list", BTC),
    ("kline_candlestick_data", {**BTC, "interval": "1m"}),
    ("continuous_contract_kline_candlestick_data", {"pair": "BTCUSDT", "contract_type": "PERPETUAL", "interval": "1m"}),
    ("index_price_kline_candlestick_data", {"pair": "BTCUSDT", "interval": "1m"}),
    ("mark_price_kline_candlestick_data", {**BTC, "interval": "1m"}),
    ("premium_index_kline_data", {**BTC, "interval": "1m"}),
    ("mark_price", BTC),
    ("mark_price", {}),
    ("get_funding_rate_history", BTC),
    ("get_funding_rate_info", {}),
    ("ticker24hr_price_change_statistics", BTC),
    ("ticker24hr_price_change_statistics", {}),
    ("symbol_price_ticker", BTC),
    ("symbol_price_ticker_v2", {}),
    ("symbol_order_book_ticker", BTC),
    ("open_interest", BTC),
    ("open_interest_statistics", PERIOD),
    ("long_short_ratio", PERIOD),
    ("taker_buy_sell_volume", PERIOD),
    ("top_trader_long_short_ratio_accounts", PERIOD),
    ("top_trader_long_short_ratio_positions", PERIOD),
    ("basis", {"pair": "BTCUSDT", "contract_type": "PERPETUAL", "period": "5m"}),
    ("adl_risk", BTC),
    ("asset_index", {}),
    ("composite_index_symbol_information", {}),
    ("query_index_price_constituents", BTC),
    ("query_insurance_fund_balance_snapshot", {}),
    ("quarterly_contract_settlement_price", {"pair": "BTCUSDT"}),
    ("trading_schedule", {}),
]
# The account is set up, trades, and looks at what it did.
ACCOUNT = [
    ("change_position_mode", {"dual_side_position": "true"}),
    ("change_position_mode", {"dual_side_position": "false"}),
    ("get_current_position_mode", {}),
    ("get_current_multi_assets_mode", {}),
    ("change_initial_leverage", {**BTC, "leverage": 25}),
    ("change_margin_type", {**BTC, "margin_type": "ISOLATED"}),
    ("get_bnb_burn_status", {}),
    ("futures_account_configuration", {}),
    ("symbol_configuration", BTC),
    ("notional_and_leverage_brackets", BTC),
    ("user_commission_rate", BTC),
    ("query_user_rate_limit", {}),
    ("futures_trading_quantitative_rules_indicators", {}),
    ("start_user_data_stream", {}),
    ("keepalive_user_data_stream", {}),
    ("close_user_data_stream", {}),
    ("test_order", {**LIMIT, "price": 99_000.0}),
    ("new_order", {**BTC, "side": "BUY", "type": "MARKET", "quantity": 0.1}),
    ("modify_isolated_position_margin", {**BTC, "amount": 100.0, "type": 1}),
    ("get_position_margin_change_history", BTC),
    ("new_order", {**LIMIT, "price": 99_000.0, "new_client_order_id": "one"}),
    ("modify_order", {**BTC, "side": "BUY", "quantity": 0.02, "price": 99_100.0, "orig_client_order_id": "one"}),
    ("get_order_modify_history", {**BTC, "orig_client_order_id": "one"}),
    ("query_order", {**BTC, "orig_client_order_id": "one"}),
    ("query_current_open_order", {**BTC, "orig_client_order_id": "one"}),
    ("cancel_order", {**BTC, "orig_client_order_id": "one"}),
    ("place_multiple_orders", {"batch_orders": [batch_row(98_000.0), batch_row(97_000.0)]}),
    ("new_order", {**LIMIT, "price": 96_000.0, "new_client_order_id": "two"}),
    ("modify_multiple_orders", {"batch_orders": [amended_row("two", 96_100.0)]}),
    ("cancel_multiple_orders", {**BTC, "orig_client_order_id_list": ["two"]}),
    ("current_all_open_orders", BTC),
    ("auto_cancel_all_open_orders", {**BTC, "countdown_time": 60_000}),
    ("cancel_all_open_orders", BTC),
    ("all_orders", BTC),
    ("new_algo_order", {**STOP, "trigger_price": 99_000.0, "client_algo_id": "stop"}),
    ("query_algo_order", {"client_algo_id": "stop"}),
    ("current_all_algo_open_orders", BTC),
    ("cancel_algo_order", {"client_algo_id": "stop"}),
    ("new_algo_order", {**STOP, "trigger_price": 98_000.0}),
    ("cancel_all_algo_open_orders", BTC),
    ("query_all_algo_orders", BTC),
    ("position_information_v2", BTC),
    ("position_information_v3", BTC),
    ("position_adl_quantile_estimation", BTC),
    ("account_information_v2", {}),
    ("account_information_v3", {}),
    ("futures_account_balance_v2", {}),
    ("futures_account_balance_v3", {}),
    ("account_trade_list", BTC),
    ("get_income_history", {}),
    ("users_force_orders", BTC),
]
# What docs/EXCHANGE.md says is not served, with the reason.
REFUSED = [
    ("change_multi_assets_mode", {"multi_assets_margin": "true"}),
    ("toggle_bnb_burn_on_futures_trade", {"fee_burn": "true"}),
    ("accept_the_offered_quote", {"quote_id": "1"}),
    ("list_all_convert_pairs", {"from_asset": "USDT"}),
    ("order_status", {"order_id": "1"}),
    ("send_quote_request", {"from_asset": "USDT", "to_asset": "BTC", "from_amount": 1.0}),
    ("classic_portfolio_margin_account_information", {"asset": "USDT"}),
    ("futures_tradfi_perps_contract", {}),
    ("get_download_id_for_futures_order_history", RANGE),
    ("get_download_id_for_futures_trade_history", RANGE),
    ("get_download_id_for_futures_transaction_history", RANGE),
    ("get_futures_order_history_download_link_by_id", {"download_id": "1"}),
    ("get_futures_trade_download_link_by_id", {"download_id": "1"}),
    ("get_futures_transaction_history_download_link_by_id", {"download_id": "1"}),
]

# The same over the trading socket.
SOCKET = [
    ("order_book", BTC),
    ("symbol_order_book_ticker", BTC),
    ("symbol_price_ticker", BTC),
    ("start_user_data_stream", {}),
    ("keepalive_user_data_stream", {}),
    ("new_order", {**LIMIT, "price": 99_000.0, "new_client_order_id": "one"}),
    ("modify_order", {**BTC, "side": "BUY", "quantity": 0.02, "price": 99_100.0, "orig_client_order_id": "one"}),
    ("query_order", {**BTC, "orig_client_order_id": "one"}),
    ("cancel_order", {**BTC, "orig_client_order_id": "one"}),
    ("new_order", {**BTC, "side": "BUY", "type": "MARKET", "quantity": 0.1}),
    ("new_algo_order", {**STOP, "trigger_price": 99_000.0, "client_algo_id": "stop"}),
    ("cancel_algo_order", {"client_algo_id": "stop"}),
    ("position_information", BTC),
    ("position_information_v2", BTC),
    ("account_information", {}),
    ("account_information_v2", {}),
    ("futures_account_balance", {}),
    ("futures_account_balance_v2", {}),
    ("close_user_data_stream", {}),
]
# Streams that a market which runs is heard on at once.
STREAMS = [
    ("aggregate_trade_streams", {"symbol": "btcusdt"}),
    ("kline_candlestick_streams", {"symbol": "btcusdt", "interval": "1m"}),
    (
        "continuous_contract_kline_candlestick_streams",
        {"pair": "btcusdt", "contract_type": "perpetual", "interval": "1m"},
    ),
    ("mark_price_stream", {"symbol": "btcusdt", "update_speed": "1s"}),
    ("mark_price_stream_for_all_market", {"update_speed": "1s"}),
    ("individual_symbol_ticker_streams", {"symbol": "btcusdt"}),
    ("individual_symbol_mini_ticker_stream", {"symbol": "btcusdt"}),
    ("all_market_tickers_streams", {}),
    ("all_market_mini_tickers_stream", {}),
    ("individual_symbol_book_ticker_streams", {"symbol": "btcusdt"}),
    ("all_book_tickers_stream", {}),
    ("diff_book_depth_streams", {"symbol": "btcusdt", "update_speed": "100ms"}),
    ("partial_book_depth_streams", {"symbol": "btcusdt", "levels": 5, "update_speed": "100ms"}),
]
