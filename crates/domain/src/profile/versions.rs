//! The versions of one platform's profile (requirements C23).
//!
//! Laws: at any instant exactly one version is in force, and what was decided under an earlier one
//! stays as it is; a version takes effect later than it was made, so that what is decided at an
//! instant is decided by the same version wherever that happens; some settings hold for the life of
//! a platform, because what a wallet keeps depends on them.

use std::sync::Arc;

use super::{Expiry, Profile};
use crate::Timestamp;

/// Versions after its first that a platform has at most.
pub const VERSIONS_MAX: usize = 100;

/// On the wall clock a version takes effect so long after it was made at the earliest: batches that
/// were begun before, and do not know of it, have ended by then.
pub const ANNOUNCED_AHEAD_SECONDS: i64 = 60;

/// A version that takes the place of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub effective_from: Timestamp,
    pub created_at: Timestamp,
    /// When every wallet had been told, and so wakes in time.
    pub told_at: Option<Timestamp>,
    pub profile: Arc<Profile>,
}

/// What a platform was made with, and the versions since, each with a later effect than the one
/// before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    first: Arc<Profile>,
    later: Vec<Version>,
}

impl Versions {
    pub fn new(first: Profile) -> Versions {
        Versions { first: Arc::new(first), later: Vec::new() }
    }

    pub fn first(&self) -> &Arc<Profile> {
        &self.first
    }

    pub fn later(&self) -> &[Version] {
        &self.later
    }

    /// The version that is in force at `at`.
    pub fn at(&self, at: Timestamp) -> &Arc<Profile> {
        self.begun(at).last().map_or(&self.first, |version| &version.profile)
    }

    /// The version that holds once all have taken effect.
    pub fn last(&self) -> &Arc<Profile> {
        self.later.last().map_or(&self.first, |version| &version.profile)
    }

    /// All versions, in the order in which they take effect.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        std::iter::once(&self.first).chain(self.later.iter().map(|version| &version.profile))
    }

    /// The version in force at `from`, and those that take effect from then on until `until`.
    pub fn between(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = &Arc<Profile>> {
        let ahead = self.ahead_of(from).iter().take_while(move |it| it.effective_from <= until);
        std::iter::once(self.at(from)).chain(ahead.map(|version| &version.profile))
    }

    /// When the next version after `after` takes effect; [`Timestamp::NEVER`] when none does.
    pub fn next_change(&self, after: Timestamp) -> Timestamp {
        self.ahead_of(after).first().map_or(Timestamp::NEVER, |version| version.effective_from)
    }

    /// The earliest effect of a version that is made at `now`, on a test clock or the wall clock.
    pub fn earliest_effect(&self, now: Timestamp, is_test: bool) -> Timestamp {
        let ahead = if is_test { 0 } else { ANNOUNCED_AHEAD_SECONDS };
        let next = now.floor_to_second().plus_seconds(ahead + 1);
        self.later.last().map_or(next, |last| next.max(last.effective_from.plus_seconds(1)))
    }

    /// Puts a version behind the others.
    ///
    /// Panics: when it does not take effect later than they do.
    pub fn push(&mut self, version: Version) {
        let last = self.later.last().map(|last| last.effective_from);
        assert!(last < Some(version.effective_from), "a version takes effect before another");
        self.later.push(version);
    }

    /// The effects of the versions that wallets have still to be told of.
    pub fn untold(&self) -> impl Iterator<Item = Timestamp> {
        let untold = self.later.iter().filter(|version| version.told_at.is_none());
        untold.map(|version| version.effective_from)
    }

    /// Notes that every wallet has been told of the version that takes effect at `effective_from`.
    pub fn conclude(&mut self, effective_from: Timestamp, now: Timestamp) {
        let told = self.later.iter_mut().find(|it| it.effective_from == effective_from);
        if let Some(version) = told {
            version.told_at = version.told_at.or(Some(now));
        }
    }

    fn begun(&self, at: Timestamp) -> &[Version] {
        &self.later[..self.later.partition_point(|version| version.effective_from <= at)]
    }

    fn ahead_of(&self, at: Timestamp) -> &[Version] {
        &self.later[self.later.partition_point(|version| version.effective_from <= at)..]
    }
}

