//! The whole table of the API: every route as data.

use domain::workset::Role::{Operator, Organization, Platform, Read, Usage};

use crate::api::*;
use crate::page::List;
use crate::route::{CLOUD_EVENT, CLOUD_EVENTS, JSON, KeyPolicy, Route};

macro_rules! to {
    ($handler:path) => {
        |call| Box::pin($handler(call))
    };
}

/// Why usage is not recorded, in whatever words it is sent.
const USAGE_REFUSALS: &[&str] = &[
    "too_many_events",
    "event_conflict",
    "quantity_not_positive",
    "too_far_ahead",
    "too_long_ago",
    "unknown_sku",
    "price_missing",
    "amount_out_of_range",
    "insufficient_credit",
];

/// Every route of the API.
pub static ROUTES: &[Route] = &[
    Route::get("/livez", to!(server::livez)).is("get_livez", "Says that the process runs"),
    Route::get("/readyz", to!(server::readyz))
        .is("get_readyz", "Says whether requests can be answered")
        .refuses(&["not_owner", "unavailable"]),
    Route::get("/metrics", to!(server::metrics)).is("get_metrics", "Counters for Prometheus"),
    Route::get("/openapi.json", to!(server::openapi)).is("get_openapi", "The document of the API"),
    Route::get("/prices/{id}", to!(price_page::get))
        .is("get_price_page", "Shows the prices of a platform to anyone, where its profile says so")
        .query::<price_page::PricePageQuery>()
        .answers::<price_page::PricePageOut>(),
    Route::create("/v1/platforms", to!(platforms::create))
        .is("create_platform", "Creates a platform")
        .role(Operator)
        .takes::<platforms::PlatformIn>()
        .answers::<platforms::PlatformOut>()
        .refuses(&["setting_invalid", "name_taken"]),
    Route::act("/v1/platforms/{id}/profile", to!(platforms::change_profile))
        .is("change_profile", "Changes the profile of a platform from an instant on")
        .role(Platform)
        .takes::<platforms::ProfileIn>()
        .answers::<platforms::PlatformOut>()
        .refuses(&["setting_invalid", "too_long_ago"]),
    Route::get("/v1/platforms/{id}", to!(platforms::get))
        .is("get_platform", "Shows a platform")
        .role(Platform)
        .answers::<platforms::PlatformOut>(),
    Route::create("/v1/organizations", to!(organizations::create))
        .is("create_organization", "Creates an organization with its wallet")
        .role(Platform)
        .takes::<organizations::OrganizationIn>()
        .answers::<organizations::OrganizationOut>()
        .refuses(&["name_taken"]),
    Route::get("/v1/organizations", to!(organizations::list))
        .is("list_organizations", "Lists the organizations of a platform")
        .role(Platform)
        .query::<PlatformQuery>()
        .lists::<List<organizations::OrganizationOut>>(),
    Route::get("/v1/organizations/{id}", to!(organizations::get))
        .is("get_organization", "Shows an organization")
        .role(Read)
        .answers::<organizations::OrganizationOut>(),
    Route::act("/v1/organizations/{id}/close", to!(organizations::close))
        .is("close_organization", "Closes an organization for good and erases who it was")
        .role(Platform)
        .takes::<Nothing>()
        .answers::<organizations::OrganizationOut>()
        .refuses(&["organization_in_use", "wallet_frozen", "debt_unpaid"]),
    Route::act("/v1/organizations/{id}/tax_rate", to!(tax_rates::set))
        .is("set_tax_rate", "Sets the tax rate of an organization from now on")
        .role(Platform)
        .takes::<tax_rates::TaxRateIn>()
        .answers::<tax_rates::TaxRateOut>()
        .refuses(&["not_in_profile", "tax_rate_out_of_range"]),
    Route::get("/v1/organizations/{id}/tax_rate", to!(tax_rates::get))
        .is("get_tax_rate", "Shows the tax rate of an organization")
        .role(Read)
        .answers::<tax_rates::TaxRateOut>(),
    Route::create("/v1/api_keys", to!(api_keys::create))
        .is("create_api_key", "Creates an API key and shows its secret once")
        .role(Organization)
        .takes::<api_keys::ApiKeyIn>()
        .answers::<api_keys::NewApiKeyOut>(),
    Route::get("/v1/api_keys", to!(api_keys::list))
        .is("list_api_keys", "Lists API keys")
        .role(Organization)
        .query::<OrganizationQuery>()
        .lists::<List<api_keys::ApiKeyOut>>(),
    Route::act("/v1/api_keys/{id}/revoke", to!(api_keys::revoke))
        .is("revoke_api_key", "Revokes an API key within a second")
        .role(Organization)
        .takes::<Nothing>()
        .answers::<api_keys::ApiKeyOut>(),
    Route::create("/v1/limits", to!(limits::set))
        .is("set_limit", "Sets what may be spent in a day or a month")
        .role(Organization)
        .takes::<limits::SpendLimitIn>()
        .answers::<limits::SpendLimitOut>()
        .refuses(&["amount_not_positive", "setting_invalid"]),
    Route::get("/v1/limits", to!(limits::list))
        .is("list_limits", "Lists limits, with what each leaves")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<limits::SpendLimitOut>>(),
    Route::act("/v1/limits/{id}/remove", to!(limits::remove))
        .is("remove_limit", "Removes a limit")
        .role(Organization)
        .takes::<Nothing>()
        .answers::<limits::SpendLimitOut>(),
    Route::create("/v1/members", to!(members::add))
        .is("add_member", "Adds a member")
        .role(Organization)
        .takes::<members::MemberIn>()
        .answers::<members::MemberOut>()
        .refuses(&["owner_missing"]),
    Route::get("/v1/members", to!(members::list))
        .is("list_members", "Lists members")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<members::MemberOut>>(),
    Route::get("/v1/members/{id}", to!(members::get))
        .is("get_member", "Shows a member")
        .role(Read)
        .answers::<members::MemberOut>(),
    Route::act("/v1/members/{id}/role", to!(members::change_role))
        .is("change_role", "Changes what a member may do")
        .role(Organization)
        .takes::<members::RoleIn>()
        .answers::<members::MemberOut>()
        .refuses(&["owner_missing"]),
    Route::act("/v1/members/{id}/remove", to!(members::remove))
        .is("remove_member", "Removes a member, who stays named where they paid")
        .role(Organization)
        .takes::<Nothing>()
        .answers::<members::MemberOut>()
        .refuses(&["owner_missing"]),
    Route::get("/v1/wallets/{id}", to!(wallets::get))
        .is("get_wallet", "Shows what an organization has, exact at this instant")
        .role(Read)
        .answers::<wallets::WalletOut>(),
    Route::get("/v1/wallets/{id}/projection", to!(projection::get))
        .is("get_projection", "Shows what this month has cost, and will have cost")
        .role(Read)
        .answers::<projection::ProjectionOut>(),
    Route::get("/v1/wallets/{id}/statement", to!(statements::get))
        .is("get_statement", "Shows what came in, was used and is left of a month; also as CSV")
        .role(Read)
        .query::<statements::StatementQuery>()
        .answers::<statements::StatementOut>(),
    Route::act("/v1/wallets/{id}/auto_top_up", to!(auto_top_up::set))
        .is("set_auto_top_up", "Sets the auto top-up rule")
        .role(Organization)
        .takes::<auto_top_up::AutoTopUpIn>()
        .answers::<auto_top_up::AutoTopUpOut>()
        .refuses(&[
            "not_in_profile",
            "setting_out_of_range",
            "amount_too_precise",
            "payment_method_missing",
            "wallet_frozen",
        ]),
    Route::get("/v1/wallets/{id}/auto_top_up/preview", to!(auto_top_up::preview))
        .is("preview_auto_top_up", "Says what saving an auto top-up rule will do")
        .role(Read)
        .query::<auto_top_up::PreviewQuery>()
        .answers::<auto_top_up::PreviewOut>()
        .refuses(&["not_in_profile", "setting_out_of_range", "amount_too_precise"]),
    Route::act("/v1/wallets/{id}/release_freeze", to!(wallets::release_freeze))
        .is("release_freeze", "Releases a wallet that stayed frozen after a dispute was lost")
        .role(Platform)
        .takes::<Nothing>()
        .answers::<wallets::FreezeOut>()
        .refuses(&["dispute_open", "debt_unpaid"]),
    Route::act("/v1/wallets/{id}/limit", to!(wallets::set_limit))
        .is("set_user_limit", "Sets the balance below which people are told")
        .role(Organization)
        .takes::<wallets::LimitIn>()
        .answers::<wallets::LimitOut>()
        .refuses(&["amount_not_positive"]),
    Route::act("/v1/wallets/{id}/notices", to!(notices::set))
        .is("set_notices", "Sets which mails an organization gets")
        .role(Organization)
        .takes::<notices::NoticesIn>()
        .answers::<notices::NoticesOut>(),
    Route::act("/v1/wallets/{id}/bounce", to!(notices::report_bounce))
        .is("report_bounce", "Takes the report that a mail came back, so that no more are sent")
        .role(Platform)
        .takes::<notices::BounceIn>()
        .answers::<notices::NoticesOut>(),
    Route::create("/v1/grants", to!(grants::create))
        .is("give_grant", "Gives a promotional grant")
        .role(Platform)
        .key(KeyPolicy::Required)
        .takes::<grants::GrantIn>()
        .answers::<grants::GrantOut>()
        .refuses(&[
            "amount_not_positive",
            "amount_out_of_range",
            "priority_out_of_range",
            "expiry_in_the_past",
            "too_many_upcoming",
            "too_many_scopes",
        ]),
    Route::get("/v1/grants", to!(grants::list))
        .is("list_grants", "Lists grants with what is left of each")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<grants::GrantOut>>(),
    Route::get("/v1/grants/{id}", to!(grants::get))
        .is("get_grant", "Shows a grant with what is left of it")
        .role(Read)
        .answers::<grants::GrantOut>(),
    Route::act("/v1/grants/{id}/void", to!(grants::void))
        .is("void_grant", "Ends a promotional grant from now on")
        .role(Platform)
        .key(KeyPolicy::Required)
        .takes::<Nothing>()
        .answers::<grants::GrantOut>()
        .refuses(&["grant_not_voidable"]),
    Route::create("/v1/coupons", to!(coupons::create))
        .is("create_coupon", "Creates a coupon")
        .role(Platform)
        .takes::<coupons::CouponIn>()
        .answers::<coupons::CouponOut>()
        .refuses(&[
            "not_in_profile",
            "amount_not_positive",
            "amount_out_of_range",
            "quantity_not_positive",
            "expiry_in_the_past",
            "name_taken",
        ]),
    Route::get("/v1/coupons", to!(coupons::list))
        .is("list_coupons", "Lists the coupons of a platform")
        .role(Platform)
        .query::<PlatformQuery>()
        .lists::<List<coupons::CouponOut>>(),
    Route::get("/v1/coupons/{id}", to!(coupons::get))
        .is("get_coupon", "Shows a coupon, and how often it was redeemed")
        .role(Platform)
        .answers::<coupons::CouponOut>(),
    Route::create("/v1/redemptions", to!(redemptions::create))
        .is("redeem_coupon", "Redeems a coupon for an organization, once")
        .role(Organization)
        .takes::<redemptions::RedemptionIn>()
        .answers::<redemptions::RedemptionOut>()
        .refuses(&[
            "not_in_profile",
            "coupon_not_valid",
            "coupon_used_up",
            "coupon_redeemed",
            "not_first_purchase",
            "too_many_waiting",
            "amount_out_of_range",
        ]),
    Route::get("/v1/redemptions", to!(redemptions::list))
        .is("list_redemptions", "Lists what became of coupons in an organization")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<redemptions::RedemptionOut>>(),
    Route::create("/v1/deposits", to!(deposits::create))
        .is("start_deposit", "Starts a deposit and says where it is paid")
        .role(Organization)
        .key(KeyPolicy::Required)
        .takes::<deposits::DepositIn>()
        .answers::<deposits::DepositOut>()
        .refuses(&[
            "amount_not_positive",
            "amount_too_precise",
            "amount_out_of_range",
            "not_in_profile",
        ]),
    Route::get("/v1/deposits", to!(deposits::list))
        .is("list_deposits", "Lists deposits")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<deposits::DepositOut>>(),
    Route::get("/v1/deposits/{id}", to!(deposits::get))
        .is("get_deposit", "Shows a deposit")
        .role(Read)
        .answers::<deposits::DepositOut>(),
    Route::act("/v1/deposits/{id}/sandbox", to!(deposits::decide))
        .is("decide_sandbox_deposit", "Decides a deposit of the sandbox rail, as its page would")
        .role(Platform)
        .takes::<deposits::OutcomeIn>()
        .answers::<deposits::DepositOut>()
        .refuses(&[
            "deposit_decided",
            "amount_not_positive",
            "amount_too_precise",
            "currency_differs",
            "amount_differs",
            "conversion_differs",
            "conversion_reported",
            "fee_out_of_range",
            "fee_reported",
        ]),
    Route::get("/v1/arrivals", to!(arrivals::list))
        .is("list_arrivals", "Lists what came and is not what was asked for")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<arrivals::ArrivalOut>>(),
    Route::get("/v1/arrivals/{id}", to!(arrivals::get))
        .is("get_arrival", "Shows an arrival")
        .role(Read)
        .answers::<arrivals::ArrivalOut>(),
    Route::act("/v1/arrivals/{id}/decide", to!(arrivals::decide))
        .is("decide_arrival", "Credits what arrived, says that it went back, or leaves it")
        .role(Platform)
        .takes::<arrivals::DecisionIn>()
        .answers::<arrivals::ArrivalOut>()
        .refuses(&["arrival_decided"]),
    Route::create("/v1/refunds", to!(refunds::create))
        .is("start_refund", "Starts a refund of what is unspent of a deposit")
        .role(Organization)
        .key(KeyPolicy::Required)
        .takes::<refunds::RefundIn>()
        .answers::<refunds::RefundOut>()
        .refuses(&[
            "deposit_not_paid",
            "wallet_frozen",
            "not_in_profile",
            "refund_too_late",
            "amount_not_positive",
            "amount_too_precise",
            "above_refundable",
        ]),
    Route::get("/v1/refunds", to!(refunds::list))
        .is("list_refunds", "Lists refunds")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<refunds::RefundOut>>(),
    Route::get("/v1/refunds/{id}", to!(refunds::get))
        .is("get_refund", "Shows a refund")
        .role(Read)
        .answers::<refunds::RefundOut>(),
    Route::act("/v1/refunds/report", to!(refunds::report))
        .is("report_refund", "Mirrors a refund that was made at the provider")
        .role(Platform)
        .takes::<refunds::ReportedRefundIn>()
        .answers::<refunds::RefundOut>()
        .refuses(&[
            "external_id_taken",
            "amount_not_positive",
            "amount_too_precise",
            "deposit_not_paid",
            "amount_out_of_range",
        ]),
    Route::act("/v1/refunds/{id}/sandbox", to!(refunds::decide))
        .is("decide_sandbox_refund", "Decides a refund of the sandbox rail")
        .role(Platform)
        .takes::<refunds::RefundOutcomeIn>()
        .answers::<refunds::RefundOut>()
        .refuses(&["refund_decided"]),
    Route::act("/v1/disputes", to!(disputes::report))
        .is("report_dispute", "Mirrors how a dispute stands at its rail")
        .role(Platform)
        .takes::<disputes::DisputeIn>()
        .answers::<disputes::DisputeOut>()
        .refuses(&[
            "deposit_not_paid",
            "external_id_taken",
            "dispute_decided",
            "amount_too_precise",
            "amount_out_of_range",
        ]),
    Route::get("/v1/disputes", to!(disputes::list))
        .is("list_disputes", "Lists disputes")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<disputes::DisputeOut>>(),
    Route::get("/v1/disputes/{id}", to!(disputes::get))
        .is("get_dispute", "Shows a dispute")
        .role(Read)
        .answers::<disputes::DisputeOut>(),
    Route::get("/v1/documents", to!(documents::list))
        .is("list_documents", "Lists receipts, invoices and credit notes; also as CSV")
        .role(Read)
        .query::<documents::DocumentsQuery>()
        .answers::<List<documents::DocumentOut>>(),
    Route::get("/v1/documents/{id}", to!(documents::get))
        .is("get_document", "Shows a document as it was issued; also as CSV")
        .role(Read)
        .query::<documents::DocumentQuery>()
        .answers::<documents::DocumentOut>(),
    Route::create("/v1/invoices", to!(documents::invoice))
        .is("issue_invoice", "Issues the invoice for a month that is over, once")
        .role(Organization)
        .takes::<documents::InvoiceIn>()
        .answers::<documents::DocumentOut>()
        .refuses(&["not_in_profile", "period_open"]),
    Route::act("/v1/parties", to!(parties::set))
        .is("set_party", "Sets what documents name of a customer, or of a platform")
        .role(Organization)
        .takes::<parties::PartyIn>()
        .answers::<parties::PartyOut>(),
    Route::get("/v1/parties", to!(parties::get))
        .is("get_party", "Shows what documents name of a customer, or of a platform")
        .role(Read)
        .query::<parties::PartyQuery>()
        .answers::<parties::PartyOut>(),
    Route::create("/v1/payment_methods", to!(payment_methods::create))
        .is("save_payment_method", "Saves a sandbox payment method")
        .role(Organization)
        .takes::<payment_methods::PaymentMethodIn>()
        .answers::<payment_methods::PaymentMethodOut>(),
    Route::get("/v1/payment_methods", to!(payment_methods::list))
        .is("list_payment_methods", "Lists payment methods")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<payment_methods::PaymentMethodOut>>(),
    Route::act("/v1/payment_methods/{id}/behaviour", to!(payment_methods::change_behaviour))
        .is("change_payment_method", "Changes how a sandbox payment method answers")
        .role(Organization)
        .takes::<payment_methods::BehaviourIn>()
        .answers::<payment_methods::PaymentMethodOut>(),
    Route::create("/v1/skus", to!(skus::create))
        .is("create_sku", "Creates a SKU")
        .role(Platform)
        .takes::<skus::SkuIn>()
        .answers::<skus::SkuOut>()
        .refuses(&["name_taken", "setting_invalid", "unknown_sku", "class_differs"]),
    Route::get("/v1/skus", to!(skus::list))
        .is("list_skus", "Lists what a platform sells")
        .role(Read)
        .query::<PlatformQuery>()
        .lists::<List<skus::SkuOut>>(),
    Route::act("/v1/skus/{id}/alternatives", to!(skus::relate))
        .is("relate_sku", "Says which SKU can take the place of another")
        .role(Platform)
        .takes::<skus::AlternativeIn>()
        .answers::<skus::SkuOut>()
        .refuses(&["class_differs"]),
    Route::act("/v1/skus/{id}/commitment", to!(skus::offer_commitment))
        .is("offer_commitment", "Offers a SKU at a reserved price for a term, or ends the offer")
        .role(Platform)
        .takes::<skus::CommitmentOfferIn>()
        .answers::<skus::SkuOut>()
        .refuses(&["discount_out_of_range", "setting_out_of_range"]),
    Route::create("/v1/commitments", to!(commitments::create))
        .is("make_commitment", "Pays a SKU ahead for a term, at its reserved price")
        .role(Organization)
        .key(KeyPolicy::Required)
        .takes::<commitments::CommitmentIn>()
        .answers::<grants::GrantOut>()
        .refuses(&[
            "not_in_profile",
            "commitment_not_offered",
            "quantity_not_positive",
            "price_missing",
            "amount_out_of_range",
            "insufficient_credit",
            "too_many_scopes",
            "setting_invalid",
        ]),
    Route::create("/v1/prices", to!(prices::create))
        .is("create_price", "Sets what one dimension of a SKU costs from a moment on")
        .role(Platform)
        .takes::<prices::PriceIn>()
        .answers::<prices::PriceOut>()
        .refuses(&[
            "amount_out_of_range",
            "quantity_not_positive",
            "too_long_ago",
            "setting_invalid",
        ]),
    Route::get("/v1/prices", to!(prices::list))
        .is("list_prices", "Lists the versions of all prices of a platform")
        .role(Read)
        .query::<PlatformQuery>()
        .lists::<List<prices::PriceOut>>(),
    Route::create("/v1/discounts", to!(discounts::create))
        .is("assign_discount", "Assigns a discount to an organization, for all SKUs or one")
        .role(Platform)
        .takes::<discounts::DiscountIn>()
        .answers::<discounts::DiscountOut>()
        .refuses(&[
            "not_in_profile",
            "discount_out_of_range",
            "too_long_ago",
            "expiry_in_the_past",
            "setting_invalid",
        ]),
    Route::get("/v1/discounts", to!(discounts::list))
        .is("list_discounts", "Lists the discounts assigned to an organization")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<discounts::DiscountOut>>(),
    Route::get("/v1/price_list", to!(price_list::list))
        .is("list_price_list", "Lists what everything costs one organization now")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<price_list::ListedPriceOut>>(),
    Route::create("/v1/resources", to!(resources::create))
        .is("create_resource", "Creates a resource, which costs nothing until it runs")
        .role(Usage)
        .takes::<resources::ResourceIn>()
        .answers::<resources::ResourceOut>()
        .refuses(&["unknown_sku"]),
    Route::get("/v1/resources", to!(resources::list))
        .is("list_resources", "Lists resources with their costs so far")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<resources::ResourceOut>>(),
    Route::get("/v1/resources/{id}", to!(resources::get))
        .is("get_resource", "Shows a resource with its cost so far")
        .role(Read)
        .answers::<resources::ResourceOut>(),
    Route::create("/v1/resources/{id}/resume", to!(resources::resume))
        .is("resume_resource", "Resumes a paused resource with a new run")
        .role(Usage)
        .takes::<Nothing>()
        .answers::<runs::RunOut>()
        .refuses(&[
            "already_running",
            "wallet_frozen",
            "resource_not_paused",
            "price_missing",
            "amount_out_of_range",
            "insufficient_credit",
        ]),
    Route::create("/v1/resources/{id}/redeploy", to!(resources::redeploy))
        .is("redeploy_resource", "Makes a terminated resource again")
        .role(Usage)
        .takes::<Nothing>()
        .answers::<resources::ResourceOut>()
        .refuses(&["resource_not_terminated"]),
    Route::create("/v1/runs", to!(runs::create))
        .is("start_run", "Starts a run, if the wallet can afford to let it")
        .role(Usage)
        .takes::<runs::RunIn>()
        .answers::<runs::RunOut>()
        .refuses(&[
            "already_running",
            "wallet_frozen",
            "resource_paused",
            "resource_terminated",
            "too_far_ahead",
            "too_long_ago",
            "setting_invalid",
            "price_missing",
            "amount_out_of_range",
            "insufficient_credit",
        ]),
    Route::get("/v1/runs", to!(runs::list))
        .is("list_runs", "Lists runs with their costs so far")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<runs::RunOut>>(),
    Route::get("/v1/runs/{id}", to!(runs::get))
        .is("get_run", "Shows a run with its cost so far")
        .role(Read)
        .answers::<runs::RunOut>(),
    Route::act("/v1/runs/{id}/stop", to!(runs::stop))
        .is("stop_run", "Ends a run and settles its time")
        .role(Usage)
        .takes::<runs::StopIn>()
        .answers::<runs::RunOut>()
        .refuses(&["run_ended", "too_far_ahead", "too_long_ago", "stop_before_start"]),
    Route::act("/v1/runs/{id}/ready", to!(runs::ready))
        .is("report_ready", "Says that a run is ready: it costs money from here on")
        .role(Usage)
        .takes::<runs::SeenIn>()
        .answers::<runs::RunOut>()
        .refuses(&["run_ended", "run_ready", "too_far_ahead", "too_long_ago"]),
    Route::act("/v1/runs/{id}/beat", to!(runs::beat))
        .is("report_beat", "Says that a run still runs")
        .role(Usage)
        .takes::<runs::SeenIn>()
        .answers::<runs::RunOut>()
        .refuses(&["run_ended", "no_heartbeat", "too_far_ahead", "too_long_ago"]),
    Route::act("/v1/runs/{id}/resize", to!(runs::resize))
        .is("resize_run", "Lets a run go on as another SKU of its class")
        .role(Usage)
        .takes::<runs::ResizeIn>()
        .answers::<runs::RunOut>()
        .refuses(&[
            "run_ended",
            "wallet_frozen",
            "unknown_sku",
            "class_differs",
            "price_missing",
            "amount_out_of_range",
            "insufficient_credit",
        ]),
    Route::create("/v1/holds", to!(holds::create))
        .is("place_hold", "Sets credit aside before work starts, or says what is missing")
        .role(Usage)
        .takes::<holds::HoldIn>()
        .answers::<holds::HoldOut>()
        .refuses(&[
            "wallet_frozen",
            "amount_not_positive",
            "expiry_in_the_past",
            "insufficient_credit",
            "runway_too_short",
        ]),
    Route::get("/v1/holds", to!(holds::list))
        .is("list_holds", "Lists holds")
        .role(Read)
        .query::<OrganizationQuery>()
        .lists::<List<holds::HoldOut>>(),
    Route::get("/v1/holds/{id}", to!(holds::get))
        .is("get_hold", "Shows a hold")
        .role(Read)
        .answers::<holds::HoldOut>(),
    Route::act("/v1/holds/{id}/capture", to!(holds::capture))
        .is("capture_hold", "Turns all or part of a hold into a charge")
        .role(Usage)
        .key(KeyPolicy::Required)
        .takes::<holds::CaptureIn>()
        .answers::<holds::HoldOut>()
        .refuses(&["hold_resolved", "amount_not_positive", "capture_above_hold"]),
    Route::act("/v1/holds/{id}/release", to!(holds::release))
        .is("release_hold", "Gives back what a hold has set aside")
        .role(Usage)
        .takes::<Nothing>()
        .answers::<holds::HoldOut>()
        .refuses(&["hold_resolved"]),
    Route::act("/v1/usage_events", to!(usage_events::create))
        .is("record_usage", "Records usage events; the event's id is its idempotency key")
        .role(Usage)
        .key(KeyPolicy::None)
        .media(&[JSON, CLOUD_EVENT, CLOUD_EVENTS])
        .large()
        .takes::<usage_events::UsageIn>()
        .answers::<usage_events::UsageAnswer>()
        .refuses(USAGE_REFUSALS),
    Route::act("/api/v1/events", to!(usage_events::dialects::create))
        .is("record_dialect", "Records usage sent in the dialect of OpenMeter or Lago")
        .role(Usage)
        .key(KeyPolicy::None)
        .media(&[JSON, CLOUD_EVENT, CLOUD_EVENTS])
        .large()
        .takes::<usage_events::dialects::DialectIn>()
        .answers::<usage_events::dialects::DialectAnswer>()
        .refuses(USAGE_REFUSALS),
    Route::act("/v1/usage_events/reverse", to!(usage_events::reverse))
        .is("reverse_usage", "Reverses the charge for a usage event, once")
        .role(Platform)
        .key(KeyPolicy::None)
        .takes::<usage_events::ReversalIn>()
        .answers::<usage_events::ChargeOut>()
        .refuses(&["not_reversible", "event_conflict"]),
    Route::get("/v1/ledger", to!(ledger::list))
        .is("list_ledger", "Lists movements, with settlements opened into their periods")
        .role(Read)
        .query::<ledger::LedgerQuery>()
        .lists::<ledger::LedgerOut>(),
    Route::get("/v1/explanations/{id}", to!(explanations::get))
        .is("get_explanation", "Says what a number is made of, down to its events")
        .role(Read)
        .query::<explanations::ExplanationQuery>()
        .answers::<explanations::ExplanationOut>(),
    Route::get("/v1/events", to!(events::list))
        .is("list_events", "Lists what happened, oldest first")
        .role(Read)
        .query::<events::EventsQuery>()
        .lists::<List<events::EventOut>>(),
    Route::get("/v1/reports/costs", to!(reports::costs))
        .is("report_costs", "Reports what was used, grouped, day by day; also as CSV")
        .role(Read)
        .query::<reports::CostsQuery>()
        .answers::<reports::CostsOut>(),
    Route::get("/v1/reports/roll_forward", to!(roll_forward::get))
        .is("report_roll_forward", "Reports deferred revenue over a month; also as CSV")
        .role(Platform)
        .query::<roll_forward::RollForwardQuery>()
        .answers::<roll_forward::RollForwardOut>(),
    Route::get("/v1/reports/dormant_balances", to!(dormant_balances::list))
        .is("report_dormant_balances", "Lists paid credit of silent customers; also as CSV")
        .role(Platform)
        .query::<dormant_balances::DormantQuery>()
        .answers::<List<dormant_balances::DormantOut>>(),
    Route::get("/v1/reports/ageing", to!(operator_reports::ageing))
        .is("report_ageing", "Reports how old unspent credit is; also as CSV")
        .role(Platform)
        .query::<operator_reports::OperatorReportQuery>()
        .answers::<operator_reports::OperatorReportOut>(),
    Route::get("/v1/reports/breakage", to!(operator_reports::breakage))
        .is("report_breakage", "Reports paid credit that nobody used; also as CSV")
        .role(Platform)
        .query::<operator_reports::OperatorReportQuery>()
        .answers::<operator_reports::OperatorReportOut>(),
    Route::get("/v1/reports/promotions", to!(operator_reports::promotions))
        .is("report_promotions", "Reports what promotions cost, by campaign; also as CSV")
        .role(Platform)
        .query::<operator_reports::OperatorReportQuery>()
        .answers::<operator_reports::OperatorReportOut>(),
    Route::get("/v1/reports/revenue", to!(operator_reports::revenue))
        .is("report_revenue", "Reports what was earned, by SKU and customer; also as CSV")
        .role(Platform)
        .query::<operator_reports::OperatorReportQuery>()
        .answers::<operator_reports::OperatorReportOut>(),
    Route::get("/v1/reports/requests", to!(reports::requests))
        .is("report_requests", "Reports the dearest single requests; also as CSV")
        .role(Read)
        .query::<reports::RequestsQuery>()
        .answers::<reports::RequestsOut>(),
    Route::get("/v1/reports/resources", to!(resource_uses::list))
        .is("report_resources", "Reports how resources were used, and what was idle; also as CSV")
        .role(Read)
        .query::<resource_uses::UsesQuery>()
        .answers::<resource_uses::UsesOut>(),
    Route::get("/v1/reports/hours", to!(resource_uses::hours))
        .is("report_hours", "Reports in which hours of the week a resource ran; also as CSV")
        .role(Read)
        .query::<resource_uses::HoursQuery>()
        .answers::<resource_uses::HoursOut>(),
    Route::get("/v1/reports/suggestions", to!(suggestions::list))
        .is("report_suggestions", "Reports what could be cheaper, with its arithmetic; also as CSV")
        .role(Read)
        .query::<suggestions::SuggestionsQuery>()
        .answers::<suggestions::SuggestionsOut>(),
    Route::get("/v1/test_clocks/{id}", to!(test_clocks::get))
        .is("get_test_clock", "Shows the clock of a test platform")
        .role(Platform)
        .answers::<test_clocks::TestClockOut>()
        .refuses(&["no_test_clock"]),
    Route::act("/v1/test_clocks/{id}/advance", to!(test_clocks::advance_clock))
        .is("advance_test_clock", "Advances the clock of a test platform; 202 while it goes on")
        .role(Platform)
        .key(KeyPolicy::None)
        .takes::<test_clocks::AdvanceIn>()
        .answers::<test_clocks::TestClockOut>()
        .refuses(&["no_test_clock", "clock_goes_back", "clock_too_far"]),
];
