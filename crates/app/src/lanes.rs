//! Lanes as threads: who owns which, how commands get there, what happens when an owner dies.
//!
//! Laws: at any time one process owns a lane, and the store refuses the writes of any other
//! (rulings A1); queues are bounded, and what does not fit is pushed back; a client that goes away
//! does not cancel what was accepted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use domain::OrgId;
use store::keys::KeyHasher;
use store::{Store, StoreError, Writer};
use tokio::sync::oneshot;

use crate::door::{AppError, Command, Outcome};
use crate::gauges::LaneGauges;
use crate::keeper::Keeper;
use crate::lane::forget::Forgetting;
use crate::lane::{BATCH_COMMANDS_MAX, Lane, LaneIdentity, LaneLimits};
use crate::ports::Ports;
use crate::sealing::Sealing;

/// Requests that may wait in one lane.
const QUEUE_REQUESTS_MAX: usize = 8_192;
/// Commands that may wait in one lane.
const QUEUE_COMMANDS_MAX: usize = 65_536;
/// A lane looks up from waiting at least this often.
const WAIT_MAX: Duration = Duration::from_millis(200);

/// How lanes are run.
#[derive(Clone, Debug)]
pub struct LaneOptions {
    /// Name of this process; a new one at each start.
    pub owner: String,
    /// Where other processes reach this one; empty when there are none.
    pub address: String,
    /// Lanes on PostgreSQL; SQLite has one.
    pub lane_count: i64,
    pub limits: LaneLimits,
}

struct Job {
    commands: Vec<Command>,
    reply: oneshot::Sender<Vec<Result<Outcome, AppError>>>,
}

