//! A lane: one owner that decides for a set of buckets, a batch at a time (rulings A1, A10).
//!
//! Laws: everything of a batch is durable before any of it is answered; a batch that was not kept
//! changed nothing; a lane that finds it is not the owner any more forgets everything it knew.
//!
//! There is no timer: a batch is what queued up while the last one was committed. This type knows
//! no threads and can be stepped, which is how the simulator drives it.

pub(crate) mod forget;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use domain::deposit::DepositState;
use domain::refund::RefundState;
use domain::wake::{is_watched, next_wake_on};
use domain::workset::IdMap;
use domain::{OrgId, Refusal, Timestamp, Workset};
use store::key_runs::KeyBodies;
use store::keys::index::{KeyIndex, KeyLimits, Retired};
use store::keys::merge::{Finished, MergeTask};
use store::keys::{KeyHash, KeyHasher};
use store::{Batch, NewAnswer, Saved, StoreError, StoredAnswer, Writer};

use crate::batch;
use crate::door::{AppError, Command, IdempotencyKey, Outcome};
use crate::operation::Answer;
use crate::operations::wake_wallet::WakeWallet;
use crate::ports::Ports;

/// Commands in one batch at most.
pub const BATCH_COMMANDS_MAX: usize = 8_192;
/// A batch that others are in the way of is run again so often.
const ATTEMPTS_MAX: usize = 6;
/// Wakes that are due within this long are kept in memory (rulings A9).
const WAKES_AHEAD_SECONDS: i64 = 600;
const WAKES_LOADED_MAX: i64 = 100_000;
/// Answers are kept so long (rulings R20).
const ANSWER_KEPT_SECONDS: i64 = 35 * 86_400;
const REFUSAL_KEPT_SECONDS: i64 = 86_400;
/// Journal rows read at once when the unsealed tail of keys is rebuilt.
const TAIL_ROWS: i64 = 50_000;

/// Who a lane is, and what it may use.
#[derive(Clone, Debug)]
pub struct LaneIdentity {
    pub lane: i64,
    pub lane_count: i64,
    pub owner: String,
    pub address: String,
    pub epoch: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Wallets kept in memory; the rest is loaded when it is needed.
    pub wallets_max: usize,
    pub keys: KeyLimits,
}

impl Default for LaneLimits {
    fn default() -> LaneLimits {
        LaneLimits { wallets_max: 200_000, keys: KeyLimits::default() }
    }
}

pub struct Lane {
    identity: LaneIdentity,
    limits: LaneLimits,
    writer: Writer,
    ports: Arc<Ports>,
    hasher: KeyHasher,
    ws: Workset,
    index: KeyIndex,
    books: BTreeMap<OrgId, i64>,
    /// Last journal position that is committed.
    position: i64,
    /// Due moments of live wallets, until `wakes_until`.
    wakes: BTreeSet<(Timestamp, OrgId)>,
    wakes_until: Timestamp,
    /// The due moment each cached wallet has in the store.
    stored_wakes: IdMap<Timestamp>,
    /// True once a batch found another owner.
    is_lost: bool,
}

