//! Resources, their runs, and use.

use domain::OrgId;
use domain::run::Rest;

use super::{Lines, Named, Player, broken, line};
use crate::scenario::layer::{Command, Done, Failure, RunRow, Usage};
use crate::scenario::parse::{Says, Served, Start, Use};
use crate::scenario::when::When;

impl Player<'_> {
    pub(super) fn start(&mut self, start: &Start) -> Lines {
        let Start { resource: name, wallet, sku, labels, at, .. } = start;
        let (org, started_at) = (self.org(wallet), self.instant(*at)?);
        let (waits, heartbeat_seconds) = (start.waits, start.heartbeat_seconds);
        let resource = match self.rows.get(name) {
            Some(named) => named.number,
            None => {
                let (label, sku, labels) = (name.clone(), sku.clone(), labels.clone());
                let resource = self.row(Command::CreateResource { org, label, sku, labels })?;
                self.remember(name, org, resource);
                resource
            }
        };
        let run =
            self.run(Command::StartRun { org, resource, started_at, waits, heartbeat_seconds })?;
        self.remember_run(name, org, &run);
        line(if waits { "admitted" } else { "started" })
    }

    pub(super) fn remember_run(&mut self, name: &str, org: OrgId, run: &RunRow) {
        self.runs.insert((org, run.resource), run.number);
        self.names.give(org, run.number, name);
    }

    /// The run that a resource has now, or had last.
    pub(super) fn run_of(&mut self, name: &str) -> Result<(OrgId, i64), Failure> {
        let Named { org, number } = self.named(name);
        // The engine opens runs too: where a size changes with the next block.
        let runs = if number == 0 { Vec::new() } else { self.layer.runs(org)? };
        for run in runs.iter().filter(|run| run.resource == number) {
            self.remember_run(name, org, run);
        }
        Ok((org, self.runs.get(&(org, number)).copied().unwrap_or(0)))
    }

    pub(super) fn stop(&mut self, name: &str, at: Option<When>, rest: Option<Rest>) -> Lines {
        let ((org, run), stopped_at) = (self.run_of(name)?, self.instant(at)?);
        let run = self.run(Command::StopRun { org, run, stopped_at, rest })?;
        line(format!("{}, cost {}", rest.unwrap_or(Rest::Stopped).name(), run.cost))
    }

    /// What happens to a resource between its start and its stop.
    pub(super) fn go_on(&mut self, says: &Says) -> Lines {
        match says {
            Says::Ready { resource, at } => {
                let ((org, run), at) = (self.run_of(resource)?, self.instant(*at)?);
                self.run(Command::ReportReady { org, run, at })?;
                line("ready")
            }
            Says::Beat { resource, at } => {
                let ((org, run), at) = (self.run_of(resource)?, self.instant(*at)?);
                self.run(Command::ReportBeat { org, run, at })?;
                line("beats")
            }
            Says::Resize { resource, sku } => {
                let ((org, before), sku) = (self.run_of(resource)?, sku.clone());
                let run = self.run(Command::ResizeRun { org, run: before, sku })?;
                self.remember_run(resource, org, &run);
                line(if run.number == before { "with the next block" } else { "now" })
            }
            Says::Resume { resource } => {
                let Named { org, number } = self.named(resource);
                let run = self.run(Command::ResumeResource { org, resource: number })?;
                self.remember_run(resource, org, &run);
                line("resumed")
            }
            Says::Redeploy { resource, again } => {
                let Named { org, number } = self.named(resource);
                let made = self.row(Command::RedeployResource { org, resource: number })?;
                self.remember(again, org, made);
                line("made again")
            }
            _ => broken("this is not about a run"),
        }
    }

    pub(super) fn run(&mut self, command: Command) -> Result<RunRow, Failure> {
        match self.layer.run(&command)? {
            Done::Run(run) => Ok(run),
            other => broken(format!("expected a run, got {other:?}")),
        }
    }

    pub(super) fn usage(&mut self, usage: &Use) -> Lines {
        self.events += 1;
        let id = usage.id.clone().unwrap_or_else(|| format!("use-{}", self.events));
        let said = Usage {
            id,
            sku: usage.sku.clone(),
            occurred_at: self.instant(usage.at)?,
            quantities: usage.quantities.clone(),
            labels: usage.labels.clone(),
        };
        let org = self.org(&usage.wallet);
        self.charge(&Command::RecordUsage { org, usage: said })
    }

    pub(super) fn request(&mut self, served: &Served) -> Lines {
        self.events += 1;
        let id = served.id.clone().unwrap_or_else(|| format!("request-{}", self.events));
        let Named { org, number } = self.named(&served.resource);
        let command = Command::RecordRequest {
            org,
            id,
            resource: number,
            occurred_at: self.instant(served.at)?,
            busy_milliseconds: served.busy_milliseconds,
        };
        match self.layer.run(&command)? {
            Done::Charge { is_duplicate: true, .. } => line("recorded before"),
            Done::Charge { amount, .. } if amount.is_zero() => line("recorded"),
            other => broken(format!("expected a request, got {other:?}")),
        }
    }

    pub(super) fn charge(&mut self, command: &Command) -> Lines {
        let Done::Charge { amount, absorbed, debt, limit, is_duplicate } =
            self.layer.run(command)?
        else {
            return broken("usage made no charge");
        };
        let mut text = format!("charged {amount}");
        if !absorbed.is_zero() {
            text.push_str(&format!(", absorbed {absorbed}"));
        }
        if !debt.is_zero() {
            text.push_str(&format!(", debt {debt}"));
        }
        let org = match command {
            Command::RecordUsage { org, .. } | Command::ReverseUsage { org, .. } => Some(*org),
            _ => None,
        };
        if let Some((org, limit)) = org.zip(limit) {
            text.push_str(&format!(", beyond {}", self.names.of(org, limit)));
        }
        if is_duplicate {
            text.push_str(", recorded before");
        }
        line(text)
    }
}
