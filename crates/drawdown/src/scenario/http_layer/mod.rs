//! The layer over HTTP: the same commands as requests to a server on loopback, read back from its
//! answers alone. Nothing here touches the product but through its API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;

use app::App;
use domain::attribution::IdleCost;
use domain::coupon::{CouponCode, CouponGift};
use domain::dormancy::Dormant;
use domain::grant::GrantKind;
use domain::history::Filter;
use domain::hours::Week;
use domain::ledger::LedgerTransaction;
use domain::operator_report::{Line, Report};
use domain::report::{CostReport, CostRow, Dimension, Request};
use domain::roll_forward::{Month, Movement, RollForward};
use domain::top_up::Preview;
use domain::{Amount, Id, Kind, OrgId, Timestamp, chart};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use store::testkit::TempFolder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::scenario::domain_layer::DEAREST_ROWS;
use crate::scenario::http_layer::rows::{
    arrival_row, basis, deposit_row, dispute_row, document_row, hold_row, idle_name, limit_row,
    public_price, refund_row, scope_of, statement_row, suggestion_row, use_row, week,
};
use crate::scenario::layer::says_not_mailed;
use crate::scenario::layer::{
    ArrivalRow, BalanceRow, Command, CouponRow, DepositRow, DisputeRow, DocumentRow, Done,
    EventRow, Failure, GrantRow, HoldRow, Layer, LedgerRow, LimitRow, MemberRow, PricePageRow,
    PriceRow, ProjectionRow, RefundRow, ResourceRow, RunRow, StatementRow, SuggestionRow,
    TopUpRule, UseRow,
};
use crate::scenario::store_layer::{Place, open_app, restart};
use answers::{refused, transaction};

mod answers;
mod operator;
mod requests;
mod rows;

const OPERATOR_KEY: &str = "a key for scenarios";
const PAGE_ROWS: i64 = 100;

pub struct HttpLayer {
    runtime: Runtime,
    app: App,
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    orgs: Vec<OrgId>,
    key: u64,
    /// The key that the next command is sent under, where the scenario names one.
    named_key: Option<String>,
    /// The member who asks.
    acting: Option<(OrgId, i64)>,
    _place: Place,
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::Broken(error.to_string())
}

fn id(kind: Kind, org: OrgId, number: i64) -> String {
    Id::new(kind, org, number).to_string()
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Failure> {
    value[name].as_str().ok_or_else(|| broken(format!("no {name} in {value}")))
}

fn parsed<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| broken(format!("{text} cannot be read")))
}

fn amount(value: &Value, name: &str) -> Result<Amount, Failure> {
    Amount::parse(text(value, name)?).map_err(broken)
}

fn amounts(value: &Value, name: &str) -> Result<Vec<Amount>, Failure> {
    let texts = value[name].as_array().into_iter().flatten();
    texts.map(|text| Amount::parse(text.as_str().unwrap_or("")).map_err(broken)).collect()
}

fn opt_amount(value: &Value, name: &str) -> Result<Option<Amount>, Failure> {
    value[name].as_str().map(Amount::parse).transpose().map_err(broken)
}

fn time(value: &Value, name: &str) -> Result<Timestamp, Failure> {
    let text = text(value, name)?;
    Timestamp::parse(text).ok_or_else(|| broken(format!("{text} is no time")))
}

fn opt_time(value: &Value, name: &str) -> Result<Option<Timestamp>, Failure> {
    if value[name].is_null() { Ok(None) } else { time(value, name).map(Some) }
}

fn number(value: &Value, name: &str) -> Result<i64, Failure> {
    parsed::<Id>(text(value, name)?).map(|id| id.number)
}

fn opt_number(value: &Value, name: &str) -> Result<Option<i64>, Failure> {
    if value[name].is_null() { Ok(None) } else { number(value, name).map(Some) }
}

/// Serves `app` on loopback.
fn serve(runtime: &Runtime, app: &App) -> Result<SocketAddr, String> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let config = web::WebConfig::new(format!("http://{address}"), Some(OPERATOR_KEY));
    let router = web::router(app.clone(), config, web::Pages::None);
    runtime.spawn(web::serve(listener, router, std::future::pending()));
    Ok(address)
}

