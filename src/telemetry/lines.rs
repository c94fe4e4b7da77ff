//! Lines of the log on their way to standard error: those of a moment are written together, because the write is the
//! dearest part of a line. What tells of something wrong is written at once, with all that came before it.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, LockResult, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait. A process that is killed takes those with it that do.
const PAUSE: Duration = Duration::from_millis(5);

/// How many bytes may wait. Whoever is the first to have more writes them, however long the reader lets that take.
const MOST: usize = 64 * 1024;

/// Where lines go to. A clone goes to the same place.
#[derive(Debug)]
pub(super) struct Lines<W>(Arc<Shared<W>>);

#[derive(Debug)]
struct Shared<W> {
    waiting: Mutex<Vec<u8>>,
    has_some: Condvar,
    /// Locked before what waits is taken, so that lines stay in order.
    out: Mutex<Out<W>>,
}

#[derive(Debug)]
struct Out<W> {
    writer: W,
    /// What was written last, for its memory.
    written: Vec<u8>,
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Lines to `writer`. A thread of its own writes them, to the end of the process.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn to(writer: W) -> io::Result<Self> {
        let shared = Shared {
            waiting: Mutex::default(),
            has_some: Condvar::new(),
            out: Mutex::new(Out { writer, written: Vec::new() }),
        };
        let lines = Self(Arc::new(shared));
        let written = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || written.keep_writing())?;
        Ok(lines)
    }

    fn keep_writing(&self) {
        loop {
            let waiting = unpoisoned(self.0.waiting.lock());
            drop(unpoisoned(self.0.has_some.wait_while(waiting, |waiting| waiting.is_empty())));
            thread::sleep(PAUSE);
            self.write_out();
        }
    }

    /// Writes what waits. Where it cannot be written there is nobody to be told.
    pub(super) fn write_out(&self) {
        let mut out = unpoisoned(self.0.out.lock());
        let Out { writer, written } = &mut *out;
        mem::swap(&mut *unpoisoned(self.0.waiting.lock()), written);
        let _ = writer.write_all(written).and_then(|()| writer.flush());
        written.clear();
    }

    fn push(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = unpoisoned(self.0.waiting.lock());
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(line);
        let has_most = waiting.len() >= MOST;
        drop(waiting);
        if is_urgent || has_most {
            self.write_out();
        } else if was_empty {
            self.0.has_some.notify_one();
        }
    }
}

/// What panicked while it held a lock left bytes behind it, and bytes are good.
fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// A line, which comes in one piece.
pub(super) struct Line<'a, W> {
    lines: &'a Lines<W>,
    is_urgent: bool,
}

impl<W: Write + Send + 'static> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.push(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a, W: Write + Send + 'static> MakeWriter<'a> for Lines<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { lines: self, is_urgent: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        Line { lines: self, is_urgent: *metadata.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// What was written, and in how many pieces.
    #[derive(Debug, Clone, Default)]
    struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Pieces {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().concat()).unwrap()
        }

        fn count(&self) -> usize {
            self.0.lock().unwrap().len()
        }

        fn wait_for(&self, text: &str) {
            let begun = Instant::now();
            while self.text() != text {
                assert!(begun.elapsed() < Duration::from_secs(10), "{:?} never became {text:?}", self.text());
                thread::yield_now();
            }
        }
    }

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started() -> (Pieces, Lines<Pieces>) {
        let pieces = Pieces::default();
        (pieces.clone(), Lines::to(pieces).unwrap())
    }

    #[test]
    fn lines_arrive_by_themselves_and_in_order() {
        let (pieces, lines) = started();
        let mut expected = String::new();
        for round in 0..3 {
            for n in 0..100 {
                let line = format!("{round} {n}\n");
                lines.push(line.as_bytes(), false);
                expected.push_str(&line);
            }
            pieces.wait_for(&expected);
        }
        assert!(pieces.count() < 300, "some were written together");
    }

    #[test]
    fn what_is_urgent_is_there_at_once_and_what_came_before_it_too() {
        let (pieces, lines) = started();
        lines.push(b"one\n", false);
        lines.push(b"two\n", true);
        assert_eq!(pieces.text(), "one\ntwo\n");
        tracing::subscriber::with_default(
            tracing_subscriber::fmt().with_writer(lines).without_time().with_target(false).finish(),
            || {
                tracing::info!("three");
                tracing::warn!("four");
            },
        );
        assert!(pieces.text().contains("three") && pieces.text().ends_with("four\n"), "{}", pieces.text());
    }

    #[test]
    fn no_more_than_so_much_waits() {
        let (pieces, lines) = started();
        let line = vec![b'a'; MOST / 4];
        for _ in 0..4 {
            lines.push(&line, false);
        }
        assert_eq!(pieces.text().len(), 4 * line.len());
    }

    #[test]
    fn lines_of_many_threads_stay_whole() {
        let (pieces, lines) = started();
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let lines = lines.clone();
                scope.spawn(move || {
                    for n in 0..1000 {
                        lines.push(format!("{name} {n}\n").as_bytes(), n % 100 == 0);
                    }
                });
            }
        });
        lines.write_out();
        let text = pieces.text();
        for name in ["a", "b", "c", "d"] {
            let of_one: Vec<&str> = text.lines().filter(|line| line.starts_with(name)).collect();
            assert_eq!(of_one, (0..1000).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
        }
        assert_eq!(text.lines().count(), 4000);
    }
}
