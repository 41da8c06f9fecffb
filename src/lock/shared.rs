//! Lock that is visible to every machine: a file on a share, which only one process at a time can
//! create.
//!
//! System locks end with their process, but on most shares only one machine sees them. A file that
//! is created exclusively is visible to all machines, but remains when its process dies. The holder
//! therefore writes to it every few seconds, and a file without recent writes is taken over.
//! Waiting processes use only their own clock, since the clocks of machines differ. The holder must
//! check the lock again before it relies on it: see [`Shared::is_held`].

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::atomic_file::{WriterId, WriterState, read_lock_text, refresh, remove_if_text};

/// Interval at which the holder writes to the file.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Time without writes after which the holder is considered dead. On shares, changes become visible
/// to other machines after seconds, on some after 20 seconds.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause between two checks of a held lock.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Lock that is held until dropped.
#[derive(Debug)]
pub(crate) struct Shared {
    path: PathBuf,
    token: String,
    heartbeat: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Shared {
    /// Creates the lock file, and waits while another process holds it. `None` if `keep_waiting`
    /// returned false.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created.
    pub(crate) fn hold(path: &Path, keep_waiting: &dyn Fn() -> bool) -> io::Result<Option<Self>> {
        Self::hold_with_timeout(path, HEARTBEAT_TIMEOUT, keep_waiting)
    }

    fn hold_with_timeout(
        path: &Path,
        timeout: Duration,
        keep_waiting: &dyn Fn() -> bool,
    ) -> io::Result<Option<Self>> {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            match File::create_new(path) {
                Ok(file) => return Self::begin(path, file).map(Some),
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(_) => {}
            }
            refresh(path);
            // An unreadable file has a constant text, so it times out. If there is no file, the
            // lock was just released.
            if let Some(text) = read_lock_text(path) {
                let since = match &seen {
                    Some((before, since)) if *before == text => *since,
                    _ => Instant::now(),
                };
                if since.elapsed() >= timeout || is_dead(&text) {
                    remove_if_text(path, &text)?;
                    seen = None;
                    continue;
                }
                seen = Some((text, since));
            }
            if !keep_waiting() {
                return Ok(None);
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }

    fn begin(path: &Path, mut file: File) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let token = format!("{} {:?} {now}", WriterId::this(), thread::current().id());
        write!(file, "{token}\n0\n")?;
        file.sync_all()?;
        let (stop, stopped) = channel();
        let heartbeat = thread::spawn(move || {
            for beat in 1_u64.. {
                match stopped.recv_timeout(HEARTBEAT) {
                    // If writes fail, another process takes over the lock, and `is_held` returns
                    // false.
                    Err(RecvTimeoutError::Timeout) => {
                        _ = writeln!(file, "{beat}").and_then(|()| file.sync_all());
                    }
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        });
        Ok(Self {
            path: path.to_owned(),
            token,
            heartbeat: Some((stop, heartbeat)),
        })
    }

    /// Returns true if the lock is still held: a process that was suspended for a minute may have
    /// lost it.
    #[must_use]
    pub(crate) fn is_held(&self) -> bool {
        refresh(&self.path);
        let text = fs::read_to_string(&self.path);
        text.is_ok_and(|text| text.lines().next() == Some(&self.token))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some((stop, heartbeat)) = self.heartbeat.take() {
            drop(stop);
            let _ = heartbeat.join();
        }
        if self.is_held() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns true if the holder was a process of this machine that has ended.
fn is_dead(text: &str) -> bool {
    let writer = text.split(' ').next().unwrap_or_default();
    writer.parse::<WriterId>().map(WriterId::state) == Ok(WriterState::Dead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_process_at_a_time_holds_the_lock_and_no_file_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = Shared::hold(&path, &|| true).unwrap().unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        assert!(lock.is_held());
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn waits_for_a_holder_on_another_machine_until_it_times_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let theirs = "ffffffff-00000001-1-1 ThreadId(1) 1\n0\n";
        fs::write(&path, theirs).unwrap();
        let checks = AtomicUsize::new(0);
        let three_checks = || checks.fetch_add(1, Ordering::SeqCst) < 2;
        assert!(Shared::hold(&path, &three_checks).unwrap().is_none());
        assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
        // The holder counts as alive while the file changes.
        let beats = AtomicUsize::new(0);
        let write_heartbeat = || {
            let beat = beats.fetch_add(1, Ordering::SeqCst);
            fs::write(&path, format!("{theirs}{beat}\n")).unwrap();
            beat < 5
        };
        let timeout = RETRY_INTERVAL * 3;
        assert!(
            Shared::hold_with_timeout(&path, timeout, &write_heartbeat)
                .unwrap()
                .is_none()
        );
        let lock = Shared::hold_with_timeout(&path, timeout, &|| true).unwrap();
        assert!(lock.unwrap().is_held());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn takes_over_a_binary_lock_file_after_the_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        fs::write(&path, b"\xff\xfe odd").unwrap();
        let checks = AtomicUsize::new(0);
        let few_checks = || checks.fetch_add(1, Ordering::SeqCst) < 100;
        assert!(Shared::hold(&path, &|| false).unwrap().is_none());
        let lock = Shared::hold_with_timeout(&path, RETRY_INTERVAL * 3, &few_checks).unwrap();
        assert!(lock.unwrap().is_held());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn does_not_wait_for_a_dead_process_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let this = WriterId::this().to_string();
        let (without_start, _) = this.rsplit_once('-').unwrap();
        fs::write(&path, format!("{without_start}-1 ThreadId(1) 1\n0\n")).unwrap();
        let lock = Shared::hold(&path, &|| false).unwrap();
        assert!(lock.unwrap().is_held());
    }

    #[test]
    fn a_process_that_lost_its_lock_does_not_remove_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.lock");
        let lost = Shared::hold(&path, &|| true).unwrap().unwrap();
        remove_if_text(&path, &fs::read_to_string(&path).unwrap()).unwrap();
        let held = Shared::hold(&path, &|| true).unwrap().unwrap();
        assert!(!lost.is_held() && held.is_held());
        // Simulates a process that considers the first holder dead: it finds the second lock and
        // restores it.
        remove_if_text(&path, "text of the first holder").unwrap();
        drop(lost);
        assert!(held.is_held());
    }
}
