//! Exit codes of the program. The help and the documentation use the same table.

use std::process::ExitCode;

/// Outcome of a command, returned to the shell as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    BadUsage,
    SomeUnreadable,
    Negative,
    Interrupted,
}

impl Exit {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Failed,
        Self::BadUsage,
        Self::SomeUnreadable,
        Self::Negative,
        Self::Interrupted,
    ];

    /// Exit code that the shell receives.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadUsage => 2,
            Self::SomeUnreadable => 3,
            Self::Negative => 4,
            Self::Interrupted => 130,
        }
    }

    /// Description for `--help`. README.md and docs/ use the same words, which a test compares.
    fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::BadUsage => "bad usage, or an invalid query",
            Self::SomeUnreadable => "done, but some files could not be read, copied or verified",
            Self::Negative => "nothing found, nothing to do, not safe, or files altered or missing",
            Self::Interrupted => "interrupted",
        }
    }

    /// Lists all exit codes for `--help`, one per line.
    pub(crate) fn help() -> String {
        let lines = Self::ALL.map(|exit| format!("  {:<4} {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
