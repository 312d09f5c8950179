//! The table of settings. To add a setting, add its line: documentation, name, kind, default, and
//! bounds where not every value of the kind makes sense.

use std::ops::RangeInclusive;

use super::kind::{
    Admission, BalanceBasis, BillRounding, Digest, Documents, Expiry, ModelCharge, ModelZeroAction,
    Overcapture, Overdraft, Pack, RefundPolicy, Resume, ResumeInPaidBlock, TaxPoint, Terms,
    TopUpSize, VolumeTier, ZeroAction,
};
use super::value::Value;
use crate::Amount;
use crate::coupon::BonusSlabs;

/// One setting: what a profile file, an API call and the reference know about it.
pub struct Setting {
    pub name: &'static str,
    /// What it decides, in whole sentences.
    pub about: &'static str,
    /// Reads it into a profile, or says what is allowed.
    pub read: fn(&mut Profile, &str) -> Result<(), String>,
    pub show: fn(&Profile) -> String,
    pub allowed: fn() -> String,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Setting) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! settings {
    ($(
        $( #[doc = $about:literal] )+
        $name:ident: $kind:ty = $default:expr $(, within $bounds:expr)?;
    )+) => {
        /// One version of a platform's settings.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Profile {
            /// The profile that the settings come from.
            pub name: String,
            /// Its version; each change of a profile is a new one (requirements C23).
            pub version: i64,
            $( $( #[doc = $about] )+ pub $name: $kind, )+
        }

        impl Default for Profile {
            fn default() -> Profile {
                Profile { name: "default".into(), version: 1, $( $name: $default, )+ }
            }
        }

        impl Setting {
            /// All settings, in the order in which they are shown.
            pub const ALL: &[Setting] = &[$(
                Setting {
                    name: stringify!($name),
                    about: concat!($($about),+).trim_ascii_start(),
                    read: |profile, text| {
                        let fits = |_value: &$kind| true $( && ($bounds).contains(_value) )?;
                        profile.$name = <$kind>::read(text).filter(fits).ok_or_else(|| {
                            let allowed = allowed!($kind $(, $bounds)?);
                            format!("{} is {allowed}, not {text}", stringify!($name))
                        })?;
                        Ok(())
                    },
                    show: |profile| profile.$name.show(),
                    allowed: || allowed!($kind $(, $bounds)?),
                },
            )+];
        }
    };
}

macro_rules! allowed {
    ($kind:ty) => {
        <$kind>::allowed()
    };
    ($kind:ty, $bounds:expr) => {
        bounded(&$bounds)
    };
}

fn bounded<T: Value>(bounds: &RangeInclusive<T>) -> String {
    format!("{} from {} to {}", T::allowed(), bounds.start().show(), bounds.end().show())
}

const DAY: i64 = 86_400;
const YEAR: i64 = 366 * DAY;
const NANO: Amount = Amount::from_nanos(1);

const fn dollars(units: i64) -> Amount {
    Amount::from_units(units)
}

settings! {
    /// The platform's name, as its customers know it.
    label_platform: String = "Cloud".into();
    /// What one credit is worth in currency. Pages count in credits where that is not 1.00; display
    /// only, the API always speaks currency (C01).
    credit_value: Amount = dollars(1), within NANO..=dollars(1_000);
    /// What pages call the list of deposits (C15).
    label_history: String = "Transactions".into();
    /// What pages call auto top-up.
    label_auto_top_up: String = "Auto top-up".into();
    /// What pages call the low-balance alert.
    label_low_balance: String = "Low balance".into();
    /// What pages say has become of a resource at zero (C08).
    label_stopped: String = "stopped".into();

    /// The amounts that are offered: a price, `*` for the recommended one, the credits it buys,
    /// bonus credits, a tagline.
    packs: Vec<Pack> = Vec::new();
    /// The smallest deposit of an amount of one's own choice, in currency; packs have their own
    /// prices (C09).
    deposit_min: Amount = dollars(1), within NANO..=dollars(1_000_000);
    /// The largest deposit of an amount of one's own choice, in currency.
    deposit_max: Amount = dollars(10_000), within NANO..=dollars(1_000_000);
    /// The smallest payment that the provider takes, in currency: a check warns of smaller deposits
    /// (C09).
    provider_payment_min: Amount = Amount::from_nanos(500_000_000);
    /// What the provider keeps of a payment whatever its size, in currency: a check warns where it
    /// is more than a tenth of the smallest deposit (C09).
    provider_fee_fixed: Amount = Amount::from_nanos(300_000_000);
    /// For how long the quote of a payment in crypto is good; off, and none are taken (C19).
    crypto_quote_seconds: Option<i64> = None, within None..=Some(30 * DAY);
    /// When purchased credit expires (C22, rulings R12).
    purchased_expiry: Expiry = Expiry::Never;
    /// Days of 24 hours after which promotional credit expires that says nothing of its own; off is
    /// never (C22).
    promotional_expiry_days: Option<i64> = None, within None..=Some(3_660);
    /// Days before its expiry at which people are reminded.
    expiry_reminder_days: Vec<i64> = vec![14, 7, 1];
    /// Whether there are coupons (N21).
    coupons: bool = true;
    /// The bonus on every deposit, by its size (N21).
    deposit_bonus: BonusSlabs = BonusSlabs::default();
    /// Whether the larger of the volume tier and an assigned discount lowers prices (S13).
    discounts: bool = true;
    /// Discounts that are earned by drawing so much purchased credit in thirty days (rulings R22).
    volume_tiers: Vec<VolumeTier> = Vec::new();
    /// Whether the prices can be read without signing in (G08c, P05b).
    price_page: bool = false;
    /// Whom to ask for a discount: an address or a few words, shown beside the prices (S13e).
    discount_contact: Option<String> = None;
    /// What a customer gets for a deposit.
    documents: Documents = Documents::ReceiptAndInvoice;
    /// How invoices round to cents; display only (rulings R23).
    bill_rounding: BillRounding = BillRounding::HalfUp;
    /// When tax is due (rulings R19).
    tax_point: TaxPoint = TaxPoint::None;
    /// What a customer may have back of unspent purchased credit (rulings R17).
    refund_policy: RefundPolicy = RefundPolicy::Unspent;
    /// Whether a dispute freezes the wallet (rulings R18).
    dispute_freeze: bool = true;

    /// How running compute is charged; what is stored accrues, and in the same windows.
    compute_terms: Terms = Terms::PerSecond;
    /// How use of models is charged (C06).
    model_charge: ModelCharge = ModelCharge::PerUse;
    /// The period in which time is settled, on the wall clock: a multiple of the window that
    /// divides a day (C02).
    settle_every_seconds: i64 = 60, within 1..=DAY;
    /// The balance that is shown and decides alerts and auto top-up (rulings R4).
    balance_basis: BalanceBasis = BalanceBasis::Live;
    /// What must be there before something starts (C12, C17).
    admission: Admission = Admission::HoldSeconds(60);
    /// What resuming inside a paid block costs (N02).
    resume_in_paid_block: ResumeInPaidBlock = ResumeInPaidBlock::NewBlock;
    /// How long before a block begins auto top-up looks whether it can be paid (rulings R13).
    block_lookahead_seconds: i64 = 600, within 0..=DAY;

    /// How long a hold lasts that says nothing of its own.
    hold_timeout_seconds: i64 = 3_600, within 1..=YEAR;
    /// A hold must leave so many seconds to what runs (rulings R9).
    hold_runway_keep_seconds: i64 = 300, within 0..=YEAR;
    /// What capturing more than was held does.
    overcapture: Overcapture = Overcapture::Reject;
    /// Usage and stops may be reported so late (N07, rulings R1).
    late_window_seconds: i64 = 72 * 3_600, within 0..=YEAR;

    /// What becomes of use past zero (rulings R14).
    overdraft: Overdraft = Overdraft::Absorb;
    /// What happens to running compute at zero (C08).
    compute_zero_action: ZeroAction = ZeroAction::Stop;
    /// What happens to the use of models at zero (C08).
    model_zero_action: ModelZeroAction = ModelZeroAction::Overdraft;
    /// Stops are ordered so long ahead of run-out (rulings R14).
    stop_lead_seconds: i64 = 0, within 0..=YEAR;
    /// A stop that is due waits so long for the answer to an auto top-up (rulings R7).
    catchup_grace_seconds: i64 = 60, within 0..=DAY;
    /// How what was stopped comes back after money came in.
    resume: Resume = Resume::Manual;
    /// Days that storage is kept at zero before it is deleted; off keeps it (N15).
    retention_days: Option<i64> = Some(3), within None..=Some(366);

    /// How far ahead people are warned of the predicted end of their credit; off means that only
    /// the limit that a member sets warns (C03).
    forecast_horizon_seconds: Option<i64> = None, within None..=Some(30 * DAY);
    /// Whether spend is summed up in a mail.
    digest: Digest = Digest::Off;
    /// The hour of the day at which digests go out, in the organization's time zone (N20).
    digest_hour: i64 = 8, within 0..=23;

    /// Whether customers can set an auto top-up rule.
    auto_top_up: bool = true;
    /// The lowest threshold of a rule, in currency.
    auto_top_up_threshold_min: Amount = dollars(5);
    /// The highest threshold of a rule, in currency.
    auto_top_up_threshold_max: Amount = dollars(500);
    /// The smallest amount that a rule charges, in currency.
    auto_top_up_amount_min: Amount = dollars(5), within NANO..=dollars(1_000_000);
    /// The largest amount that a rule charges, in currency.
    auto_top_up_amount_max: Amount = dollars(5_000), within NANO..=dollars(1_000_000);
    /// How much an auto top-up charges (rulings R13).
    auto_top_up_size: TopUpSize = TopUpSize::Fixed;
    /// Seconds from one attempt to the next (S12b).
    auto_top_up_cooldown_seconds: i64 = 300, within 0..=DAY;
    /// The most attempts a day (N14).
    auto_top_up_daily_attempts_max: Option<i64> = None, within None..=Some(288);
    /// The most that auto top-up charges in a calendar month, in currency (N14).
    auto_top_up_monthly_amount_max: Option<Amount> = None;
    /// An auto top-up that needs authentication counts as declined after so long (N13, rulings
    /// R23).
    authentication_timeout_seconds: i64 = DAY, within 60..=30 * DAY;
    /// After so long a rail that did not answer is asked what became of a payment, and again until
    /// it says so.
    payment_read_back_seconds: i64 = 60, within 1..=DAY;
}
