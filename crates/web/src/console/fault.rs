//! What went wrong, for people: what happened, whether money moved, what to do.

use app::AppError;
use domain::{Amount, Refusal};
use maud::Markup;

use super::wallet::figures::presentation_of;
use crate::error::Fault;
use crate::pages::error::{ErrorPage, MoneyMoved, view};
use crate::pages::layout::Shell;
use crate::pages::paths;
use crate::pages::show::Unit;

/// The frame of pages that belong to no wallet.
pub fn bare_shell(title: &str) -> Shell {
    Shell {
        presentation: presentation_of(None),
        title: title.into(),
        platform: None,
        test: true,
        wallet: None,
        version: env!("CARGO_PKG_VERSION").into(),
        help: help(),
    }
}

pub fn help() -> Vec<(String, String)> {
    vec![("API".into(), paths::DOCS.into())]
}

/// The page shown for a fault.
pub fn page(fault: &Fault, request_id: String) -> Markup {
    let (what, advice) = words(fault);
    let money = match fault {
        Fault::App(AppError::UnknownOutcome) => MoneyMoved::Unknown,
        _ => MoneyMoved::No,
    };
    error(fault.status(), what, money, advice, request_id)
}

/// The page for a request that was not made by one of our own pages.
pub fn foreign(request_id: String) -> Markup {
    let what = "This request came from somewhere else".to_owned();
    let advice = "The demo answers only to this machine and its own forms. Open the front page \
                  by the address that the terminal shows.";
    error(403, what, MoneyMoved::No, advice.to_owned(), request_id)
}

fn error(
    status: u16,
    what: String,
    money: MoneyMoved,
    advice: String,
    request_id: String,
) -> Markup {
    view(&ErrorPage {
        shell: bare_shell("Error"),
        status,
        what,
        money,
        advice,
        next: Some(("Back to the wallets".into(), paths::HOME.into())),
        request_id,
    })
}

fn words(fault: &Fault) -> (String, String) {
    let (what, advice) = match fault {
        Fault::NotFound { kind: Some(kind) } => {
            let what = format!("This {} does not exist", kind.noun());
            return (what, "Check the address, or choose a wallet from the front page.".into());
        }
        Fault::NotFound { kind: None } => (
            "There is nothing at this address",
            "Check the address, or choose a wallet from the front page.",
        ),
        Fault::Malformed { .. } | Fault::ParameterInvalid { .. } => {
            ("This form could not be read", "Go back, reload the page and send the form again.")
        }
        Fault::App(AppError::KeyReused) => (
            "This form was sent before with other content",
            "Go back, reload the page and send the form again.",
        ),
        Fault::App(AppError::UnknownOutcome) => (
            "We do not know whether this was kept",
            "Open the wallet in a minute: it shows what was done.",
        ),
        Fault::App(AppError::Internal) | Fault::Internal => (
            "Something went wrong on our side",
            "What was begun is undone. Open the wallet to see how it stands.",
        ),
        Fault::Refused(refusal) => return (sentence(refusal), "Nothing was changed.".into()),
        _ => ("We cannot answer just now", "Try again in a moment."),
    };
    (what.to_owned(), advice.to_owned())
}

/// Why a form was refused, money first.
pub fn sentence(refusal: &Refusal) -> String {
    let dollars = |amount: Amount| Unit::Dollars.usage(amount);
    match refusal {
        Refusal::InsufficientCredit { available, required } => format!(
            "Available {}, this needs {}: add {} or more",
            Unit::Dollars.balance(*available),
            dollars(*required),
            cents_up(required.minus(*available))
        ),
        Refusal::AmountOutOfRange { min, max } => {
            format!("The amount must be between {} and {}", dollars(*min), dollars(*max))
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            letters
                .next()
                .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

/// An amount to add, in whole cents: what is asked for must be enough.
pub fn cents_up(amount: Amount) -> String {
    let cent = 10_000_000;
    let cents = amount.or_zero().nanos().saturating_add(cent - 1) / cent;
    Unit::Dollars.balance(Amount::from_nanos(cents.saturating_mul(cent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_enough() {
        let refusal = Refusal::InsufficientCredit {
            available: Amount::parse("0.304").unwrap(),
            required: Amount::from_units(3),
        };
        assert_eq!(sentence(&refusal), "Available $0.30, this needs $3.00: add $2.70 or more");
        assert_eq!(cents_up(Amount::parse("2.691").unwrap()), "$2.70");
        assert_eq!(sentence(&Refusal::AlreadyRunning), "This resource is running already");
    }
}
