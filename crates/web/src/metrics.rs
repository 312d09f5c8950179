//! Counters of requests, in the text that Prometheus reads.
//!
//! *Invariant:* nothing here names an organization or a caller; a counter only goes up.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use app::App;
use app::gauges::Histogram;
use store::read::backlog::Backlog;

use crate::route::Route;

/// Statuses that are counted apart; any other is counted as `other`.
const STATUSES: [u16; 16] =
    [200, 201, 202, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 500, 503];
const PLACES: usize = STATUSES.len() + 1;

/// Requests by route and status.
pub struct Metrics {
    routes: &'static [Route],
    requests: Vec<[AtomicU64; PLACES]>,
    replayed: AtomicU64,
    forwarded: AtomicU64,
}

impl Metrics {
    pub fn new(routes: &'static [Route]) -> Metrics {
        let counters = || std::array::from_fn(|_| AtomicU64::new(0));
        Metrics {
            routes,
            requests: routes.iter().map(|_| counters()).collect(),
            replayed: AtomicU64::new(0),
            forwarded: AtomicU64::new(0),
        }
    }

    /// Counts an answer of the route with this place in the table.
    pub fn count(&self, route: usize, status: u16) {
        let place = STATUSES.iter().position(|&known| known == status);
        if let Some(counters) = self.requests.get(route) {
            counters[place.unwrap_or(STATUSES.len())].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn count_replayed(&self) {
        self.replayed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_forwarded(&self) {
        self.forwarded.fetch_add(1, Ordering::Relaxed);
    }

    /// The requests so far.
    pub fn text(&self) -> String {
        let mut text = String::new();
        begin(&mut text, "drawdown_http_requests_total", "counter", "Requests answered.");
        for (route, counters) in self.routes.iter().zip(&self.requests) {
            for (place, counter) in counters.iter().enumerate() {
                let count = counter.load(Ordering::Relaxed);
                if count == 0 {
                    continue;
                }
                let status = STATUSES.get(place).map_or("other".to_owned(), u16::to_string);
                let operation = route.operation;
                let _ = writeln!(
                    text,
                    "drawdown_http_requests_total{{operation=\"{operation}\",status=\"{status}\"}} \
                     {count}"
                );
            }
        }
        for (name, help, counter) in [
            ("drawdown_http_replayed_total", "Answers repeated for a key.", &self.replayed),
            ("drawdown_http_forwarded_total", "Requests sent to an owner.", &self.forwarded),
        ] {
            begin(&mut text, name, "counter", help);
            let _ = writeln!(text, "{name} {}", counter.load(Ordering::Relaxed));
        }
        text
    }
}

fn begin(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: i64) {
    begin(text, name, "gauge", help);
    let _ = writeln!(text, "{name} {value}");
}

fn gauge_by_lane(text: &mut String, name: &str, help: &str, values: &[(i64, i64)]) {
    begin(text, name, "gauge", help);
    for (lane, value) in values {
        let _ = writeln!(text, "{name}{{lane=\"{lane}\"}} {value}");
    }
}

/// A histogram of one lane; what was counted is divided by `unit` on the way out.
fn histogram<const BOUNDS: usize>(
    text: &mut String,
    name: &str,
    lane: usize,
    of: &Histogram<BOUNDS>,
    unit: u64,
) {
    let (below, count, sum) = of.read();
    let shown = |value: u64| match unit {
        1 => value.to_string(),
        _ => format!("{}.{:06}", value / unit, value % unit),
    };
    for (bound, count) in below {
        let bound = shown(bound);
        let _ = writeln!(text, "{name}_bucket{{lane=\"{lane}\",le=\"{bound}\"}} {count}");
    }
    let _ = writeln!(text, "{name}_bucket{{lane=\"{lane}\",le=\"+Inf\"}} {count}");
    let _ = writeln!(text, "{name}_sum{{lane=\"{lane}\"}} {}", shown(sum));
    let _ = writeln!(text, "{name}_count{{lane=\"{lane}\"}} {count}");
}

/// What the lanes of this process did and have to do, and what waits in the store.
pub fn lanes_text(app: &App, backlog: &Backlog) -> String {
    let mut text = String::new();
    let ready = i64::from(app.is_ready());
    gauge(&mut text, "drawdown_lanes_ready", "Whether every lane has an owner.", ready);
    let by_lane = |value: fn((&app::gauges::LaneGauges, usize)) -> i64| -> Vec<(i64, i64)> {
        (0..).zip(app.lane_gauges().map(value)).collect()
    };
    let queued = by_lane(|(_, queued)| i64::try_from(queued).unwrap_or(i64::MAX));
    let help = "Commands that wait in a lane or are being decided.";
    gauge_by_lane(&mut text, "drawdown_lane_queue_commands", help, &queued);
    let due = by_lane(|(gauges, _)| gauges.wakes_due());
    let help = "Wallets whose moment had come when the lane last looked, 8192 at most.";
    gauge_by_lane(&mut text, "drawdown_lane_wakes_due", help, &due);
    let name = "drawdown_lane_batch_commands";
    begin(&mut text, name, "histogram", "Commands of one batch.");
    for (lane, (gauges, _)) in app.lane_gauges().enumerate() {
        histogram(&mut text, name, lane, &gauges.batch_sizes, 1);
    }
    let name = "drawdown_lane_batch_seconds";
    begin(&mut text, name, "histogram", "From taking a batch until it is durable.");
    for (lane, (gauges, _)) in app.lane_gauges().enumerate() {
        histogram(&mut text, name, lane, &gauges.batch_micros, 1_000_000);
    }
    let help = "Effects that wait to be carried out, 10000 at most.";
    gauge(&mut text, "drawdown_outbox_waiting", help, backlog.outbox);
    let help = "Journal positions that are not indexed yet.";
    gauge_by_lane(&mut text, "drawdown_index_lag_positions", help, &backlog.index_lag);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let metrics = Metrics::new(ROUTES);
        metrics.count(0, 200);
        metrics.count(0, 200);
        metrics.count(0, 418);
        metrics.count(usize::MAX, 200);
        let text = metrics.text();
        let operation = ROUTES[0].operation;
        assert!(
            text.contains(&format!("operation=\"{operation}\",status=\"200\"}} 2\n")),
            "{text}"
        );
        assert!(text.contains(&format!("operation=\"{operation}\",status=\"other\"}} 1\n")));
        assert!(text.ends_with("drawdown_http_forwarded_total 0\n"));
    }
}
