//! The request that each command is.

use std::collections::BTreeMap;

use domain::arrival::Decision;
use domain::coupon::CouponGift;
use domain::deposit::PaidWith;
use domain::label::Labels;
use domain::refund::AskedBy;
use domain::run::Rest;
use domain::scope::Scope;
use domain::{Amount, Kind, OrgId, Timestamp};
use serde_json::{Value, json};
use web::api::deposits::ConversionBody;

use super::{HttpLayer, broken, id, when};
use crate::scenario::http_layer::rows::{
    arrival_row, charge, deposit_row, dispute_row, hold_row, outcome_name, refund_row,
};
use crate::scenario::layer::{Campaign, Command, Done, Failure, RailAnswer, Told};

impl HttpLayer {
    /// Sends what a command is as a request.
    pub(super) fn request(&mut self, command: &Command) -> Result<Done, Failure> {
        let organization = |org: OrgId| id(Kind::Organization, org, 0);
        match command.clone() {
            Command::CreatePlatform { name, profile, settings, clock } => {
                let pairs = settings.split(';').filter_map(|setting| setting.split_once('='));
                let settings: BTreeMap<&str, &str> = pairs.collect();
                let body = json!({"name": name, "profile": profile, "settings": settings,
                    "test_clock": clock.to_string()});
                self.made("/v1/platforms", body)
            }
            Command::ChangeProfile { platform, settings, effective_from } => {
                let pairs = settings.split(';').filter_map(|setting| setting.split_once('='));
                let settings: BTreeMap<&str, &str> = pairs.collect();
                let path = format!("/v1/platforms/{}/profile", id(Kind::Platform, platform, 0));
                self.row(
                    &path,
                    json!({"settings": settings, "effective_from": when(effective_from)}),
                )
            }
            Command::CreateOrganization { platform, name, zone } => {
                let platform = id(Kind::Platform, platform, 0);
                let body = json!({"platform": platform, "name": name, "timezone": zone.name()});
                self.made("/v1/organizations", body)
            }
            Command::CreateSku { platform, code, class, facts } => {
                let platform = id(Kind::Platform, platform, 0);
                let body = json!({"platform": platform, "code": code, "name": code,
                    "class": class.name(), "gpu_count": facts.gpu_count,
                    "variant_of": facts.variant_of});
                self.row("/v1/skus", body)
            }
            Command::CreatePrice(it) => {
                let body = json!({"sku": id(Kind::Sku, it.platform, it.sku),
                    "dimension": it.dimension, "amount": it.amount.to_string(),
                    "per_units": it.per_units, "effective_from": when(it.effective_from),
                    "applies_to": it.applies_to.name()});
                self.row("/v1/prices", body)
            }
            Command::AssignDiscount(it) => {
                let platform = self.platform_of(it.org)?;
                let sku = it.sku.map(|sku| id(Kind::Sku, platform, sku));
                let body = json!({"organization": organization(it.org), "sku": sku,
                    "discount_bps": it.bps, "effective_from": when(it.effective_from),
                    "effective_until": when(it.effective_until),
                    "applies_to": it.applies_to.name()});
                self.row("/v1/discounts", body)
            }
            given @ Command::GiveGrant { .. } => self.give_grant(given, organization),
            Command::CreateCoupon(campaign) => self.row("/v1/coupons", coupon_body(&campaign)),
            Command::VoidGrant { org, grant } => {
                let grant = id(Kind::Grant, org, grant);
                self.row(&format!("/v1/grants/{grant}/void"), json!({}))
            }
            // Who pays is who asks.
            Command::StartDeposit { org, amount, paid_with, .. } => {
                let is_card = paid_with == PaidWith::Card;
                let paid_with = if is_card { "card" } else { "crypto" };
                let body = json!({"organization": organization(org),
                    "amount": amount.to_string(), "paid_with": paid_with});
                Ok(Done::Deposit(deposit_row(&self.post("/v1/deposits", body)?)?))
            }
            Command::SettleDeposit { org, deposit, answer, paid_at, told } => {
                let path = format!("/v1/deposits/{}/sandbox", id(Kind::Deposit, org, deposit));
                let settled = self.post(&path, settle_body(answer, paid_at, &told))?;
                Ok(Done::Deposit(deposit_row(&settled)?))
            }
            other => self.run_more(other, organization),
        }
    }

    fn give_grant(
        &mut self,
        command: Command,
        organization: impl Fn(OrgId) -> String,
    ) -> Result<Done, Failure> {
        let Command::GiveGrant { org, amount, priority, given, effective_at, expires_at, scope } =
            command
        else {
            return Err(broken("no grant is given"));
        };
        let scope = scope.map(|(platform, scope)| scope_body(platform, &scope));
        let body = json!({"organization": organization(org), "amount": amount.to_string(),
            "kind": given.kind().name(), "priority": priority, "scope": scope,
            "effective_at": when(effective_at), "expires_at": when(expires_at)});
        self.row("/v1/grants", body)
    }

