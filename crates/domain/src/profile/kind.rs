//! The kinds of rule that a setting chooses among.

use super::value::Value;
use crate::Amount;

/// Makes an enum whose values are plain words.
macro_rules! words {
    ($(
        $(#[$about:meta])*
        pub enum $name:ident {
            $( $(#[$inside:meta])* $variant:ident = $word:literal, )+
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$inside])* $variant, )+
        }

        impl $name {
            const WORDS: &[($name, &str)] = &[$(($name::$variant, $word)),+];
        }

        impl Value for $name {
            fn read(text: &str) -> Option<$name> {
                $name::WORDS.iter().find(|(_, word)| *word == text).map(|(value, _)| *value)
            }

            fn show(&self) -> String {
                match self {
                    $( $name::$variant => $word.into(), )+
                }
            }

            fn allowed() -> String {
                let words: Vec<&str> = $name::WORDS.iter().map(|(_, word)| *word).collect();
                format!("one of {}", words.join(", "))
            }
        }
    )+};
}

words! {
    /// Which balance is shown and decides alerts and auto top-up (rulings R4).
    pub enum BalanceBasis {
        Live = "live",
        /// As of the last closed settlement period.
        Settled = "settled",
    }

    /// What happens to running compute at zero (requirements C08).
    pub enum ZeroAction {
        /// It waits to be resumed.
        Pause = "pause",
        /// It can be started again.
        Stop = "stop",
        /// It is gone for good (requirements C14).
        Terminate = "terminate",
    }

    /// What happens to the use of models when nothing is available (requirements C08).
    pub enum ModelZeroAction {
        /// It goes the way of the overdraft: use that happened is not refused (rulings R14).
        Overdraft = "overdraft",
        RejectNew = "reject_new",
    }

    /// How something comes back after money came in.
    pub enum Resume {
        /// The customer starts it again.
        Manual = "manual",
        /// It is gone, and made anew from its saved description (requirements C14).
        Redeploy = "redeploy",
    }

    /// What resuming inside a block that is paid already costs (requirements N02).
    pub enum ResumeInPaidBlock {
        NewBlock = "new_block",
        Reuse = "reuse",
    }

    /// How use of models is charged.
    pub enum ModelCharge {
        PerUse = "per_use",
        /// The running time of its deployment is charged; a request is only shown its part of it
        /// (requirements C06).
        Attributed = "attributed",
    }

    /// What capturing more than was held does.
    pub enum Overcapture {
        Reject = "reject",
        /// Charge what was held and no more.
        Cap = "cap",
        /// Charge the rest like any use.
        Overflow = "overflow",
    }

    /// How much an auto top-up asks for (rulings R13).
    pub enum TopUpSize {
        /// Exactly the amount of the rule.
        Fixed = "fixed",
        /// What is missing up to the amount of the rule, at least the smallest deposit.
        ToTarget = "to_target",
    }

    /// How an invoice rounds to cents; display only (rulings R23).
    pub enum BillRounding {
        HalfUp = "half_up",
        Down = "down",
    }

    /// What a customer gets for a deposit.
    pub enum Documents {
        /// A receipt, and an invoice for each month.
        ReceiptAndInvoice = "receipt_and_invoice",
        /// A link to the provider's invoice.
        ProviderInvoice = "provider_invoice",
        /// A receipt by e-mail, and an export for accounting.
        EmailReceipt = "email_receipt",
        /// An invoice for each payment.
        InvoicePerPayment = "invoice_per_payment",
    }

    /// When tax is due (rulings R19).
    pub enum TaxPoint {
        None = "none",
        /// A payment is credit and tax.
        Deposit = "deposit",
        /// Prices include tax, and each charge splits into net and tax.
        Consumption = "consumption",
    }

    /// How often spend is summed up in a mail.
    pub enum Digest {
        Off = "off",
        Daily = "daily",
        Weekly = "weekly",
        DailyAndWeekly = "daily_and_weekly",
    }
}

/// What has to be there before something may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// This much available, and nothing set aside (requirements S04c, C17).
    MinAvailable(Amount),
    /// So many seconds of its own burn, set aside and used up first (requirements C12, rulings R8).
    HoldSeconds(i64),
}

/// What happens to use past zero (rulings R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdraft {
    Absorb,
    Carry,
    /// Debt up to so much, the rest absorbed.
    Cap(Amount),
}

/// How a run of one class of resources is charged; lengths in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// For the seconds it ran, afterwards.
    PerSecond,
    /// In closed windows on the wall clock (requirements C02).
    Window(i64),
    /// In blocks from its start, each charged when it begins (requirements C04).
    Block(i64),
}

/// When purchased credit expires (requirements C22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// So many seconds after it was bought.
    Fixed(i64),
    /// So many calendar months after the last confirmed deposit, the whole balance (rulings R12).
    Rolling(i64),
}

/// What a customer may have back of unspent purchased credit (rulings R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundPolicy {
    None,
    Unspent,
    /// Unspent, so many seconds after the deposit at most.
    Within(i64),
}

/// An amount that is offered to be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// In currency.
    pub price: Amount,
    pub recommended: bool,
    /// Purchased credits, counted in credits; nothing said means what the price is worth.
    pub credits: Option<Amount>,
    /// Promotional credits that come with them, counted in credits.
    pub bonus: Amount,
    pub tagline: Option<String>,
}

/// A discount that is earned by drawing so much purchased credit in thirty days (rulings R22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeTier {
    pub drawn_min: Amount,
    pub discount_bps: i64,
}

/// Bounds of an auto top-up rule; both ends are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoTopUpBounds {
    pub threshold_min: Amount,
    pub threshold_max: Amount,
    pub amount_min: Amount,
    pub amount_max: Amount,
}
