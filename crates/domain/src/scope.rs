//! Scope: the SKUs that a grant can pay for (rulings R10).
//!
//! Laws: credit for some SKUs is never spent on another; what competes for the same grants is
//! counted together, so that a wallet is small whatever runs in it (rulings R3, A6); a wallet whose
//! grants pay for everything knows no scopes and does nothing for them.

use std::sync::Arc;

use crate::run::{ResourceClass, Run};

/// A scope names at most so many SKUs.
pub const SCOPE_SKUS_MAX: usize = 32;
/// A grant is given where its wallet has fewer different scopes than this.
pub const SCOPES_MAX: usize = 8;
/// Value that comes back to grants that were used up may bring a wallet to so many.
const SCOPES_RESTORED_MAX: usize = 31;

/// What credit is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    pub sku: i64,
    pub class: ResourceClass,
}

impl Purpose {
    pub const fn of(run: &Run) -> Purpose {
        Purpose { sku: run.sku, class: run.class }
    }
}

/// SKUs by their numbers, and whole classes of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    classes: Vec<ResourceClass>,
    skus: Vec<i64>,
}

impl Scope {
    /// Nothing when it names nothing, or more SKUs than [`SCOPE_SKUS_MAX`].
    pub fn new(mut skus: Vec<i64>, mut classes: Vec<ResourceClass>) -> Option<Scope> {
        skus.sort_unstable();
        skus.dedup();
        classes.sort_unstable();
        classes.dedup();
        let is_empty = skus.is_empty() && classes.is_empty();
        (!is_empty && skus.len() <= SCOPE_SKUS_MAX).then_some(Scope { classes, skus })
    }

    pub fn skus(&self) -> &[i64] {
        &self.skus
    }

    pub fn classes(&self) -> &[ResourceClass] {
        &self.classes
    }

    pub fn covers(&self, purpose: Purpose) -> bool {
        self.classes.contains(&purpose.class) || self.skus.contains(&purpose.sku)
    }

    /// How narrow it is, for the burn order: single SKUs before classes, few before many.
    pub fn width(&self) -> (usize, usize) {
        (self.classes.len(), self.skus.len())
    }

    /// The codes of its classes, each behind a `c`, then its SKUs, joined by `.`: `c1.12.15`.
    pub fn to_text(&self) -> String {
        let classes = self.classes.iter().map(|class| format!("c{}", class.code()));
        let skus = self.skus.iter().map(i64::to_string);
        classes.chain(skus).collect::<Vec<_>>().join(".")
    }

    /// What [`Scope::to_text`] wrote; nothing when it is anything else.
    pub fn from_text(text: &str) -> Option<Scope> {
        let (mut skus, mut classes) = (Vec::new(), Vec::new());
        for part in text.split('.') {
            match part.strip_prefix('c') {
                Some(code) => classes.push(ResourceClass::from_code(code.parse().ok()?)?),
                None => skus.push(part.parse().ok()?),
            }
        }
        Scope::new(skus, classes)
    }
}

/// Which scopes of a wallet cover something: what competes for the same grants has the same cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cover(u32);

impl Cover {
    /// Only credit that pays for everything.
    pub const NONE: Cover = Cover(0);

    pub fn code(self) -> i64 {
        i64::from(self.0)
    }

    pub fn from_code(code: i64) -> Option<Cover> {
        u32::try_from(code).ok().map(Cover)
    }

    /// Whether credit of the scopes in `self`, which is one or none, pays for what has `cover`.
    pub const fn pays_for(self, cover: Cover) -> bool {
        self.0 & cover.0 == self.0
    }

    fn slot(slot: usize) -> Cover {
        Cover(1 << slot)
    }

    /// The cover in a wallet that has forgotten the scope at `slot`.
    fn without(self, slot: usize) -> Cover {
        let below = (1 << slot) - 1;
        Cover((self.0 & below) | ((self.0 >> 1) & !below))
    }
}

/// The different scopes that grants of a wallet have, of those to come too, in the order in which
/// they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Arc<Scope>>);