impl Profile {
    /// Whether a platform may go on under `other`.
    ///
    /// Errors: a sentence about the first setting that holds for the life of a platform.
    pub fn may_become(&self, other: &Profile) -> Result<(), String> {
        let rolls = |profile: &Profile| matches!(profile.purchased_expiry, Expiry::Rolling(_));
        let is_other_expiry = self.purchased_expiry != other.purchased_expiry;
        if is_other_expiry && (rolls(self) || rolls(other)) {
            return Err("purchased_expiry that rolls holds for the life of a platform".into());
        }
        if self.has_volume_tiers() != other.has_volume_tiers() {
            return Err("volume_tiers are there, or are not, for the life of a platform".into());
        }
        if other.late_window_seconds > self.late_window_seconds {
            let now = self.late_window_seconds;
            return Err(format!("late_window_seconds can become shorter than {now}, not longer"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(settings: &str) -> Profile {
        let mut profile = Profile::default();
        profile.apply(settings).unwrap();
        profile
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn versions(effects: &[i64]) -> Versions {
        let mut versions = Versions::new(profile(""));
        for &second in effects {
            versions.push(Version {
                effective_from: at(second),
                created_at: Timestamp::ZERO,
                told_at: None,
                profile: Arc::new(profile(&format!("stop_lead_seconds={second}"))),
            });
        }
        versions
    }

    #[test]
    fn the_version_in_force_is_the_last_that_took_effect() {
        let versions = versions(&[10, 20]);
        for (second, lead, next) in [(9, 0, 10), (10, 10, 20), (19, 10, 20), (20, 20, 0)] {
            assert_eq!(versions.at(at(second)).stop_lead_seconds, lead, "at {second}");
            let next = if next == 0 { Timestamp::NEVER } else { at(next) };
            assert_eq!(versions.next_change(at(second)), next, "after {second}");
        }
        assert_eq!(versions.last().stop_lead_seconds, 20);
    }

    #[test]
    fn between_two_instants_are_all_versions_that_hold_meanwhile() {
        let versions = versions(&[10, 20, 30]);
        for (from, until, leads) in
            [(0, 9, &[0][..]), (0, 10, &[0, 10]), (10, 29, &[10, 20]), (40, 50, &[30])]
        {
            let between = versions.between(at(from), at(until));
            let found: Vec<i64> = between.map(|profile| profile.stop_lead_seconds).collect();
            assert_eq!(found, leads, "from {from} until {until}");
        }
    }

    #[test]
    fn a_version_takes_effect_later_than_it_was_made() {
        let now = Timestamp::from_micros(5_500_000);
        for (before, is_test, earliest) in
            [(&[][..], true, 6), (&[], false, 66), (&[10][..], true, 11), (&[10], false, 66)]
        {
            assert_eq!(versions(before).earliest_effect(now, is_test), at(earliest));
        }
    }

    #[test]
    fn who_has_been_told_is_noted_for_each_version_once() {
        let mut versions = versions(&[10, 20]);
        versions.conclude(at(10), at(1));
        versions.conclude(at(10), at(2));
        assert_eq!(versions.later()[0].told_at, Some(at(1)));
        assert_eq!(versions.untold().collect::<Vec<_>>(), [at(20)]);
    }

    #[test]
    fn what_wallets_depend_on_stays() {
        for (before, after, said) in [
            ("purchased_expiry=rolling(3mo)", "", "purchased_expiry"),
            ("", "purchased_expiry=rolling(3mo)", "purchased_expiry"),
            ("purchased_expiry=rolling(3mo)", "purchased_expiry=rolling(6mo)", "purchased_expiry"),
            ("volume_tiers=50:5%", "", "volume_tiers"),
            ("volume_tiers=50:5%", "volume_tiers=50:5%;discounts=off", "volume_tiers"),
            ("", "late_window_seconds=999999", "late_window_seconds"),
        ] {
            let error = profile(before).may_become(&profile(after)).unwrap_err();
            assert!(error.starts_with(said), "{before} to {after}: {error}");
        }
        for (before, after) in [
            ("", "purchased_expiry=fixed(90d);late_window_seconds=60;discounts=off"),
            ("volume_tiers=50:5%", "volume_tiers=50:7%,100:9%"),
        ] {
            assert_eq!(profile(before).may_become(&profile(after)), Ok(()), "{before} to {after}");
        }
    }
}
