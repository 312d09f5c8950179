//! Commitments: a purchased grant with a scope stands beside the discount of its reserved price,
//! for the same SKU and term.

use domain::discount::Discount;
use domain::grant::{Grant, GrantKind};

use super::Lie;
use super::chain::Chain;
use super::same;

/// A scoped grant that was purchased is a commitment, and has the discount that says so.
pub(crate) fn check_grant(chain: &mut Chain, grant: &Grant) -> Result<(), Lie> {
    let of_grant = |it: &&Discount| it.commitment == Some(grant.number);
    let discount = chain.discounts.assigned.iter().find(of_grant);
    let at = || ("grants", chain.org, || format!("grant {}", grant.number));
    let scope = grant.scope.as_ref().filter(|_| grant.kind == GrantKind::Purchased);
    same(at(), "whether it is a commitment", &scope.is_some(), &discount.is_some())?;
    let (Some(scope), Some(discount)) = (scope, discount) else { return Ok(()) };
    let skus: Vec<i64> = discount.sku.into_iter().collect();
    let is_for = scope.skus() == skus && scope.classes().is_empty();
    same(at(), "whether it is for the SKU of its discount", &is_for, &true)?;
    same(at(), "the end of its term", &grant.expires_at, &discount.effective_until)?;
    chain.discounts.commitments.insert(grant.number);
    Ok(())
}

/// Every discount of a commitment has its grant.
pub(crate) fn check_discounts(chain: &Chain) -> Result<(), Lie> {
    for discount in &chain.discounts.assigned {
        let Some(grant) = discount.commitment else { continue };
        if !chain.discounts.commitments.contains(&grant) {
            let what = format!("its commitment, grant {grant}, does not exist");
            let row = format!("discount {}", discount.number);
            return Err(Lie { table: "discounts", org: chain.org, row, what });
        }
    }
    Ok(())
}