impl Scopes {
    /// Takes scopes as they were stored; nothing when there are too many.
    pub fn from_stored(scopes: Vec<Arc<Scope>>) -> Option<Scopes> {
        (scopes.len() <= SCOPES_RESTORED_MAX).then_some(Scopes(scopes))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Scope>> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, scope: &Scope) -> bool {
        self.0.iter().any(|known| **known == *scope)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What covers `purpose`; without one, only credit that pays for everything does.
    pub fn cover(&self, purpose: Option<Purpose>) -> Cover {
        let Some(purpose) = purpose else { return Cover::NONE };
        let covering = self.0.iter().enumerate().filter(|(_, scope)| scope.covers(purpose));
        Cover(covering.fold(0, |bits, (slot, _)| bits | Cover::slot(slot).0))
    }

    /// The cover of credit that has `scope`.
    ///
    /// # Panics
    /// When the wallet does not know the scope.
    pub fn of(&self, scope: Option<&Arc<Scope>>) -> Cover {
        let Some(scope) = scope else { return Cover::NONE };
        let slot = self.0.iter().position(|known| known == scope);
        Cover::slot(slot.expect("a grant whose scope its wallet does not know"))
    }

    /// Adds a scope behind the others, if there is room. What covers what runs is then to be said
    /// anew.
    pub(crate) fn push(&mut self, scope: Arc<Scope>) -> bool {
        let has_room = self.0.len() < SCOPES_RESTORED_MAX;
        if has_room {
            self.0.push(scope);
        }
        has_room
    }

    /// Forgets the scopes that `is_used` does not name, and says what each cover becomes.
    pub(crate) fn retain<F: Fn(&Scope) -> bool>(
        &mut self,
        is_used: F,
    ) -> impl Fn(Cover) -> Cover + use<F> {
        let unused = self.0.iter().enumerate().filter(|(_, scope)| !is_used(scope));
        let slots: Vec<usize> = unused.map(|(slot, _)| slot).rev().collect();
        slots.iter().for_each(|&slot| drop(self.0.remove(slot)));
        move |cover| slots.iter().fold(cover, |cover, &slot| cover.without(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(sku: i64, class: ResourceClass) -> Purpose {
        Purpose { sku, class }
    }

    fn scope(skus: &[i64], classes: &[ResourceClass]) -> Arc<Scope> {
        Arc::new(Scope::new(skus.to_vec(), classes.to_vec()).unwrap())
    }

    #[test]
    fn a_scope_covers_what_it_names_and_is_read_back() {
        let both = scope(&[15, 12, 15], &[ResourceClass::Storage]);
        assert_eq!(both.to_text(), "c2.12.15");
        assert_eq!(Scope::from_text("c2.12.15").as_ref(), Some(&*both));
        assert!(both.covers(purpose(12, ResourceClass::Compute)));
        assert!(both.covers(purpose(1, ResourceClass::Storage)));
        assert!(!both.covers(purpose(1, ResourceClass::Compute)));
        for text in ["", "c9", "c1.", "x", "1..2"] {
            assert_eq!(Scope::from_text(text), None, "{text}");
        }
        assert_eq!(Scope::new((0..40).collect(), Vec::new()), None);
    }

    #[test]
    fn single_skus_are_narrower_than_classes() {
        let compute = [ResourceClass::Compute];
        let widths = [
            scope(&[1], &[]),
            scope(&[1, 2], &[]),
            scope(&[], &compute),
            scope(&[1], &compute),
            scope(&[], &[ResourceClass::Compute, ResourceClass::Storage]),
        ];
        assert!(widths.windows(2).all(|pair| pair[0].width() < pair[1].width()));
    }

    #[test]
    fn covers_tell_what_competes_for_the_same_grants() {
        let (gpu, compute) = (scope(&[1], &[]), scope(&[], &[ResourceClass::Compute]));
        let mut scopes = Scopes::default();
        scopes.push(gpu.clone());
        scopes.push(compute.clone());
        let cover = |scopes: &Scopes, sku, class| scopes.cover(Some(purpose(sku, class)));
        let both = cover(&scopes, 1, ResourceClass::Compute);
        let one = cover(&scopes, 2, ResourceClass::Compute);
        assert_eq!((both.code(), one.code()), (3, 2));
        assert_eq!(cover(&scopes, 3, ResourceClass::Storage), Cover::NONE);
        assert_eq!(scopes.cover(None), Cover::NONE);
        assert!(scopes.of(Some(&gpu)).pays_for(both) && !scopes.of(Some(&gpu)).pays_for(one));
        assert!(scopes.of(None).pays_for(one) && scopes.of(None).pays_for(Cover::NONE));
        let moved = scopes.retain(|scope| *scope == *compute);
        assert_eq!((moved(both).code(), moved(one).code()), (1, 1));
        assert_eq!(scopes.len(), 1);
    }
}
