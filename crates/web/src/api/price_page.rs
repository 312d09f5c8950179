//! The price page: list prices of a platform that anyone may read without signing in, where its
//! profile says so (requirements G08c, P05b, rulings R25).
//!
//! *Invariant:* it names no organization, and a platform that does not show its prices is answered
//! like one that does not exist.

use domain::Kind;
use domain::price::{Price, PriceBook};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::access;

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, id_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PricePageQuery {
    /// Rows of the page, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PricePageOut {
    pub platform: IdText,
    /// What its customers know it as.
    pub name: String,
    /// Whom to ask for a discount.
    pub discount_contact: Option<String>,
    pub as_of: TimeText,
    /// The prices in force, newest first.
    pub data: Vec<PublicPriceOut>,
    pub has_more: bool,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicPriceOut {
    /// The code of the SKU.
    pub sku: String,
    pub name: String,
    pub class: String,
    pub dimension: String,
    /// For `per_units` units.
    pub amount: MoneyText,
    pub per_units: i64,
}

impl PublicPriceOut {
    fn of(price: &Price, book: &PriceBook) -> Option<PublicPriceOut> {
        let sku = book.sku(price.sku)?;
        Some(PublicPriceOut {
            sku: sku.code.clone(),
            name: sku.name.clone(),
            class: sku.class.name().to_owned(),
            dimension: price.dimension.clone(),
            amount: price.amount.into(),
            per_units: price.per_units,
        })
    }
}

/// Shows the prices in force of one platform.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let query: PricePageQuery = call.query()?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let missing = || Fault::missing(Kind::Platform);
    let id = id_of(&call.path_text, &[Kind::Platform]).ok_or_else(missing)?;
    let mut snapshot = call.snapshot().await?;
    let platform = access::platform(&mut snapshot, id.org).await?;
    let platform = platform.ok_or_else(missing)?;
    let now = call.web.now_at(platform.clock);
    let profile = Some(platform.profiles.at(now)).filter(|profile| profile.price_page);
    let profile = profile.ok_or_else(missing)?;
    let book = access::book(&mut snapshot, id.org).await?;
    let rows_max = usize::try_from(page.rows_to_read()).unwrap_or(0);
    let below = book.in_force(now).into_iter().rev().filter(|price| price.number < page.below());
    let rows = below.filter_map(|price| Some((price.number, PublicPriceOut::of(price, &book)?)));
    let rows: Vec<(i64, PublicPriceOut)> = rows.take(rows_max).collect();
    let list = page.list(rows, |row| row.0, |row| row.1);
    Reply::json(
        200,
        &PricePageOut {
            platform: IdText::new(Kind::Platform, id.org, 0),
            name: profile.label_platform.clone(),
            discount_contact: profile.discount_contact.clone(),
            as_of: now.into(),
            data: list.data,
            has_more: list.has_more,
            next_cursor: list.next_cursor,
        },
    )
}
