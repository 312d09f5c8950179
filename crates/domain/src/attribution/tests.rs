use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn hour(resource: i64, from: i64, cost: &str) -> PaidTime {
    let cost = Amount::parse(cost).unwrap();
    PaidTime { resource, sku: 1, from: at(from), until: at(from + 3_600), cost }
}

fn request(transaction: i64, from: i64, until: i64) -> Served {
    Served { transaction, resource: 1, began_at: at(from), ended_at: at(until) }
}

/// Shares by transaction; then requests, idle, to come, rounding of resource 1.
fn check(
    paid: &[PaidTime],
    served: &[Served],
    (idle, now): (IdleCost, i64),
    shares: &[(i64, &str)],
    [requests, apart, to_come, rounding]: [&str; 4],
) {
    let found = attribute(paid.to_vec(), served, idle, at(now));
    let amount = |text: &str| Amount::parse(text).unwrap();
    let shares: Vec<(i64, Amount)> =
        shares.iter().map(|&(transaction, share)| (transaction, amount(share))).collect();
    let found_shares: Vec<(i64, Amount)> =
        found.shares.iter().map(|(&transaction, share)| (transaction, share.amount)).collect();
    assert_eq!(found_shares, shares);
    let sum = found.resources[&1];
    assert_eq!(
        [sum.requests, sum.idle, sum.to_come, sum.rounding],
        [amount(requests), amount(apart), amount(to_come), amount(rounding)]
    );
}

#[test]
fn a_block_is_shared_by_busy_time_and_the_idle_part_stands_apart() {
    let served = [request(1, 0, 360), request(2, 400, 1_120)];
    let block = [hour(1, 0, "3.60")];
    let over = 3_600;
    check(
        &block,
        &served,
        (IdleCost::Apart, over),
        &[(1, "0.36"), (2, "0.72")],
        ["1.08", "2.52", "0", "0"],
    );
    check(
        &block,
        &served,
        (IdleCost::Included, over),
        &[(1, "1.20"), (2, "2.40")],
        ["3.60", "0", "0", "0"],
    );
    check(&block, &[], (IdleCost::Included, over), &[], ["0", "3.60", "0", "0"]);
}

#[test]
fn requests_side_by_side_share_their_time() {
    let served = [request(1, 0, 360), request(2, 0, 360), request(3, 180, 360)];
    check(
        &[hour(1, 0, "3.60")],
        &served,
        (IdleCost::Apart, 3_600),
        &[(1, "0.144"), (2, "0.144"), (3, "0.072")],
        ["0.36", "3.24", "0", "0"],
    );
}

#[test]
fn what_of_a_block_is_not_over_is_still_to_come() {
    check(
        &[hour(1, 0, "3.60")],
        &[request(1, 0, 450)],
        (IdleCost::Apart, 900),
        &[(1, "0.45")],
        ["0.45", "0.45", "2.70", "0"],
    );
}

#[test]
fn a_request_over_a_boundary_has_a_share_of_both_and_none_of_unpaid_time() {
    let served = [request(1, 3_500, 3_700), request(2, 7_100, 9_999)];
    check(
        &[hour(1, 3_600, "0.36"), hour(1, 0, "3.60")],
        &served,
        (IdleCost::Apart, 10_000),
        &[(1, "0.11"), (2, "0.01")],
        ["0.12", "3.84", "0", "0"],
    );
}

#[test]
fn a_block_ends_where_the_next_one_of_the_same_resource_begins() {
    // Paused and resumed at half past: of the first block thirty minutes are left, at its price.
    check(
        &[hour(1, 0, "3.60"), hour(1, 1_800, "3.60")],
        &[request(1, 900, 2_700)],
        (IdleCost::Apart, 5_400),
        &[(1, "2.70")],
        ["2.70", "4.50", "0", "0"],
    );
    let twice = [hour(1, 0, "1.00"), hour(1, 0, "2.00")];
    check(&twice, &[], (IdleCost::Apart, 3_600), &[], ["0", "3.00", "0", "0"]);
}

#[test]
fn requests_of_another_resource_have_no_share() {
    let other = Served { resource: 2, ..request(1, 0, 60) };
    let found = attribute(
        vec![hour(1, 0, "1.00"), hour(3, 0, "1.00")],
        &[other],
        IdleCost::Apart,
        at(3_600),
    );
    assert!(found.shares.is_empty());
    assert_eq!(found.resources.len(), 2);
}

/// xorshift: seeded, so that a failure repeats.
fn next(seed: &mut i64, below: i64) -> i64 {
    *seed ^= *seed << 13;
    *seed ^= (*seed).cast_unsigned().checked_shr(7).unwrap_or(0).cast_signed();
    *seed ^= *seed << 17;
    seed.rem_euclid(below)
}

#[test]
fn law_shares_idle_to_come_and_rounding_add_up_to_the_cost() {
    for seed in 1..200_i64 {
        let mut seed = seed * 7_919;
        let mut paid = Vec::new();
        for block in 0..next(&mut seed, 5) {
            let resource = 1 + next(&mut seed, 2);
            let from = block * 3_600 - next(&mut seed, 900);
            let cost = Amount::from_nanos(next(&mut seed, 9_000_000_000));
            paid.push(PaidTime { resource, cost, ..hour(1, from, "0") });
        }
        let mut served = Vec::new();
        for transaction in 0..next(&mut seed, 40) {
            let from = Timestamp::from_micros(next(&mut seed, 20_000_000_000));
            let busy = next(&mut seed, 4_000_000);
            served.push(Served {
                transaction,
                resource: 1 + next(&mut seed, 2),
                began_at: from,
                ended_at: Timestamp::from_micros(from.micros() + busy * 1_000),
            });
        }
        let now = at(next(&mut seed, 20_000));
        for idle in [IdleCost::Apart, IdleCost::Included] {
            let found = attribute(paid.clone(), &served, idle, now);
            let mut shares = Amount::ZERO;
            for sum in found.resources.values() {
                let parts = sum.requests.plus(sum.idle).plus(sum.to_come).plus(sum.rounding);
                assert_eq!(parts, sum.cost);
                assert!(sum.busy_milliseconds <= sum.paid_milliseconds);
                // Half a nano for each share, and for the idle part and what is to come.
                assert!(sum.rounding.nanos().abs() <= 200, "{}", sum.rounding);
                shares = shares.plus(sum.requests);
            }
            let cost: Amount = paid.iter().map(|piece| piece.cost).sum();
            assert_eq!(found.resources.values().map(|sum| sum.cost).sum::<Amount>(), cost);
            assert_eq!(found.shares.values().map(|share| share.amount).sum::<Amount>(), shares);
        }
    }
}
