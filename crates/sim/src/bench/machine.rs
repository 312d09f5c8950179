//! The machine a figure was measured on, and what a process has used of it.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// Prints processor, memory, kernel and commit.
pub fn describe() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or("unknown").trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or("").split_whitespace().nth(1);
    let gib = memory.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    println!(
        "machine: {cores} x {model}, {gib} GiB, Linux {}, load {}",
        kernel.trim(),
        load.split(' ').next().unwrap_or("")
    );
    println!("commit: {}", commit.as_deref().unwrap_or("unknown").trim());
}

/// What has been used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Time on a processor, all threads.
    pub cpu: Duration,
    /// Bytes that this process had written to disk.
    pub written_bytes: u64,
}

impl Used {
    pub fn by_process() -> Used {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = |at: usize| -> u64 {
            rest.split_whitespace().nth(at).and_then(|it| it.parse().ok()).unwrap_or(0)
        };
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        Used {
            // Ticks of 10 ms: fields 14 and 15 of the file, the 12th and 13th after the name.
            cpu: Duration::from_millis((ticks(11) + ticks(12)) * 10),
            written_bytes: written.and_then(|it| it.parse().ok()).unwrap_or(0),
        }
    }

    pub fn since(self, before: Used) -> Used {
        Used {
            cpu: self.cpu.saturating_sub(before.cpu),
            written_bytes: self.written_bytes.saturating_sub(before.written_bytes),
        }
    }
}

/// Time this thread was on a processor.
pub fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0);
    Duration::from_nanos(nanos)
}

/// Memory of this process that is in RAM, in MB.
pub fn resident_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.split_whitespace().next()).and_then(|it| it.parse().ok());
    kib.unwrap_or(0_u64) / 1024
}

/// The middle of `values`, or the value `percent` of the way up.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    values[((percent / 100.0 * last as f64).round() as usize).min(last)]
}

pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 50.0)
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// `12.3k` or `456`.
pub fn rate(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.2}M", value / 1e6),
        value if value >= 1e4 => format!("{:.0}k", value / 1e3),
        value if value >= 1e3 => format!("{:.1}k", value / 1e3),
        value => format!("{value:.0}"),
    }
}