    fn run_more(
        &mut self,
        command: Command,
        organization: impl Fn(OrgId) -> String,
    ) -> Result<Done, Failure> {
        match command {
            Command::SavePaymentMethod { org, behaviour } => {
                let body = json!({"organization": organization(org),
                    "behaviour": behaviour.name(), "label": "card"});
                self.row("/v1/payment_methods", body)
            }
            Command::ChangePaymentMethod { org, method, behaviour } => {
                let method = id(Kind::PaymentMethod, org, method);
                let path = format!("/v1/payment_methods/{method}/behaviour");
                self.row(&path, json!({"behaviour": behaviour.name()}))
            }
            Command::SetAutoTopUp { org, is_on, rule, method } => {
                let path = format!("/v1/wallets/{}/auto_top_up", id(Kind::Wallet, org, 1));
                let body = json!({"enabled": is_on, "threshold": rule.threshold.to_string(),
                    "amount": rule.amount.to_string(),
                    "payment_method": id(Kind::PaymentMethod, org, method),
                    "daily_attempts_max": rule.caps.daily_attempts_max,
                    "monthly_amount_max": rule.caps.monthly_amount_max.map(|it| it.to_string())});
                self.post(&path, body).map(|_| Done::Row(0))
            }
            Command::PlaceHold { org, sku, amount, seconds, labels } => {
                let sku = sku.map(|(platform, number)| id(Kind::Sku, platform, number));
                let body = json!({"organization": organization(org), "amount": amount.to_string(),
                    "sku": sku, "expires_in_seconds": seconds, "note": "",
                    "labels": pairs(&labels)});
                Ok(Done::Hold(hold_row(&self.post("/v1/holds", body)?)?))
            }
            Command::CaptureHold { org, hold, amount } => {
                let path = format!("/v1/holds/{}/capture", id(Kind::Hold, org, hold));
                let amount = amount.map(|amount| amount.to_string());
                Ok(Done::Hold(hold_row(&self.post(&path, json!({"amount": amount}))?)?))
            }
            Command::ReleaseHold { org, hold } => {
                let path = format!("/v1/holds/{}/release", id(Kind::Hold, org, hold));
                Ok(Done::Hold(hold_row(&self.post(&path, json!({}))?)?))
            }
            Command::RecordUsage { org, usage } => {
                let quantities: BTreeMap<String, i64> = usage.quantities.into_iter().collect();
                let body = json!({"id": usage.id, "source": "scenario",
                    "organization": organization(org), "sku": usage.sku,
                    "occurred_at": when(usage.occurred_at), "quantities": quantities,
                    "labels": pairs(&usage.labels)});
                charge(&self.post("/v1/usage_events", body)?)
            }
            Command::RecordRequest { org, id: event, resource, occurred_at, busy_milliseconds } => {
                let body = json!({"id": event, "source": "scenario",
                    "organization": organization(org),
                    "resource": id(Kind::Resource, org, resource),
                    "occurred_at": when(occurred_at),
                    "quantities": {"busy_milliseconds": busy_milliseconds}});
                charge(&self.post("/v1/usage_events", body)?)
            }
            Command::Redeem { org, code, .. } => self.redeem(org, &code),
            other => self.run_of_rules(other, organization),
        }
    }

    /// What is about taxes, and about who is told.
    fn run_of_rules(
        &mut self,
        command: Command,
        organization: impl Fn(OrgId) -> String,
    ) -> Result<Done, Failure> {
        match command {
            Command::SetTaxRate { org, bps } => {
                let path = format!("/v1/organizations/{}/tax_rate", organization(org));
                self.post(&path, json!({"tax_bps": bps})).map(|_| Done::Row(0))
            }
            Command::SetUserLimit { org, member, limit } => {
                let path = format!("/v1/wallets/{}/limit", id(Kind::Wallet, org, 1));
                let limit = limit.map(|limit| limit.to_string());
                let member = member.map(|member| id(Kind::Member, org, member));
                let body = json!({"member": member, "limit": limit});
                self.post(&path, body).map(|_| Done::Row(0))
            }
            Command::SetNotices { org, muted } => {
                let path = format!("/v1/wallets/{}/notices", id(Kind::Wallet, org, 1));
                let muted: Vec<&str> = muted.iter().map(|topic| topic.name()).collect();
                self.post(&path, json!({"muted": muted})).map(|_| Done::Row(0))
            }
            Command::ReportBounce { org, reason } => {
                let path = format!("/v1/wallets/{}/bounce", id(Kind::Wallet, org, 1));
                self.post(&path, json!({"reason": reason})).map(|_| Done::Row(0))
            }
            other => self.run_of_member(other, organization),
        }
    }