/// One lane as this process sees it.
#[derive(Default)]
pub(crate) struct Seat {
    sender: RwLock<Option<SyncSender<Job>>>,
    pub(crate) queued: AtomicUsize,
    pub(crate) gauges: LaneGauges,
    /// Address of the owner, when it is somebody else.
    pub(crate) foreign: RwLock<String>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub struct LaneSet {
    pub(crate) seats: Vec<Seat>,
    pub(crate) is_closing: AtomicBool,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl LaneSet {
    /// Takes what lanes there are to take. `fresh` becomes the secret of a new store.
    pub(crate) fn open(
        store: &Store,
        ports: &Arc<Ports>,
        options: LaneOptions,
        fresh: [u8; 16],
    ) -> Result<(Arc<LaneSet>, KeyHasher), StoreError> {
        let count = if store.is_shared() { options.lane_count } else { 1 };
        let mut writer = store.writer()?;
        let hasher = KeyHasher::new(store::meta::secret(&mut writer, fresh)?);
        store::lanes::prepare(&mut writer, count)?;
        let seats = (0..count).map(|_| Seat::default()).collect();
        let set = Arc::new(LaneSet {
            seats,
            is_closing: AtomicBool::new(false),
            keeper: Mutex::new(None),
        });
        let keeper = Keeper::new(store.clone(), Arc::clone(ports), options, hasher.clone(), count);
        if store.is_shared() {
            let thread = keeper.start(Arc::clone(&set), writer)?;
            *set.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        } else {
            keeper.take_only_lane(&set, writer)?;
        }
        Ok((set, hasher))
    }

    pub(crate) fn lane_of(&self, org: OrgId) -> usize {
        let count = i64::try_from(self.seats.len()).unwrap_or(1);
        usize::try_from(org.bucket() % count).unwrap_or(0)
    }

    pub(crate) fn foreign_owner(&self, org: OrgId) -> Option<String> {
        let seat = &self.seats[self.lane_of(org)];
        if seat.is_running() {
            return None;
        }
        let address = seat.foreign.read().unwrap_or_else(PoisonError::into_inner).clone();
        (!address.is_empty()).then_some(address)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.seats.iter().all(|seat| {
            let foreign = seat.foreign.read().unwrap_or_else(PoisonError::into_inner);
            seat.is_running() || !foreign.is_empty()
        })
    }

    /// Queues `commands` in the lane of `org` and waits for their outcomes.
    pub(crate) async fn send(
        &self,
        org: OrgId,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Outcome, AppError>>, AppError> {
        let seat = &self.seats[self.lane_of(org)];
        let count = commands.len();
        let not_owner = || AppError::NotOwner {
            address: seat.foreign.read().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let sender = seat.sender.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return Err(not_owner()) };
        if seat.queued.fetch_add(count, Ordering::Relaxed) > QUEUE_COMMANDS_MAX {
            seat.queued.fetch_sub(count, Ordering::Relaxed);
            return Err(AppError::Busy);
        }
        let (reply, answer) = oneshot::channel();
        if let Err(error) = sender.try_send(Job { commands, reply }) {
            seat.queued.fetch_sub(count, Ordering::Relaxed);
            return Err(match error {
                TrySendError::Full(_) => AppError::Busy,
                TrySendError::Disconnected(_) => not_owner(),
            });
        }
        answer.await.map_err(|_| AppError::UnknownOutcome)
    }

    /// Starts the thread of a lane that was just taken.
    pub(crate) fn start(
        &self,
        lane: Lane,
        sealing: Option<Sealing>,
        keep: impl FnOnce(Lane) + Send + 'static,
        set: Arc<LaneSet>,
    ) -> Result<(), StoreError> {
        let number = usize::try_from(lane.identity().lane).unwrap_or(0);
        let seat = &self.seats[number];
        let (sender, receiver) = sync_channel(QUEUE_REQUESTS_MAX);
        let thread = Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || {
                let lane = run(lane, sealing, &receiver, &set.seats[number], &set.is_closing);
                *set.seats[number].sender.write().unwrap_or_else(PoisonError::into_inner) = None;
                keep(lane);
            })
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        *seat.sender.write().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        *seat.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Asks a lane to finish what is queued and to let go.
    pub(crate) fn stop(&self, lane: usize) {
        *self.seats[lane].sender.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = keeper {
            let _ = thread.join();
        }
        for (lane, seat) in self.seats.iter().enumerate() {
            self.stop(lane);
            let thread = seat.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl Seat {
    pub(crate) fn is_running(&self) -> bool {
        self.sender.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// The life of a lane: wait, take what queued up, decide it, answer, wake what is due.
fn run(
    mut lane: Lane,
    mut sealing: Option<Sealing>,
    receiver: &Receiver<Job>,
    seat: &Seat,
    is_closing: &AtomicBool,
) -> Lane {
    let mut forgetting = Forgetting::default();
    loop {
        match receiver.recv_timeout(lane.wait_at_most(WAIT_MAX)) {
            Ok(first) => work(&mut lane, first, receiver, seat),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return lane,
        }
        if lane.is_lost() {
            return lane;
        }
        if !is_closing.load(Ordering::Relaxed) {
            seat.gauges.set_wakes_due(lane.wakes_due());
            lane.wake_due();
            lane.forget_expired(&mut forgetting);
        }
        if let Some(sealing) = &mut sealing {
            sealing.tend(&mut lane);
        }
    }
}

/// Decides one batch: `first` and whatever else is queued by now.
fn work(lane: &mut Lane, first: Job, receiver: &Receiver<Job>, seat: &Seat) {
    let mut commands = first.commands;
    let mut replies = vec![(first.reply, commands.len())];
    while commands.len() < BATCH_COMMANDS_MAX {
        let Ok(job) = receiver.try_recv() else { break };
        replies.push((job.reply, job.commands.len()));
        commands.extend(job.commands);
    }
    let began = lane.monotonic_micros();
    let mut outcomes = lane.step(&commands).into_iter();
    seat.gauges.count_batch(commands.len(), lane.monotonic_micros() - began);
    seat.queued.fetch_sub(commands.len(), Ordering::Relaxed);
    for (reply, count) in replies {
        // The client may have gone away; what it asked for was done all the same.
        let _ = reply.send(outcomes.by_ref().take(count).collect());
    }
}

/// A writer for a lane and the lane over it.
pub(crate) fn open_lane(
    writer: Writer,
    identity: LaneIdentity,
    limits: LaneLimits,
    ports: &Arc<Ports>,
    hasher: &KeyHasher,
) -> Result<Lane, StoreError> {
    Lane::open(writer, identity, limits, Arc::clone(ports), hasher)
}