impl HttpLayer {
    pub fn open() -> Result<HttpLayer, String> {
        let place = Place::Folder(TempFolder::new());
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let app = open_app(&runtime, &place.url())?;
        let address = serve(&runtime, &app)?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(HttpLayer {
            runtime,
            app,
            address,
            client,
            orgs: Vec::new(),
            key: 0,
            named_key: None,
            acting: None,
            _place: place,
        })
    }

    fn call(&mut self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        self.key += 1;
        let fresh = || format!("line-{}", self.key);
        // Only what does something is sent under the key that was asked for.
        let named = if method == "POST" { self.named_key.take() } else { None };
        let key = named.unwrap_or_else(fresh);
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {OPERATOR_KEY}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        // What is read back is the scenario's to see.
        let request = match self.acting.filter(|_| method == "POST") {
            Some((org, member)) => request.header("drawdown-member", id(Kind::Member, org, member)),
            None => request,
        };
        let request = request
            .body(Full::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))))
            .map_err(broken)?;
        let client = self.client.clone();
        let answer = self.runtime.block_on(async move {
            let answer = client.request(request).await.map_err(broken)?;
            let status = answer.status().as_u16();
            let bytes = answer.into_body().collect().await.map_err(broken)?.to_bytes();
            Ok::<_, Failure>((status, bytes))
        });
        let (status, bytes) = answer?;
        let value: Value = serde_json::from_slice(&bytes).map_err(broken)?;
        match status {
            200..300 => Ok(value),
            _ => Err(Failure::Refused(refused(&value))),
        }
    }

    fn post(&mut self, path: &str, body: Value) -> Result<Value, Failure> {
        self.call("POST", path, Some(body))
    }

    fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.call("GET", path, None)
    }

    /// Every row of a list, in the order in which its pages come.
    fn all(&mut self, path: &str, org: OrgId) -> Result<Vec<Value>, Failure> {
        self.all_where(path, org, "")
    }

    /// The same, with more of a query.
    fn all_where(&mut self, path: &str, org: OrgId, more: &str) -> Result<Vec<Value>, Failure> {
        let org = id(Kind::Organization, org, 0);
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = format!("{path}?organization={org}&limit={PAGE_ROWS}{more}{cursor}");
            let page = self.get(&page)?;
            rows.extend(page["data"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }

    /// The transactions of a ledger, as far as `filter` shows them, oldest first.
    fn transactions(
        &mut self,
        org: OrgId,
        filter: Filter,
    ) -> Result<Vec<(LedgerTransaction, LedgerRow)>, Failure> {
        let mut rows = self.all_where("/v1/ledger", org, &format!("&show={}", filter.name()))?;
        rows.reverse();
        let mut found: Vec<Vec<Value>> = Vec::new();
        for row in rows {
            match found.last_mut() {
                Some(parts) if parts[0]["number"] == row["number"] => parts.push(row),
                _ => found.push(vec![row]),
            }
        }
        found.iter().map(|parts| transaction(org, parts)).collect()
    }
}

impl HttpLayer {
    fn run_row(&mut self, run: &Value) -> Result<RunRow, Failure> {
        let run_id = text(run, "id")?.to_owned();
        let run = self.get(&format!("/v1/runs/{run_id}"))?;
        Ok(RunRow {
            number: number(&run, "id")?,
            resource: number(&run, "resource")?,
            sku: text(&run, "sku")?.to_owned(),
            started_at: time(&run, "started_at")?,
            stopped_at: opt_time(&run, "stopped_at")?,
            stop_reason: run["stop_reason"].as_str().map(str::to_owned),
            waits: run["waits_for_ready"] == true,
            paid_until: opt_time(&run, "paid_until")?,
            cost: amount(&run, "cost")?,
        })
    }

    fn platform_of(&mut self, org: OrgId) -> Result<OrgId, Failure> {
        let wallet = self.get(&format!("/v1/wallets/{}", id(Kind::Wallet, org, 1)))?;
        Ok(parsed::<Id>(text(&wallet, "platform")?)?.org)
    }

    fn run_at(&mut self, path: &str, body: Value) -> Result<Done, Failure> {
        let run = self.post(path, body)?;
        Ok(Done::Run(self.run_row(&run)?))
    }

    fn row(&mut self, path: &str, body: Value) -> Result<Done, Failure> {
        let value = self.post(path, body)?;
        let number = value["id"].as_str().map_or(Ok(0), |id| parsed::<Id>(id).map(|id| id.number));
        number.map(Done::Row)
    }

    fn redeem(&mut self, org: OrgId, code: &CouponCode) -> Result<Done, Failure> {
        let organization = id(Kind::Organization, org, 0);
        let body = json!({"organization": organization, "code": code.as_str()});
        let redeemed = self.post("/v1/redemptions", body)?;
        Ok(Done::Redeemed(text(&redeemed, "state")?.to_owned()))
    }

    fn made(&mut self, path: &str, body: Value) -> Result<Done, Failure> {
        let org = parsed::<Id>(text(&self.post(path, body)?, "id")?)?.org;
        self.orgs.push(org);
        Ok(Done::Organization(org))
    }
}

fn when(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

impl Layer for HttpLayer {
    fn run(&mut self, command: &Command) -> Result<Done, Failure> {
        self.request(command)
    }

    fn act_as(&mut self, member: Option<(OrgId, i64)>) {
        self.acting = member;
    }

    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure> {
        let platform = id(Kind::Platform, platform, 0);
        let path = format!("/v1/test_clocks/{platform}/advance");
        let mut clock = self.post(&path, json!({"to": to.to_string()}))?;
        while clock["state"] != "ready" {
            clock = self.get(&format!("/v1/test_clocks/{platform}"))?;
        }
        Ok(())
    }

    /// An outage is not asked for over the API.
    fn outage(&mut self, platforms: &[OrgId], to: Timestamp) -> Result<(), Failure> {
        self.app = restart(&self.runtime, &self.app, platforms, to)?;
        self.address = serve(&self.runtime, &self.app).map_err(broken)?;
        platforms.iter().try_for_each(|&platform| self.advance(platform, to))
    }

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure> {
        let wallet = self.get(&format!("/v1/wallets/{}", id(Kind::Wallet, org, 1)))?;
        Ok(BalanceRow {
            posted: amount(&wallet, "posted")?,
            accrued: amount(&wallet, "accrued")?,
            held: amount(&wallet, "held")?,
            available: amount(&wallet, "available")?,
            shown: amount(&wallet, "shown")?,
            burn_per_hour: amount(&wallet, "burn_per_hour")?,
            runs_out_at: opt_time(&wallet, "runs_out_at")?,
        })
    }

    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure> {
        self.history(org, Filter::All)
    }

    fn history(&mut self, org: OrgId, filter: Filter) -> Result<Vec<LedgerRow>, Failure> {
        Ok(self.transactions(org, filter)?.into_iter().map(|(_, row)| row).collect())
    }

    fn set_key(&mut self, key: Option<&str>) {
        self.named_key = key.map(str::to_owned);
    }

    fn test_clock(&mut self, platform: OrgId) -> Result<(&'static str, Timestamp), Failure> {
        let clock = self.get(&format!("/v1/test_clocks/{}", id(Kind::Platform, platform, 0)))?;
        let state = if clock["state"] == "ready" { "ready" } else { "advancing" };
        Ok((state, time(&clock, "now")?))
    }

    fn price_page(&mut self, platform: OrgId) -> Result<PricePageRow, Failure> {
        let path = format!("/prices/{}?limit={PAGE_ROWS}", id(Kind::Platform, platform, 0));
        let page = self.get(&path)?;
        let rows = page["data"].as_array().into_iter().flatten().rev();
        Ok(PricePageRow {
            name: text(&page, "name")?.to_owned(),
            discount_contact: page["discount_contact"].as_str().map(str::to_owned),
            prices: rows.map(public_price).collect::<Result<_, Failure>>()?,
        })
    }

    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure> {
        let path = format!("/v1/wallets/{}/projection", id(Kind::Wallet, org, 1));
        let value = self.get(&path)?;
        let whole = |name: &str| value[name].as_i64().unwrap_or(-1);
        Ok(ProjectionRow {
            until: time(&value, "until")?,
            spent: amount(&value, "spent")?,
            burn_per_hour: amount(&value, "burn_per_hour")?,
            to_come: amount(&value, "to_come")?,
            projected: amount(&value, "projected")?,
            resources_this_month: whole("resources_this_month"),
            resources_in_all: whole("resources_in_all"),
            running_count: whole("running_count"),
        })
    }

    fn preview(&mut self, org: OrgId, rule: TopUpRule) -> Result<Preview, Failure> {
        let TopUpRule { threshold, amount: size, caps } = rule;
        let wallet = id(Kind::Wallet, org, 1);
        let mut path =
            format!("/v1/wallets/{wallet}/auto_top_up/preview?threshold={threshold}&amount={size}");
        let attempts = caps.daily_attempts_max.map(|it| format!("&daily_attempts_max={it}"));
        let monthly = caps.monthly_amount_max.map(|it| format!("&monthly_amount_max={it}"));
        attempts.into_iter().chain(monthly).for_each(|cap| path.push_str(&cap));
        let value = self.get(&path)?;
        let whole = |name: &str| value[name].as_i64().unwrap_or(-1);
        Ok(Preview {
            first_at: opt_time(&value, "first_charge_at")?.unwrap_or(Timestamp::NEVER),
            charge: amount(&value, "charge")?,
            charges_max: whole("charges_max"),
            every_seconds: whole("every_seconds"),
        })
    }

    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure> {
        let whole = |value: &Value, name: &str| value[name].as_i64().unwrap_or(-1);
        let row = |price: &Value| {
            Ok(PriceRow {
                sku: text(price, "sku")?.to_owned(),
                dimension: text(price, "dimension")?.to_owned(),
                list: amount(price, "list_amount")?,
                price: amount(price, "amount")?,
                discount_bps: whole(price, "discount_bps"),
                per_units: whole(price, "per_units"),
                gpu_hour: opt_amount(price, "gpu_hour_amount")?,
                variant_of: price["variant_of"].as_str().map(str::to_owned),
            })
        };
        self.all("/v1/price_list", org)?.iter().rev().map(row).collect()
    }

    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure> {
        self.all("/v1/deposits", org)?.iter().rev().map(deposit_row).collect()
    }

    fn limits(&mut self, org: OrgId) -> Result<Vec<LimitRow>, Failure> {
        let rows = self.all("/v1/limits", org)?;
        rows.iter().rev().filter(|row| row["removed_at"].is_null()).map(limit_row).collect()
    }

    fn members(&mut self, org: OrgId) -> Result<Vec<MemberRow>, Failure> {
        let row = |member: &Value| {
            Ok(MemberRow {
                number: number(member, "id")?,
                name: member["name"].as_str().unwrap_or_default().to_owned(),
                role: text(member, "role")?.to_owned(),
                is_present: member["removed_at"].is_null(),
            })
        };
        self.all("/v1/members", org)?.iter().rev().map(row).collect()
    }

    fn arrivals(&mut self, org: OrgId) -> Result<Vec<ArrivalRow>, Failure> {
        self.all("/v1/arrivals", org)?.iter().rev().map(arrival_row).collect()
    }

    fn refunds(&mut self, org: OrgId) -> Result<Vec<RefundRow>, Failure> {
        self.all("/v1/refunds", org)?.iter().rev().map(refund_row).collect()
    }

    fn disputes(&mut self, org: OrgId) -> Result<Vec<DisputeRow>, Failure> {
        self.all("/v1/disputes", org)?.iter().rev().map(dispute_row).collect()
    }

    fn grants(&mut self, org: OrgId) -> Result<Vec<GrantRow>, Failure> {
        let row = |grant: &Value| {
            Ok(GrantRow {
                number: number(grant, "id")?,
                kind: text(grant, "kind")?.to_owned(),
                amount: amount(grant, "amount")?,
                remaining: amount(grant, "remaining")?,
                reserved: amount(grant, "reserved")?,
                priority: grant["priority"].as_i64().unwrap_or(-1),
                note: text(grant, "note")?.to_owned(),
                deposit: opt_number(grant, "deposit")?,
                effective_at: opt_time(grant, "effective_at")?
                    .filter(|&at| time(grant, "created_at").is_ok_and(|given| at > given)),
                expires_at: opt_time(grant, "expires_at")?,
                scope: scope_of(&grant["scope"]),
            })
        };
        self.all("/v1/grants", org)?.iter().rev().map(row).collect()
    }

    fn coupons(&mut self, platform: OrgId) -> Result<Vec<CouponRow>, Failure> {
        let platform = id(Kind::Platform, platform, 0);
        let page = self.get(&format!("/v1/coupons?platform={platform}&limit={PAGE_ROWS}"))?;
        let row = |coupon: &Value| {
            let expires = coupon["credit_expires_in_seconds"].as_i64();
            let gift = match (opt_amount(coupon, "credit")?, coupon["bonus"].as_str()) {
                (Some(amount), _) => {
                    CouponGift::Credit { amount, expires_in_seconds: expires }.text()
                }
                (None, bonus) => format!("bonus {}", bonus.unwrap_or_default()),
            };
            Ok(CouponRow {
                code: text(coupon, "code")?.to_owned(),
                gift,
                redeemed: coupon["redemptions"].as_i64().unwrap_or(-1),
                redemptions_max: coupon["redemptions_max"].as_i64().unwrap_or(-1),
            })
        };
        page["data"].as_array().into_iter().flatten().rev().map(row).collect()
    }

    fn holds(&mut self, org: OrgId) -> Result<Vec<HoldRow>, Failure> {
        self.all("/v1/holds", org)?.iter().rev().map(hold_row).collect()
    }

    fn runs(&mut self, org: OrgId) -> Result<Vec<RunRow>, Failure> {
        let runs = self.all("/v1/runs", org)?;
        runs.iter().rev().map(|run| self.run_row(run)).collect()
    }

    fn resources(&mut self, org: OrgId) -> Result<Vec<ResourceRow>, Failure> {
        let row = |resource: &Value| {
            Ok(ResourceRow {
                number: number(resource, "id")?,
                sku: text(resource, "sku")?.to_owned(),
                status: text(resource, "status")?.to_owned(),
                redeployed_from: opt_number(resource, "redeployed_from")?,
            })
        };
        self.all("/v1/resources", org)?.iter().rev().map(row).collect()
    }

    fn events(&mut self, org: OrgId) -> Result<Vec<EventRow>, Failure> {
        let row = |event: &Value| {
            let mut fields = Vec::new();
            let data = event["data"].as_object().into_iter().flatten();
            // The address of a payment has a secret in it, which no two stores share.
            for (name, value) in data.filter(|(name, _)| *name != "checkout_url") {
                let value = value.as_str().unwrap_or_default();
                let value = match value.parse::<Id>() {
                    Ok(id) => id.number.to_string(),
                    Err(_) => value.to_owned(),
                };
                fields.push((name.clone(), value));
            }
            let kind = text(event, "type")?.to_owned();
            let known =
                domain::event::EventKind::ALL.into_iter().find(|known| known.name() == kind);
            Ok(EventRow {
                number: event["number"].as_i64().unwrap_or(0),
                kind,
                at: time(event, "at")?,
                is_mailed: known.is_some_and(domain::event::EventKind::is_mailed)
                    && !says_not_mailed(&fields),
                fields,
            })
        };
        self.all("/v1/events", org)?.iter().map(row).collect()
    }

    fn costs(&mut self, org: OrgId, by: &[Dimension], days: i64) -> Result<CostReport, Failure> {
        let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
        let (org, by) = (id(Kind::Organization, org, 0), names.join(","));
        let path = format!("/v1/reports/costs?organization={org}&by={by}&days={days}");
        let report = self.get(&path)?;
        let value = |row: &Value, name: &str| {
            let value = row["values"][name].as_str()?;
            let resource = value.parse::<Id>().ok().filter(|id| id.kind == Kind::Resource);
            Some(resource.map_or_else(|| value.to_owned(), |id| id.number.to_string()))
        };
        let row = |row: &Value| {
            let values = names.iter().map(|name| value(row, name)).collect();
            Ok(CostRow { values, total: amount(row, "total")?, days: amounts(row, "days")? })
        };
        let rows = report["rows"].as_array().into_iter().flatten();
        Ok(CostReport {
            rows: rows.map(row).collect::<Result<_, Failure>>()?,
            rounding: amount(&report, "rounding")?,
            reported_late: amount(&report, "reported_late")?,
            total: amount(&report, "total")?,
            days: amounts(&report, "days")?,
            accrued: amount(&report, "accrued")?,
        })
    }

    fn dearest(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<Request>, Failure> {
        let (org, idle) = (id(Kind::Organization, org, 0), idle_name(idle));
        let limit = DEAREST_ROWS;
        let path = format!(
            "/v1/reports/requests?organization={org}&days={days}&limit={limit}&idle={idle}"
        );
        let report = self.get(&path)?;
        let row = |row: &Value| {
            Ok(Request {
                transaction: number(row, "transaction")?,
                at: time(row, "at")?,
                event: row["event"].as_str().map(str::to_owned),
                sku: row["sku"].as_str().map(str::to_owned),
                amount: amount(row, "amount")?,
                basis: basis(row)?,
            })
        };
        report["rows"].as_array().into_iter().flatten().map(row).collect()
    }

    fn statement(&mut self, org: OrgId, month: Month) -> Result<StatementRow, Failure> {
        let text = month.start.to_string();
        let (wallet, month) = (id(Kind::Wallet, org, 1), text.get(..7).unwrap_or(""));
        let value = self.get(&format!("/v1/wallets/{wallet}/statement?month={month}"))?;
        statement_row(&value)
    }

    fn issue_documents(&mut self) -> Result<(), Failure> {
        // A server does this by itself, now and then; here the moment has to be known.
        let run = app::jobs::issue_documents::run(&self.app);
        self.runtime.block_on(run).map(|_| ()).map_err(broken)
    }

    fn documents(&mut self, org: OrgId) -> Result<Vec<DocumentRow>, Failure> {
        let mut rows = Vec::new();
        for value in self.all("/v1/documents", org)?.into_iter().rev() {
            let corrects = match value["corrects"].as_str() {
                None => None,
                Some(corrected) => {
                    let corrected = self.get(&format!("/v1/documents/{corrected}"))?;
                    Some(text(&corrected, "reference")?.to_owned())
                }
            };
            rows.push(document_row(&value, corrects)?);
        }
        Ok(rows)
    }

    fn uses(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<UseRow>, Failure> {
        let (org, idle) = (id(Kind::Organization, org, 0), idle_name(idle));
        let path = format!("/v1/reports/resources?organization={org}&days={days}&idle={idle}");
        let report = self.get(&path)?;
        report["rows"].as_array().into_iter().flatten().map(use_row).collect()
    }

    fn suggestions(&mut self, org: OrgId, days: i64) -> Result<Vec<SuggestionRow>, Failure> {
        let org = id(Kind::Organization, org, 0);
        let path = format!("/v1/reports/suggestions?organization={org}&days={days}");
        let report = self.get(&path)?;
        report["rows"].as_array().into_iter().flatten().map(suggestion_row).collect()
    }

    fn week(&mut self, org: OrgId, resource: i64, days: i64) -> Result<Week, Failure> {
        let resource = id(Kind::Resource, org, resource);
        let report = self.get(&format!("/v1/reports/hours?resource={resource}&days={days}"))?;
        week(&report)
    }

    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure> {
        let platform = id(Kind::Platform, platform, 0);
        let start = month.start.to_string();
        let name = start.get(..7).unwrap_or_default();
        let path = format!("/v1/reports/roll_forward?platform={platform}&month={name}");
        let report = self.get(&path)?;
        let mut rolled = RollForward::new(month);
        let rows = report["rows"].as_array().into_iter().flatten();
        for (line, row) in rolled.lines.iter_mut().zip(rows) {
            (line.opening, line.closing) = (amount(row, "opening")?, amount(row, "closing")?);
            for (movement, change) in Movement::ALL.into_iter().zip(&mut line.changes) {
                *change = amount(&row["changes"], movement.name())?;
            }
        }
        Ok(rolled)
    }

    fn dormant(&mut self, platform: OrgId, days: i64) -> Result<Vec<(OrgId, Dormant)>, Failure> {
        operator::dormant(self, platform, days)
    }

    fn operator_report(
        &mut self,
        platform: OrgId,
        report: Report,
        since: Month,
    ) -> Result<Vec<Line>, Failure> {
        operator::report(self, platform, report, since)
    }

    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure> {
        let mut sums = BTreeMap::<String, Amount>::new();
        for org in self.orgs.clone() {
            if self.get(&format!("/v1/wallets/{}", id(Kind::Wallet, org, 1))).is_err() {
                continue;
            }
            let kinds: BTreeMap<i64, String> =
                self.grants(org)?.into_iter().map(|grant| (grant.number, grant.kind)).collect();
            let kind_of = |grant: i64| match kinds.get(&grant).map(String::as_str) {
                Some("promotional") => GrantKind::Promotional,
                Some("bonus") => GrantKind::Bonus,
                Some("trial") => GrantKind::Trial,
                _ => GrantKind::Purchased,
            };
            for (whole, _) in self.transactions(org, Filter::All)? {
                for entry in chart::entries(&whole, kind_of) {
                    let sum = sums.entry(entry.account.name().to_owned()).or_default();
                    *sum = sum.plus(entry.credit);
                }
            }
        }
        Ok(sums.into_iter().collect())
    }
}

impl Drop for HttpLayer {
    fn drop(&mut self) {
        self.app.close();
    }
}