/// Why a batch was not kept.
enum Failure {
    NotOwner,
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl Lane {
    /// Opens a lane that `identity` has just taken: reads where the journal stands and which keys
    /// are not in sealed runs yet.
    pub fn open(
        mut writer: Writer,
        identity: LaneIdentity,
        limits: LaneLimits,
        ports: Arc<Ports>,
        hasher: &KeyHasher,
    ) -> Result<Lane, StoreError> {
        let rows = store::key_runs::rows(&mut writer, identity.lane)?;
        let mut index = KeyIndex::open(limits.keys, &rows);
        index.load(&mut KeyBodies::new(&mut writer, identity.lane)).map_err(batch::read_error)?;
        let mut lane = Lane {
            identity,
            limits,
            writer,
            ports,
            hasher: hasher.clone(),
            ws: Workset::default(),
            index,
            books: BTreeMap::new(),
            position: 0,
            wakes: BTreeSet::new(),
            wakes_until: Timestamp::ZERO,
            stored_wakes: IdMap::default(),
            is_lost: false,
        };
        lane.reload(hasher)?;
        Ok(lane)
    }

    fn reload(&mut self, hasher: &KeyHasher) -> Result<(), StoreError> {
        let rows = store::lanes::all(&mut self.writer)?;
        let own = rows.iter().find(|row| row.lane == self.identity.lane);
        self.position = own.map_or(0, |row| row.position);
        let sealed = self.index.watermark().unwrap_or(0);
        self.read_tail(sealed, hasher)
    }

    /// Reads the keys of usage events above a position back into the exact set.
    fn read_tail(&mut self, mut above: i64, hasher: &KeyHasher) -> Result<(), StoreError> {
        loop {
            let (lane, count) = (self.identity.lane, self.identity.lane_count);
            let rows = store::journal::tail(&mut self.writer, lane, count, above, TAIL_ROWS)?;
            let Some(&(last, ..)) = rows.last() else { return Ok(()) };
            above = last;
            for (position, org, source, id) in &rows {
                self.index.insert(hasher.hash(org.get(), source, id), *position);
            }
        }
    }

    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub fn identity(&self) -> &LaneIdentity {
        &self.identity
    }

    /// The last position that is committed.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The next work that the key index has for a thread beside: a seal, or a merge of runs.
    pub fn next_merge(&mut self, forget_below: i64) -> Option<MergeTask> {
        if self.index.seal_due() {
            return self.index.begin_seal(self.position);
        }
        self.index.next_merge(forget_below)
    }

    /// Takes a finished run into use, with its filters as far as memory allows.
    pub fn install(&mut self, finished: Finished) -> Retired {
        let retired = self.index.install(finished);
        let mut bodies = KeyBodies::new(&mut self.writer, self.identity.lane);
        if let Err(error) = self.index.load(&mut bodies) {
            tracing::warn!(%error, "filters are read from disk until they can be loaded");
        }
        retired
    }

    /// Decides `commands` in order and makes them durable. One outcome for each, in order.
    pub fn step(&mut self, commands: &[Command]) -> Vec<Result<Outcome, AppError>> {
        let usage = commands.iter().filter(|command| command.operation.event().is_some()).count();
        if !self.index.has_room(u64::try_from(usage).unwrap_or(u64::MAX)) {
            return all(commands, &AppError::Busy);
        }
        let mut kept_unknown = false;
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(commands, kept_unknown) {
                Ok(outcomes) => return outcomes,
                Err(Failure::NotOwner) => {
                    self.is_lost = true;
                    return all(commands, &AppError::NotOwner { address: String::new() });
                }
                Err(Failure::Store(StoreError::UnknownOutcome(reason))) => {
                    tracing::warn!(reason, "a commit is unknown; the lane takes a new epoch");
                    kept_unknown = true;
                    if let Err(error) = self.find_out() {
                        tracing::error!(%error, "the lane cannot find out; it gives itself up");
                        self.is_lost = true;
                        return all(commands, &AppError::UnknownOutcome);
                    }
                }
                Err(Failure::Store(error)) => {
                    self.forget();
                    if !error.retryable() {
                        tracing::error!(%error, "a batch was not kept");
                        let reason = error.to_string();
                        return all(commands, &AppError::Unavailable { reason });
                    }
                    tracing::warn!(%error, "a batch is run again");
                }
            }
        }
        all(commands, &AppError::Unavailable { reason: "others were in the way".into() })
    }

    /// Undoes the open transaction and drops every cache.
    fn forget(&mut self) {
        let _ = self.writer.rollback();
        let _ = self.ws.take_changes();
        self.ws.drop_caches();
        self.books.clear();
        self.stored_wakes.clear();
    }

    /// After an unknown commit: a new epoch, so that the old one can write no more, and the tail of
    /// the journal read again, so that keys decide (rulings A1).
    fn find_out(&mut self) -> Result<(), StoreError> {
        self.forget();
        let me = self.identity.clone();
        let now = self.ports.clock.now();
        self.writer.begin()?;
        let taken =
            store::lanes::take(&mut self.writer, me.lane, me.epoch, &me.owner, &me.address, now)?;
        let Some(epoch) = taken else {
            self.writer.rollback()?;
            return Err(StoreError::Unavailable("another process took the lane".into()));
        };
        self.writer.commit()?;
        self.identity.epoch = epoch;
        let before = self.position;
        let rows = store::lanes::all(&mut self.writer)?;
        let own = rows.iter().find(|row| row.lane == me.lane);
        self.position = own.map_or(before, |row| row.position);
        let hasher = self.hasher.clone();
        self.read_tail(before, &hasher)
    }

