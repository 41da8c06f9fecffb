//! Identity of the process that writes a file, and a check whether it is alive. The identity is
//! stored in the file's name or text.
//!
//! A system lock is visible on its own machine only, except on some shares. A name is visible on
//! all machines.

use std::fmt;
use std::fs;
use std::str::FromStr;
use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_64;

use crate::machine;

/// Identity of a process on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterId {
    /// Hash of the machine's identity, which includes the container with its own process numbers.
    machine: u32,
    /// Hash of the boot id.
    boot: u32,
    process: u32,
    /// Start time of the process in ticks since the boot; 0 if unknown.
    start_ticks: u64,
}

/// State of a writer, as far as this process can determine it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterState {
    /// Running on this machine.
    Alive,
    /// Ended on this machine, since its last boot.
    Dead,
    /// Ran on this machine before its last boot.
    BeforeBoot,
    /// On another machine, or possibly so.
    Elsewhere,
}

impl WriterId {
    /// Returns the identity of this process.
    #[must_use]
    pub fn this() -> Self {
        static THIS: OnceLock<WriterId> = OnceLock::new();
        *THIS.get_or_init(|| {
            let process = std::process::id();
            Self {
                machine: hash(&machine_identity()),
                boot: hash(&boot()),
                process,
                start_ticks: start_ticks(process).unwrap_or(0),
            }
        })
    }

    /// Returns the state of the writer, as seen by this process.
    #[must_use]
    pub fn state(self) -> WriterState {
        self.state_seen_by(
            Self::this(),
            !ids().trim().is_empty(),
            !boot().trim().is_empty(),
        )
    }

    /// Returns the state of the writer, as seen by the process `this`. Without machine ids, several
    /// machines may have equal identities.
    fn state_seen_by(self, this: Self, has_machine_id: bool, has_boot_id: bool) -> WriterState {
        if self == this {
            WriterState::Alive
        } else if self.machine != this.machine || !has_boot_id {
            WriterState::Elsewhere
        } else if self.boot != this.boot {
            if has_machine_id {
                WriterState::BeforeBoot
            } else {
                WriterState::Elsewhere
            }
        } else if is_running(self) {
            WriterState::Alive
        } else {
            WriterState::Dead
        }
    }
}

/// Formats as four hexadecimal numbers with dashes between them.
impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            boot,
            process,
            start_ticks,
        } = self;
        write!(f, "{machine:08x}-{boot:08x}-{process:x}-{start_ticks:x}")
    }
}

impl FromStr for WriterId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut number = |digits: std::ops::RangeInclusive<usize>| {
            let part = parts.next().ok_or(())?;
            let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !digits.contains(&part.len()) || !is_hex {
                return Err(());
            }
            u64::from_str_radix(part, 16).map_err(drop)
        };
        let mut small = |digits| u32::try_from(number(digits)?).map_err(drop);
        let (machine, boot, process) = (small(8..=8)?, small(8..=8)?, small(1..=8)?);
        let start_ticks = number(1..=16)?;
        parts.next().is_none().then_some(()).ok_or(())?;
        Ok(Self {
            machine,
            boot,
            process,
            start_ticks,
        })
    }
}

/// Returns the machine's id, name and process namespace. Containers have the id of their image, but
/// their own name and processes.
fn machine_identity() -> String {
    let processes = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let name = machine::host_name().unwrap_or_default();
    format!("{}\n{name}\n{}", ids(), processes.display())
}

fn ids() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .map(read)
        .concat()
}

/// Returns the boot id as the system's file contains it, with the line end: its hash is part of the
/// ids that other processes and machines compare.
fn boot() -> String {
    machine::boot_id().map_or_else(String::new, |id| id + "\n")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn hash(text: &str) -> u32 {
    u32::try_from(xxh3_64(text.as_bytes()) >> 32).unwrap_or(0)
}

/// Returns true if the process is running on this machine. Another process with the same number
/// does not count.
#[cfg(unix)]
fn is_running(writer: WriterId) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let process = i32::try_from(writer.process).ok().and_then(Pid::from_raw);
    let exists = process.is_some_and(|process| {
        // A process of another user cannot be signalled, but exists.
        test_kill_process(process) != Err(rustix::io::Errno::SRCH)
    });
    exists
        && match stat(writer.process) {
            Some(stat) if stat.starts_with(['Z', 'X']) => false,
            Some(_) => start_ticks(writer.process)
                .is_none_or(|start_ticks| start_ticks == writer.start_ticks),
            None => true,
        }
}

/// Returns true: processes cannot be queried on this system.
#[cfg(not(unix))]
fn is_running(_writer: WriterId) -> bool {
    true
}

/// Returns the start time of a process in ticks, which is field 22 of `stat` in proc(5).
fn start_ticks(process: u32) -> Option<u64> {
    stat(process)?.split(' ').nth(19)?.parse().ok()
}

/// Returns the `stat` fields that follow the name of a process, from its state on.
fn stat(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_survives_a_round_trip() {
        let this = WriterId::this();
        assert_eq!(this.to_string().parse(), Ok(this));
        for text in [
            "",
            "1-2-3-4",
            "0123456z-01234567-1-1",
            "01234567-01234567-1-1-1",
        ] {
            assert_eq!(text.parse::<WriterId>(), Err(()), "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_state_of_a_writer_is_known_only_on_its_machine_and_boot() {
        let this = WriterId::this();
        assert_eq!(this.state(), WriterState::Alive);
        let another = WriterId {
            start_ticks: this.start_ticks + 1,
            ..this
        };
        assert_eq!(
            another.state(),
            WriterState::Dead,
            "the process number was reused"
        );
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let of_child = WriterId {
            process: child.id(),
            start_ticks: start_ticks(child.id()).unwrap(),
            ..this
        };
        child.wait().unwrap();
        assert_eq!(of_child.state(), WriterState::Dead);
        let (boot, machine) = (this.boot ^ 1, this.machine ^ 1);
        assert_eq!(WriterId { boot, ..this }.state(), WriterState::BeforeBoot);
        assert_eq!(WriterId { machine, ..this }.state(), WriterState::Elsewhere);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_without_ids_is_never_considered_dead() {
        let this = WriterId::this();
        let start_ticks = this.start_ticks + 1;
        let another = WriterId {
            start_ticks,
            ..this
        };
        let of_other_boot = WriterId {
            boot: this.boot ^ 1,
            ..another
        };
        for has_machine_id in [false, true] {
            let state = |writer: WriterId| writer.state_seen_by(this, has_machine_id, false);
            assert_eq!(state(this), WriterState::Alive);
            assert_eq!(state(another), WriterState::Elsewhere);
            assert_eq!(state(of_other_boot), WriterState::Elsewhere);
        }
        // An equal boot id identifies the machine.
        assert_eq!(another.state_seen_by(this, false, true), WriterState::Dead);
        let of_other_boot = of_other_boot.state_seen_by(this, false, true);
        assert_eq!(of_other_boot, WriterState::Elsewhere);
    }
}
