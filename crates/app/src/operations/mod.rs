//! One file per thing the product does, named `verb_noun`.

pub mod capture_hold;
pub mod change_payment_method;
pub mod create_api_key;
pub mod create_organization;
pub mod create_platform;
pub mod create_price;
pub mod create_resource;
pub mod create_sku;
pub mod give_grant;
pub mod move_clock;
pub mod place_hold;
pub mod record_usage;
pub mod release_hold;
pub mod report_refund;
pub mod revoke_api_key;
pub mod save_payment_method;
pub mod set_auto_top_up;
pub mod set_user_limit;
pub mod settle_deposit;
pub mod settle_refund;
pub mod start_deposit;
pub mod start_refund;
pub mod start_run;
pub mod stop_run;
pub mod void_grant;
pub mod wake_wallet;