    fn attempt(
        &mut self,
        commands: &[Command],
        kept_unknown: bool,
    ) -> Result<Vec<Result<Outcome, AppError>>, Failure> {
        let now = self.ports.clock.now();
        self.writer.begin()?;
        self.ws.clear_rows();
        self.ws.set_next_position(self.position + 1);
        self.evict();
        batch::load(&mut self.writer, &mut self.ws, &mut self.books, commands, now)?;
        batch::load_priors(
            &mut self.writer,
            &mut self.ws,
            &mut self.index,
            self.identity.lane,
            commands,
        )?;
        let mut answers = Answers::load(&mut self.writer, commands, now)?;
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            let is_known = command.key.is_some() || command.operation.event().is_some();
            if kept_unknown && !is_known && !is_wake(command) {
                outcomes.push(Err(AppError::UnknownOutcome));
                continue;
            }
            outcomes.push(self.decide(command, &mut answers, now));
        }
        self.review(now)?;
        self.save(answers, now)?;
        Ok(outcomes)
    }

    /// Forgets all wallets when too many are cached: they come back as they are needed.
    fn evict(&mut self) {
        if self.ws.wallet_count() > self.limits.wallets_max {
            self.ws.drop_caches();
            self.books.clear();
            self.stored_wakes.clear();
        }
    }

    fn decide(
        &mut self,
        command: &Command,
        answers: &mut Answers,
        now: Timestamp,
    ) -> Result<Outcome, AppError> {
        let operation = command.operation.as_ref();
        if let Some(key) = &command.key
            && let Some(before) = answers.find(operation.org(), &key.key)
        {
            if before.fingerprint != key.fingerprint {
                return Err(AppError::KeyReused);
            }
            return Ok(Outcome::Replayed { status: before.status, body: before.body.clone() });
        }
        let now = self.now_of(operation.org(), now);
        let ws = &mut self.ws;
        let Ok(decided) = catch_unwind(AssertUnwindSafe(|| operation.decide(ws, now))) else {
            tracing::error!(operation = operation.name(), "a decision panicked; it is undone");
            self.ws.undo_command();
            return Err(AppError::Internal);
        };
        match decided {
            Ok(_) => self.ws.keep_command(),
            Err(_) => self.ws.undo_command(),
        }
        if let Some(key) = &command.key {
            answers.keep(operation.org(), key, &decided, self.ports.clock.now());
        }
        Ok(Outcome::Decided(decided))
    }

    /// The clock of the platform that `org` lives on.
    fn now_of(&self, org: OrgId, now: Timestamp) -> Timestamp {
        let Ok(wallet) = self.ws.wallet(org) else { return now };
        self.ws.platform(wallet.platform).ok().and_then(|it| it.clock).unwrap_or(now)
    }

    /// Steps 5–8 of R5 for every live wallet that the batch changed. On a test clock they wait for
    /// the clock to be moved, so that the commands of one instant come first.
    fn review(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut changed: Vec<OrgId> = self.ws.changed_wallets().to_vec();
        changed.sort_unstable();
        changed.dedup();
        let mut watched = Vec::new();
        for org in changed {
            let (Ok(wallet), Ok(profile)) = (self.ws.wallet(org), self.ws.profile_of(org)) else {
                continue;
            };
            let platform = self.ws.platform(wallet.platform).ok();
            let is_test = platform.is_some_and(|platform| platform.clock.is_some());
            if !wallet.review_due || is_test {
                continue;
            }
            if is_watched(wallet, &profile) {
                watched.push((org, now));
            } else {
                self.ws.skip_review(org);
            }
        }
        if watched.is_empty() {
            return Ok(());
        }
        batch::load_for_wakes(&mut self.writer, &mut self.ws, &watched, now)?;
        for (org, _) in watched {
            let wake = Command::new(WakeWallet { org, until: None });
            let mut answers = Answers::default();
            let _ = self.decide(&wake, &mut answers, now);
        }
        Ok(())
    }

    fn save(&mut self, answers: Answers, now: Timestamp) -> Result<(), Failure> {
        let changes = self.ws.take_changes();
        let wakes = self.due_moments(&changes.wallets, now);
        let deposits =
            changes.deposits.iter().filter(|(.., deposit)| deposit.state != DepositState::Pending);
        let refunds =
            changes.refunds.iter().filter(|(.., refund)| refund.state != RefundState::Pending);
        let deposits = deposits.map(|(org, number, _)| (*org, *number));
        let outbox_done = deposits.chain(refunds.map(|(org, number, _)| (*org, *number))).collect();
        let batch = Batch { changes, answers: answers.new, wakes, outbox_done };
        if is_empty(&batch) {
            self.writer.rollback()?;
            return Ok(());
        }
        let me = &self.identity;
        match store::save(&mut self.writer, &batch, me.lane, &me.owner, me.epoch)? {
            Saved::Kept => self.writer.commit()?,
            Saved::NotOwner => {
                self.forget();
                return Err(Failure::NotOwner);
            }
        }
        self.position = self.ws.next_position() - 1;
        for &(hash, position) in &batch.changes.usage {
            self.index.insert(KeyHash::from_bits(hash), position);
        }
        for &(org, test_platform, due) in &batch.wakes {
            self.stored_wakes.insert(org, due);
            if test_platform.is_none() && due <= self.wakes_until {
                self.wakes.insert((due, org));
            }
        }
        Ok(())
    }

    /// Due moments that the store has to learn: new ones, earlier ones, and those that have passed.
    fn due_moments(
        &self,
        wallets: &[domain::wallet::Wallet],
        now: Timestamp,
    ) -> Vec<(OrgId, Option<OrgId>, Timestamp)> {
        let mut moments = Vec::new();
        for wallet in wallets {
            let Ok(platform) = self.ws.platform(wallet.platform) else { continue };
            let due = next_wake_on(platform, wallet);
            let present = platform.clock.unwrap_or(now).max(wallet.now);
            let is_stored = self
                .stored_wakes
                .get(&wallet.org)
                .is_some_and(|&stored| stored <= due && (stored > present || stored == due));
            if !is_stored {
                moments.push((wallet.org, platform.clock.map(|_| wallet.platform), due));
            }
        }
        moments
    }

    /// The next moment at which this lane has to wake a wallet by itself.
    pub fn next_due(&self) -> Timestamp {
        self.wakes.first().map_or(self.wakes_until, |&(due, _)| due.min(self.wakes_until))
    }

    /// How long this lane may wait for commands: until its next wake, and no longer than `limit`.
    pub fn wait_at_most(&self, limit: Duration) -> Duration {
        let micros = self.next_due().micros().saturating_sub(self.ports.clock.now().micros());
        limit.min(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }

    /// How many live wallets wait to be woken, 8,192 at most.
    pub(crate) fn wakes_due(&self) -> usize {
        let now = self.ports.clock.now();
        let due = self.wakes.iter().take_while(|&&(at, _)| at <= now);
        due.take(BATCH_COMMANDS_MAX).count()
    }

    pub(crate) fn monotonic_micros(&self) -> i64 {
        self.ports.clock.monotonic_micros()
    }

    /// Wakes every live wallet whose moment has come.
    pub fn wake_due(&mut self) {
        let now = self.ports.clock.now();
        if now >= self.wakes_until
            && let Err(error) = self.load_wakes(now)
        {
            tracing::warn!(%error, "due moments cannot be read; trying again");
            self.wakes_until = now.plus_seconds(1);
            return;
        }
        let mut due = Vec::new();
        while let Some(&(at, org)) = self.wakes.first() {
            if at > now || due.len() == BATCH_COMMANDS_MAX {
                break;
            }
            self.wakes.pop_first();
            due.push(org);
        }
        if due.is_empty() {
            return;
        }
        due.sort_unstable();
        due.dedup();
        let commands: Vec<Command> =
            due.iter().map(|&org| Command::new(WakeWallet { org, until: None })).collect();
        for (org, outcome) in due.into_iter().zip(self.step(&commands)) {
            match outcome {
                // A wake that was stored too early changes nothing, so that nothing is saved that
                // would say when to come back.
                Ok(Outcome::Decided(Ok(Answer::Woken(due)))) if due <= self.wakes_until => {
                    self.wakes.insert((due.max(now.plus_seconds(1)), org));
                }
                // Its moment is stored as before, and comes back with the others.
                Ok(Outcome::Decided(Err(refusal))) => {
                    tracing::error!(%refusal, org = org.get(), "a wake was refused");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a wake has to be tried again");
                    self.wakes.insert((now.plus_seconds(1), org));
                }
            }
        }
    }

    fn load_wakes(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let until = now.plus_seconds(WAKES_AHEAD_SECONDS);
        let (lane, count) = (self.identity.lane, self.identity.lane_count);
        let rows = store::wakes::due_live(&mut self.writer, lane, count, until, WAKES_LOADED_MAX)?;
        let is_whole = i64::try_from(rows.len()).unwrap_or(i64::MAX) < WAKES_LOADED_MAX;
        let last = rows.last().map_or(until, |&(_, due)| due);
        self.wakes = rows.into_iter().map(|(org, due)| (due, org)).collect();
        self.wakes_until = if is_whole { until } else { last.max(now.plus_seconds(1)) };
        Ok(())
    }
}