    /// What is about members and limits.
    fn run_of_member(
        &mut self,
        command: Command,
        organization: impl Fn(OrgId) -> String,
    ) -> Result<Done, Failure> {
        match command {
            Command::SetParty { org, party } => {
                let is_platform = self.platform_of(org)? == org;
                let kind = if is_platform { Kind::Platform } else { Kind::Organization };
                let body = json!({"organization": id(kind, org, 0), "name": party.name,
                    "address": party.address, "tax_id": party.tax_id});
                self.post("/v1/parties", body).map(|_| Done::Row(0))
            }
            Command::IssueInvoice { org, month } => {
                let month = month.start.to_string();
                let body = json!({"organization": organization(org), "month": month.get(..7)});
                self.row("/v1/invoices", body)
            }
            Command::SetLimit { org, scope, window, cap } => {
                let mut body = json!({"organization": organization(org),
                    "window": window.name(), "amount": cap.to_string()});
                if let Some(label) = scope.label() {
                    body[label] = json!(scope.value());
                }
                self.row("/v1/limits", body)
            }
            Command::RemoveLimit { org, limit } => {
                let path = format!("/v1/limits/{}/remove", id(Kind::Limit, org, limit));
                self.row(&path, json!({}))
            }
            Command::AddMember { org, name, role } => {
                let body = json!({"organization": organization(org), "name": name,
                    "role": role.name()});
                self.row("/v1/members", body)
            }
            Command::ChangeRole { org, member, role } => {
                let path = format!("/v1/members/{}/role", id(Kind::Member, org, member));
                self.row(&path, json!({"role": role.name()}))
            }
            Command::RemoveMember { org, member } => {
                let path = format!("/v1/members/{}/remove", id(Kind::Member, org, member));
                self.row(&path, json!({}))
            }
            other => self.run_of_resource(other, organization),
        }
    }

    /// What is about resources and their runs.
    fn run_of_resource(
        &mut self,
        command: Command,
        organization: impl Fn(OrgId) -> String,
    ) -> Result<Done, Failure> {
        match command {
            Command::OfferCommitment { platform, sku, terms } => {
                let path = format!("/v1/skus/{}/commitment", id(Kind::Sku, platform, sku));
                let terms = terms.map(|it| json!({"discount_bps": it.bps, "days": it.days}));
                self.row(&path, json!({ "commitment": terms }))
            }
            Command::MakeCommitment { org, sku, quantity } => {
                let sku = id(Kind::Sku, self.platform_of(org)?, sku);
                let body = json!({"organization": organization(org), "sku": sku,
                    "quantity": quantity});
                self.row("/v1/commitments", body)
            }
            Command::RelateSku { platform, sku, alternative, other } => {
                let path = format!("/v1/skus/{}/alternatives", id(Kind::Sku, platform, sku));
                let other = other.map(|other| id(Kind::Sku, platform, other));
                self.row(&path, json!({"alternative": alternative.name(), "sku": other}))
            }
            Command::CreateResource { org, label, sku, labels } => {
                let body = json!({"organization": organization(org), "name": label, "sku": sku,
                    "labels": pairs(&labels)});
                self.row("/v1/resources", body)
            }
            Command::StartRun { org, resource, started_at, waits, heartbeat_seconds } => {
                let body = json!({"resource": id(Kind::Resource, org, resource),
                    "started_at": when(started_at), "waits_for_ready": waits,
                    "heartbeat_seconds": heartbeat_seconds});
                self.run_at("/v1/runs", body)
            }
            Command::StopRun { org, run, stopped_at, rest } => {
                let path = format!("/v1/runs/{}/stop", id(Kind::Run, org, run));
                let then = rest.map(Rest::name);
                self.run_at(&path, json!({"stopped_at": when(stopped_at), "then": then}))
            }
            Command::ReportReady { org, run, at } => {
                let path = format!("/v1/runs/{}/ready", id(Kind::Run, org, run));
                self.run_at(&path, json!({"at": when(at)}))
            }
            Command::ReportBeat { org, run, at } => {
                let path = format!("/v1/runs/{}/beat", id(Kind::Run, org, run));
                self.run_at(&path, json!({"at": when(at)}))
            }
            Command::ResizeRun { org, run, sku } => {
                let path = format!("/v1/runs/{}/resize", id(Kind::Run, org, run));
                self.run_at(&path, json!({"sku": sku}))
            }
            Command::ResumeResource { org, resource } => {
                let resource = id(Kind::Resource, org, resource);
                self.run_at(&format!("/v1/resources/{resource}/resume"), json!({}))
            }
            Command::RedeployResource { org, resource } => {
                let resource = id(Kind::Resource, org, resource);
                self.row(&format!("/v1/resources/{resource}/redeploy"), json!({}))
            }
            other => self.run_money_back(other),
        }
    }

