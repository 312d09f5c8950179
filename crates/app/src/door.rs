//! The door: the only way to write.
//!
//! A command is routed to the lane of its organization, decided there among what queued up with it,
//! made durable, and answered. What the client hears is what was stored under its key.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{OrgId, Refusal, Timestamp};
use store::keys::KeyHasher;
use store::{Store, StoreError};

use crate::gauges::LaneGauges;
use crate::lanes::{LaneOptions, LaneSet};
use crate::operation::{Answer, Operation};
use crate::ports::Ports;

/// Renders what was decided into the status and body that are stored and sent.
pub type Render = fn(&Result<Answer, Refusal>) -> (u16, String);

/// A client's key for a command: the same key with the same body is the same command
/// (rulings R20).
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// Route and key, as one text.
    pub key: String,
    /// Hash of the body.
    pub fingerprint: i64,
    pub render: Render,
}

/// One command for a lane.
pub struct Command {
    pub operation: Box<dyn Operation>,
    pub key: Option<IdempotencyKey>,
}

impl Command {
    pub fn new(operation: impl Operation + 'static) -> Command {
        Command { operation: Box::new(operation), key: None }
    }

    pub fn with_key(self, key: Option<IdempotencyKey>) -> Command {
        Command { key, ..self }
    }
}

/// What came of a command that was decided.
#[allow(clippy::large_enum_variant, reason = "a box would cost every charge an allocation")]
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Decided now.
    Decided(Result<Answer, Refusal>),
    /// Decided before under the same key.
    Replayed { status: u16, body: String },
}

/// Why a command was not decided. None of these is stored: the same command may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppError {
    /// Another process owns the lane; empty when nobody does at the moment.
    NotOwner { address: String },
    /// The key was used before with another body.
    KeyReused,
    /// More is queued than can be taken; try again after a moment.
    Busy,
    /// The store cannot be reached or has no room.
    Unavailable { reason: String },
    /// The store did not say whether the command was kept, and it had no key to find out by.
    UnknownOutcome,
    /// A mistake of ours; everything the command did was undone.
    Internal,
}

impl AppError {
    /// The stable code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            AppError::NotOwner { .. } => "not_owner",
            AppError::KeyReused => "idempotency_key_reused",
            AppError::Busy => "busy",
            AppError::Unavailable { .. } => "unavailable",
            AppError::UnknownOutcome => "unknown_outcome",
            AppError::Internal => "internal",
        }
    }

    /// Whether sending the same command again can help.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, AppError::KeyReused | AppError::Internal)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AppError::NotOwner { .. } => "another process answers for this organization",
            AppError::KeyReused => "this idempotency key was used before with another body",
            AppError::Busy => "too much is waiting; nothing was done, try again in a moment",
            AppError::Unavailable { .. } => "the store cannot be written; nothing was done",
            AppError::UnknownOutcome => {
                "the store did not say whether this was kept; read back before trying again"
            }
            AppError::Internal => "this went wrong on our side; nothing was done",
        })
    }
}

impl std::error::Error for AppError {}

/// The product, without its doors to the outside.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub ports: Arc<Ports>,
    pub hasher: KeyHasher,
    pub(crate) lanes: Arc<LaneSet>,
}

impl App {
    /// Opens the product over a migrated store. Blocks; lanes and their keeper run on threads of
    /// their own until [`App::close`].
    ///
    /// # Panics
    /// Outside a Tokio runtime, whose reactor reads of the index need.
    pub fn open(store: Store, ports: Arc<Ports>, options: LaneOptions) -> Result<App, StoreError> {
        let mut fresh = [0_u8; 16];
        fresh[..8].copy_from_slice(&ports.random.next().to_le_bytes());
        fresh[8..].copy_from_slice(&ports.random.next().to_le_bytes());
        let (lanes, hasher) = LaneSet::open(&store, &ports, options, fresh)?;
        Ok(App { store, ports, hasher, lanes })
    }

    /// Finishes what is queued and lets go of the lanes. Blocks.
    pub fn close(&self) {
        self.lanes.close();
    }

    /// True when every lane has an owner that this process knows.
    pub fn is_ready(&self) -> bool {
        self.lanes.is_ready()
    }

    /// Runs one command.
    pub async fn run(&self, command: Command) -> Result<Outcome, AppError> {
        let org = command.operation.org();
        let mut outcomes = self.run_all(org, vec![command]).await?;
        outcomes.pop().unwrap_or(Err(AppError::Internal))
    }

    /// Runs commands of one lane in order, within one batch where they fit. `org` is any
    /// organization of that lane.
    pub async fn run_all(
        &self,
        org: OrgId,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Outcome, AppError>>, AppError> {
        self.lanes.send(org, commands).await
    }

    /// Which lane decides about an organization.
    pub fn lane_of(&self, org: OrgId) -> usize {
        self.lanes.lane_of(org)
    }

    pub fn lane_count(&self) -> i64 {
        i64::try_from(self.lanes.seats.len()).unwrap_or(1)
    }

    /// What each lane of this process has done, and how many commands wait in it.
    pub fn lane_gauges(&self) -> impl Iterator<Item = (&LaneGauges, usize)> {
        let seats = self.lanes.seats.iter();
        seats.map(|seat| (&seat.gauges, seat.queued.load(Ordering::Relaxed)))
    }

    /// The lanes that this process owns.
    pub fn own_lanes(&self) -> Vec<i64> {
        let lanes = self.lanes.seats.iter().enumerate().filter(|(_, seat)| seat.is_running());
        lanes.filter_map(|(lane, _)| i64::try_from(lane).ok()).collect()
    }

    /// The address of the process that owns the lane of `org`, if it is not this one.
    pub fn foreign_owner(&self, org: OrgId) -> Option<String> {
        self.lanes.foreign_owner(org)
    }

    /// The wall clock. Platforms with a test clock have their own time.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Draws the id of a new organization.
    pub fn draw_org(&self) -> OrgId {
        let random = self.ports.random.next();
        OrgId::new(i64::try_from(random % 1024).unwrap_or(0), self.ports.random.next())
    }
}