/// A batch of refusals without keys, or of repetitions, has nothing to write.
fn is_empty(batch: &Batch) -> bool {
    let Batch { changes, answers, wakes, outbox_done } = batch;
    changes.is_empty() && answers.is_empty() && wakes.is_empty() && outbox_done.is_empty()
}

fn is_wake(command: &Command) -> bool {
    command.operation.name() == "wake_wallet"
}

fn all(commands: &[Command], error: &AppError) -> Vec<Result<Outcome, AppError>> {
    commands.iter().map(|_| Err(error.clone())).collect()
}

/// Answers stored under idempotency keys: those of earlier batches, and those of this one.
#[derive(Default)]
struct Answers {
    before: BTreeMap<(OrgId, String), StoredAnswer>,
    new: Vec<NewAnswer>,
}

impl Answers {
    fn load(
        writer: &mut Writer,
        commands: &[Command],
        now: Timestamp,
    ) -> Result<Answers, StoreError> {
        let keyed = commands.iter().filter_map(|command| {
            command.key.as_ref().map(|key| (command.operation.org(), key.key.clone()))
        });
        let keyed: Vec<(OrgId, String)> = keyed.collect();
        let mut answers = Answers::default();
        if !keyed.is_empty() {
            for (org, key, answer) in store::answers::load(writer, &keyed)? {
                if answer.expires_at > now {
                    answers.before.insert((org, key), answer);
                }
            }
        }
        Ok(answers)
    }

    fn find(&self, org: OrgId, key: &str) -> Option<&StoredAnswer> {
        self.before.get(&(org, key.to_owned()))
    }

    /// Keeps an outcome that was decided here; what authorization or a missing row refused is not
    /// an outcome of the command (rulings R20).
    fn keep(
        &mut self,
        org: OrgId,
        key: &IdempotencyKey,
        decided: &Result<Answer, Refusal>,
        now: Timestamp,
    ) {
        if decided.as_ref().is_err_and(|refusal| !refusal.is_outcome()) {
            return;
        }
        let (status, body) = (key.render)(decided);
        let kept = if decided.is_ok() { ANSWER_KEPT_SECONDS } else { REFUSAL_KEPT_SECONDS };
        self.new.push(NewAnswer {
            org,
            key: key.key.clone(),
            fingerprint: key.fingerprint,
            status,
            body: body.clone(),
            at: now,
            expires_at: now.plus_seconds(kept),
        });
        let expires_at = now.plus_seconds(kept);
        let answer = StoredAnswer { fingerprint: key.fingerprint, status, body, expires_at };
        self.before.insert((org, key.key.clone()), answer);
    }
}
