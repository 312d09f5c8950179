//! Counters of requests, in the text that Prometheus reads.
//!
//! *Invariant:* nothing here names an organization or a caller; a counter only goes up.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

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

    /// Everything so far, with gauges of the moment.
    pub fn text(&self, gauges: &[(&str, &str, i64)]) -> String {
        let mut text = String::from(
            "# HELP drawdown_http_requests_total Requests answered.\n\
             # TYPE drawdown_http_requests_total counter\n",
        );
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
            let count = counter.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}");
        }
        for (name, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::ROUTES;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let metrics = Metrics::new(ROUTES);
        metrics.count(0, 200);
        metrics.count(0, 200);
        metrics.count(0, 418);
        metrics.count(usize::MAX, 200);
        let text = metrics.text(&[("drawdown_ready", "Whether it is ready.", 1)]);
        let operation = ROUTES[0].operation;
        assert!(
            text.contains(&format!("operation=\"{operation}\",status=\"200\"}} 2\n")),
            "{text}"
        );
        assert!(text.contains(&format!("operation=\"{operation}\",status=\"other\"}} 1\n")));
        assert!(text.ends_with("drawdown_ready 1\n"));
    }
}
