//! The price list: what is sold and what it costs one organization now (requirements S13).

use domain::discount::percent;
use domain::price::{Price, PriceBook};
use domain::profile::Profile;
use domain::wallet::Wallet;
use domain::{Kind, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::OrganizationQuery;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText};

#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedPriceOut {
    /// The version of the price that is in force.
    pub price: IdText,
    /// The code of the SKU.
    pub sku: String,
    pub name: String,
    pub class: String,
    pub dimension: String,
    /// For `per_units` units, before the discount.
    pub list_amount: MoneyText,
    /// After it, rounded to nine places to be shown; a charge rounds once, from the exact price.
    pub amount: MoneyText,
    pub per_units: i64,
    pub discount_bps: i64,
    /// The discount as people say it, such as `10` or `12.5`.
    pub discount_percent: String,
    /// GPUs that one of it has, and what an hour of one costs after the discount, rounded to nine
    /// places to be shown.
    pub gpu_count: Option<i64>,
    pub gpu_hour_amount: Option<MoneyText>,
    /// The code of the SKU that it is a load profile of.
    pub variant_of: Option<String>,
}

impl ListedPriceOut {
    fn of(
        price: &Price,
        book: &PriceBook,
        wallet: &Wallet,
        profile: &Profile,
        now: Timestamp,
    ) -> Option<ListedPriceOut> {
        let sku = book.sku(price.sku)?;
        let discount_bps = wallet.discount_bps(profile, sku.number, now, now);
        let rate = price.rate(discount_bps);
        let gpu_hour = book.gpu_hour(price, rate);
        let base = sku.variant_of.and_then(|base| book.sku(base));
        Some(ListedPriceOut {
            price: IdText::new(Kind::Price, wallet.platform, price.number),
            sku: sku.code.clone(),
            name: sku.name.clone(),
            class: sku.class.name().to_owned(),
            dimension: price.dimension.clone(),
            list_amount: price.amount.into(),
            amount: rate.shown_price_round_half_even().into(),
            per_units: price.per_units,
            discount_bps,
            discount_percent: percent(discount_bps),
            gpu_count: sku.gpu_count,
            gpu_hour_amount: gpu_hour.map(MoneyText::from),
            variant_of: base.map(|base| base.code.clone()),
        })
    }
}

/// Lists the prices in force for an organization, newest first, with its discounts.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let missing = || Fault::missing(Kind::Organization);
    let wallet = store::read::access::wallet(&mut snapshot, home.org).await?.ok_or_else(missing)?;
    let platform = store::read::access::platform(&mut snapshot, home.platform).await?;
    let platform = platform.ok_or_else(missing)?;
    let book = store::read::access::book(&mut snapshot, home.platform).await?;
    let now = call.web.now_at(platform.clock).max(wallet.now);
    let rows_max = usize::try_from(page.rows_to_read()).unwrap_or(0);
    let below = book.in_force(now).into_iter().rev().filter(|price| price.number < page.below());
    let rows = below.filter_map(|price| {
        let row = ListedPriceOut::of(price, &book, &wallet, platform.profiles.at(now), now)?;
        Some((price.number, row))
    });
    let rows: Vec<(i64, ListedPriceOut)> = rows.take(rows_max).collect();
    Reply::json(200, &page.list(rows, |row| row.0, |row| row.1))
}