    fn run_money_back(&mut self, command: Command) -> Result<Done, Failure> {
        match command {
            Command::DecideArrival { org, arrival, decision } => {
                let path = format!("/v1/arrivals/{}/decide", id(Kind::Arrival, org, arrival));
                let (decision, note) = match decision {
                    Decision::Credit => ("credit", None),
                    Decision::Return => ("return", None),
                    Decision::Ignore { note } => ("ignore", Some(note)),
                };
                let body = json!({"decision": decision, "note": note});
                Ok(Done::Arrival(arrival_row(&self.post(&path, body)?)?))
            }
            Command::StartRefund { org, deposit, amount, waits, asked_by } => {
                let is_customer = asked_by == AskedBy::Customer;
                let body = json!({"deposit": id(Kind::Deposit, org, deposit),
                    "amount": amount.map(|amount| amount.to_string()),
                    "requested_by": if is_customer { "customer" } else { "operator" },
                    "sandbox": if waits { "when_decided" } else { "at_once" }});
                Ok(Done::Refund(refund_row(&self.post("/v1/refunds", body)?)?))
            }
            Command::ReportRefund { org, deposit, external, amount } => {
                let body = json!({"deposit": id(Kind::Deposit, org, deposit),
                    "external_id": external, "amount": amount.to_string()});
                Ok(Done::Refund(refund_row(&self.post("/v1/refunds/report", body)?)?))
            }
            Command::ReportDispute { org, deposit, external, state, withdrawn } => {
                let body = json!({"deposit": id(Kind::Deposit, org, deposit),
                    "external_id": external, "state": state.name(),
                    "withdrawn": withdrawn.to_string()});
                Ok(Done::Dispute(dispute_row(&self.post("/v1/disputes", body)?)?))
            }
            Command::ReverseUsage { org, id: event } => {
                let body = json!({"organization": id(Kind::Organization, org, 0), "id": event,
                    "source": "scenario"});
                charge(&self.post("/v1/usage_events/reverse", body)?)
            }
            Command::CloseOrganization { org } => {
                let path = format!("/v1/organizations/{}/close", id(Kind::Organization, org, 0));
                let closed = self.post(&path, json!({}))?;
                Ok(Done::Closed { is_erased: closed["erased_at"].is_string() })
            }
            Command::ReleaseFreeze { org } => {
                let path = format!("/v1/wallets/{}/release_freeze", id(Kind::Wallet, org, 1));
                self.post(&path, json!({})).map(|_| Done::Row(0))
            }
            Command::SettleRefund { org, refund, is_paid } => {
                let path = format!("/v1/refunds/{}/sandbox", id(Kind::Refund, org, refund));
                let outcome = if is_paid { "succeeded" } else { "failed" };
                Ok(Done::Refund(refund_row(&self.post(&path, json!({"outcome": outcome}))?)?))
            }
            other => Err(broken(format!("{other:?} has no request"))),
        }
    }
}

/// Labels as requests have them.
fn pairs(labels: &Labels) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}

fn coupon_body(campaign: &Campaign) -> Value {
    let mut body = json!({"platform": id(Kind::Platform, campaign.platform, 0),
        "code": campaign.code.as_str().to_lowercase(), "starts_at": when(campaign.starts_at),
        "ends_at": when(campaign.ends_at), "redemptions_max": campaign.redemptions_max,
        "first_purchase_only": campaign.first_purchase_only});
    match &campaign.gift {
        CouponGift::Credit { amount, expires_in_seconds } => {
            body["credit"] = json!(amount.to_string());
            body["credit_expires_in_seconds"] = json!(expires_in_seconds);
        }
        CouponGift::Bonus(slabs) => body["bonus"] = json!(slabs.to_string()),
    }
    body
}

/// What a grant can pay for, of the SKUs of `platform`.
fn scope_body(platform: OrgId, scope: &Scope) -> Value {
    let skus: Vec<String> = scope.skus().iter().map(|&it| id(Kind::Sku, platform, it)).collect();
    let classes: Vec<&str> = scope.classes().iter().map(|class| class.name()).collect();
    json!({"skus": skus, "classes": classes})
}

/// What the sandbox rail says about a deposit.
fn settle_body(answer: RailAnswer, paid_at: Option<Timestamp>, told: &Told) -> Value {
    let text = |amount: Option<Amount>| amount.map(|it| it.to_string());
    json!({"outcome": outcome_name(answer), "paid_at": when(paid_at),
        "amount": text(told.amount), "currency": told.currency, "fee": text(told.fee),
        "conversion": told.conversion.as_ref().map(ConversionBody::of), "payment": told.payment})
}
