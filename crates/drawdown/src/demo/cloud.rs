//! A cloud whose story is told: operations through the door, under its test clock.

use std::collections::BTreeMap;

use app::jobs::advance_clock::{AdvanceError, advance};
use app::jobs::join_coupons::{Redeemed, redeem};
use app::operation::Answer;
use app::operations::add_member::AddMember;
use app::operations::create_api_key::CreateApiKey;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::record_usage::RecordUsage;
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::{App, Command, Operation, Outcome};
use domain::calendar::Zone;
use domain::coupon::CouponCode;
use domain::deposit::Behaviour;
use domain::label::{Labels, MEMBER, PROJECT};
use domain::ledger::EventKey;
use domain::member::MemberRole;
use domain::price::{AppliesTo, TIME_DIMENSION};
use domain::run::ResourceClass;
use domain::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};
use domain::top_up::Caps;
use domain::workset::Role;
use domain::{Amount, Id, Kind, OrgId, Timestamp};

use super::{DIMENSIONS, DemoPlatform, Failure, MODEL, Telling};

/// A cloud, and the time it lives in.
pub struct Cloud<'a> {
    app: &'a App,
    telling: &'a Telling<'a>,
    pub platform: DemoPlatform,
    queries: i64,
}

impl<'a> Cloud<'a> {
    /// A platform in the profile named, whose time begins with the story.
    pub async fn open(
        app: &'a App,
        telling: &'a Telling<'a>,
        name: &str,
        profile: &str,
    ) -> Result<Cloud<'a>, Failure> {
        let create = CreatePlatform {
            org: app.draw_org(),
            name: name.into(),
            profile: profile.into(),
            settings: String::new(),
            test_clock: Some(telling.begin),
        };
        let Answer::Platform(org, _) = run(app, create).await? else { return Err(name.into()) };
        let (secret, hash) = web::new_secret(app);
        let key = CreateApiKey { org, label: "demo".into(), role: Role::Platform, hash };
        let Answer::ApiKey(_, row) = run(app, key).await? else { return Err(name.into()) };
        let key = web::key_text(Id::new(Kind::ApiKey, org, row.number), &secret);
        let platform = DemoPlatform { org, name: name.into(), key, wallets: Vec::new() };
        Ok(Cloud { app, telling, platform, queries: 0 })
    }

    /// Runs one operation; a refusal is a mistake in the story.
    pub async fn does(&self, operation: impl Operation + 'static) -> Result<Answer, Failure> {
        run(self.app, operation).await
    }

    /// Moves time on to so many seconds after a day of the story began.
    pub async fn at(&self, day: i64, seconds: i64) -> Result<(), Failure> {
        let at = self.telling.begin.plus_seconds(day * SECONDS_PER_DAY + seconds);
        self.to(at.min(self.telling.now)).await
    }

    /// Moves time on to the present.
    pub async fn at_present(&self) -> Result<(), Failure> {
        self.to(self.telling.now).await
    }

    /// So many days after the present.
    pub fn in_days(&self, days: i64) -> Timestamp {
        self.telling.now.plus_seconds(days * SECONDS_PER_DAY)
    }

    async fn to(&self, at: Timestamp) -> Result<(), Failure> {
        let arrived = advance(self.app, self.platform.org, at).await;
        arrived.map(|_| ()).map_err(|error: AdvanceError| format!("advancing to {at}: {error:?}"))
    }

    /// Says that a day is told.
    pub fn day_is_told(&self) {
        (self.telling.told)();
    }

    /// Sells something by the hour.
    pub async fn sells(
        &self,
        code: &str,
        label: &str,
        class: ResourceClass,
        hourly: &str,
    ) -> Result<(), Failure> {
        self.sells_for(code, label, class, &[(TIME_DIMENSION, hourly, SECONDS_PER_HOUR)]).await
    }

    /// Sells a model by its tokens.
    pub async fn sells_tokens(
        &self,
        code: &str,
        label: &str,
        (input, output): (&str, &str),
    ) -> Result<(), Failure> {
        let [asked, told] = DIMENSIONS;
        let prices = [(asked, input, 1_000_000), (told, output, 1_000_000)];
        self.sells_for(code, label, ResourceClass::Model, &prices).await
    }

    async fn sells_for(
        &self,
        code: &str,
        label: &str,
        class: ResourceClass,
        prices: &[(&str, &str, i64)],
    ) -> Result<(), Failure> {
        let platform = self.platform.org;
        let facts = SkuFacts::default();
        let create = CreateSku { platform, code: code.into(), label: label.into(), class, facts };
        let Answer::Sku(_, row) = self.does(create).await? else { return Err(code.into()) };
        for &(dimension, amount, per_units) in prices {
            let price = CreatePrice {
                platform,
                sku: row.number,
                dimension: dimension.into(),
                amount: Amount::parse(amount).map_err(|error| error.to_string())?,
                per_units,
                effective_from: None,
                applies_to: AppliesTo::NewRuns,
            };
            self.does(price).await?;
        }
        Ok(())
    }

    /// A customer with a wallet.
    pub async fn wallet(&mut self, name: &str, zone: &str) -> Result<OrgId, Failure> {
        let zone = Zone::named(zone).ok_or_else(|| format!("{zone} is no zone"))?;
        let (org, platform) = (self.app.draw_org(), self.platform.org);
        let create = CreateOrganization { org, platform, name: name.into(), zone };
        let Answer::Organization(org, _) = self.does(create).await? else {
            return Err(name.into());
        };
        self.platform.wallets.push(org);
        Ok(org)
    }

    /// Somebody of a customer.
    pub async fn member(&self, org: OrgId, name: &str, role: MemberRole) -> Result<i64, Failure> {
        let add = AddMember { org, member_name: name.into(), role };
        let Answer::Member(_, row, _) = self.does(add).await? else { return Err(name.into()) };
        Ok(row.number)
    }

    /// A deposit by card that is paid at once. Answers with its number.
    pub async fn deposit(
        &self,
        org: OrgId,
        units: i64,
        member: Option<i64>,
    ) -> Result<i64, Failure> {
        let rail = payments::sandbox::RAIL;
        let start = StartDeposit::by_card(org, Amount::from_units(units), rail);
        let start = StartDeposit { member, ..start };
        let Answer::Deposit(_, row) = self.does(start).await? else {
            return Err("deposit".into());
        };
        let id = Id::new(Kind::Deposit, org, row.number).to_string();
        let outcome = payments::sandbox::paid(&id);
        self.does(SettleDeposit { org, deposit: row.number, outcome }).await?;
        Ok(row.number)
    }

    /// A saved card. Answers with its number.
    pub async fn card(
        &self,
        org: OrgId,
        label: &str,
        behaviour: Behaviour,
    ) -> Result<i64, Failure> {
        let rail = payments::sandbox::RAIL.into();
        let save = SavePaymentMethod { org, rail, behaviour, label: label.into() };
        let Answer::PaymentMethod(_, row) = self.does(save).await? else {
            return Err(label.into());
        };
        Ok(row.number)
    }

    /// Charges a card by itself below a threshold.
    pub async fn tops_up(
        &self,
        org: OrgId,
        (threshold, amount): (i64, i64),
        method: i64,
    ) -> Result<(), Failure> {
        let rule = SetAutoTopUp {
            org,
            enabled: true,
            threshold: Amount::from_units(threshold),
            amount: Amount::from_units(amount),
            method,
            caps: Caps::default(),
        };
        self.does(rule).await.map(|_| ())
    }

    /// A customer's coupon.
    pub async fn redeems(&self, org: OrgId, code: CouponCode) -> Result<(), Failure> {
        let redeemed = redeem(self.app, self.platform.org, org, code, (None, None)).await;
        match redeemed.map_err(|error| error.to_string())? {
            Redeemed::Refused(refusal) => Err(format!("redeem: {refusal}")),
            Redeemed::Decided(_) | Redeemed::Begun(_) => Ok(()),
        }
    }

    /// Something that can run, of a project of the customer.
    pub async fn resource(
        &self,
        org: OrgId,
        label: &str,
        sku: &str,
        project: &str,
    ) -> Result<i64, Failure> {
        let labels = labels(&[(PROJECT, project)])?;
        let create = CreateResource { org, label: label.into(), sku: sku.into(), labels };
        let Answer::Resource(_, row) = self.does(create).await? else { return Err(label.into()) };
        Ok(row.number)
    }

    pub async fn start(&self, org: OrgId, resource: i64) -> Result<i64, Failure> {
        let Answer::Run(_, row) = self.does(StartRun::now(org, resource)).await? else {
            return Err("start".into());
        };
        Ok(row.number)
    }

    pub async fn stop(&self, org: OrgId, run: i64) -> Result<(), Failure> {
        self.does(StopRun::now(org, run)).await.map(|_| ())
    }

    /// A question to a model, by somebody for a project.
    pub async fn query(
        &mut self,
        org: OrgId,
        tokens: i64,
        (project, member): (&str, &str),
    ) -> Result<(), Failure> {
        self.queries += 1;
        let key = EventKey { source: "demo".into(), id: format!("query-{}", self.queries) };
        let [asked, told] = DIMENSIONS;
        let usage = RecordUsage {
            org,
            hash: self.app.hasher.hash(org.get(), &key.source, &key.id).bits(),
            key,
            fingerprint: tokens,
            sku: MODEL.into(),
            occurred_at: None,
            quantities: vec![(asked.into(), tokens * 3), (told.into(), tokens)],
            labels: labels(&[(PROJECT, project), (MEMBER, member)])?,
        };
        self.does(usage).await.map(|_| ())
    }
}

fn labels(pairs: &[(&str, &str)]) -> Result<Labels, Failure> {
    let pairs: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    Labels::new(&pairs).map_err(|fault| fault.wish().to_owned())
}

async fn run(app: &App, operation: impl Operation + 'static) -> Result<Answer, Failure> {
    let name = operation.name();
    match app.run(Command::new(operation)).await {
        Ok(Outcome::Decided(Ok(answer))) => Ok(answer),
        Ok(Outcome::Decided(Err(refusal))) => Err(format!("{name}: {refusal}")),
        Ok(Outcome::Replayed { .. }) => Err(format!("{name}: replayed")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
