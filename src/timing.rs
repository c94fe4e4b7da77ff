//! Where the time of a request goes, for the header `Server-Timing`.
//!
//! A task-local collects it, so that no function has to hand it on. Outside of [`collect`] nothing is measured.
//!
//! What is around other work here is no `async fn`: that would hold the work twice, as its argument and as what it waits
//! for, and each function around it would double that again.

use std::cell::Cell;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

tokio::task_local! {
    static TIMINGS: Timings;
}

/// What takes time.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    /// Finding out whose token it is.
    Auth,
    /// Waiting for a database connection.
    Pool,
    /// Waiting for the database.
    Database,
}

/// How long each phase took in all. Phases that ran at the same time are counted each.
#[derive(Debug, Default, Clone)]
pub struct Timings {
    auth: Cell<Duration>,
    pool: Cell<Duration>,
    database: Cell<Duration>,
}

impl Timings {
    const fn of(&self, phase: Phase) -> &Cell<Duration> {
        match phase {
            Phase::Auth => &self.auth,
            Phase::Pool => &self.pool,
            Phase::Database => &self.database,
        }
    }

    /// As a caller reads it, in milliseconds, with `total` beside the phases.
    #[must_use]
    pub fn header(&self, total: Duration) -> String {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let phase = |phase| milliseconds(self.of(phase).get());
        let (auth, pool, database) = (phase(Phase::Auth), phase(Phase::Pool), phase(Phase::Database));
        format!("auth;dur={auth:.3}, pool;dur={pool:.3}, db;dur={database:.3}, total;dur={:.3}", milliseconds(total))
    }
}

/// Runs `work` and answers, beside its outcome, what [`measure`] saw in it.
pub fn collect<T>(work: impl Future<Output = T>) -> impl Future<Output = (T, Timings)> {
    TIMINGS.scope(Timings::default(), work.map(|outcome| (outcome, TIMINGS.with(Timings::clone))))
}

/// Runs `work` and counts its time as that of `phase`, from now on.
pub fn measure<T>(phase: Phase, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let started = Instant::now();
    work.inspect(move |_| count(phase, started.elapsed()))
}

/// Counts `time` as that of `phase`.
pub fn count(phase: Phase, time: Duration) {
    // Nobody asks where there is nothing that collects.
    let _ = TIMINGS.try_with(|timings| timings.of(phase).update(|sum| sum + time));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_phase_is_counted_for_itself() {
        let wait = |phase, milliseconds| measure(phase, tokio::time::sleep(Duration::from_millis(milliseconds)));
        let work = async {
            wait(Phase::Auth, 1).await;
            wait(Phase::Database, 2).await;
            wait(Phase::Database, 3).await;
            "done"
        };
        let (outcome, timings) = collect(work).await;
        assert_eq!(outcome, "done");
        let header = timings.header(Duration::from_millis(7));
        assert_eq!(header, "auth;dur=1.000, pool;dur=0.000, db;dur=5.000, total;dur=7.000");
        assert_eq!(measure(Phase::Auth, async { 1 }).await, 1, "nothing collects");
    }

    #[test]
    fn work_is_held_once() {
        let work = || async {
            let kept = [1_u8; 4096];
            tokio::task::yield_now().await;
            kept.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        };
        let least = size_of_val(&work());
        assert!(least >= 4096);
        assert!(size_of_val(&measure(Phase::Auth, work())) < least + 256);
        assert!(size_of_val(&collect(work())) < least + 256);
    }
}
