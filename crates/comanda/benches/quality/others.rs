//! How busy other processes kept the machine during a measurement: figures taken beside a build say little.

use std::fs;

/// Processor time at one moment, in ticks since the start of the machine.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    /// Of the whole machine, idle time included.
    all: u64,
    /// Of the whole machine, at work (or taken by other machines on the same host).
    busy: u64,
    /// Of this process and of those it started that have ended.
    own: u64,
}

impl Ticks {
    /// Now; `None` where the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let machine = numbers(stat.lines().next()?.split_whitespace().skip(1).take(8));
        let idle: u64 = machine.iter().skip(3).take(2).sum();
        let all: u64 = machine.iter().sum();
        // The name may contain spaces; it ends at the last parenthesis. Fields 14 to 17 follow it as 12 to 15.
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        let own = numbers(own.rsplit_once(')')?.1.split_whitespace().skip(11).take(4)).iter().sum();
        Some(Self { all, busy: all - idle, own })
    }

    /// The share of the machine that others used since then, 0 to 1. Servers must have ended and been waited for.
    pub(crate) fn others_since(self) -> Option<f64> {
        let now = Self::now()?;
        let (all, busy) = (now.all.checked_sub(self.all)?, now.busy.checked_sub(self.busy)?);
        let own = now.own.checked_sub(self.own)?;
        (all > 0).then(|| busy.saturating_sub(own) as f64 / all as f64)
    }
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u64> {
    words.filter_map(|word| word.parse().ok()).collect()
}
