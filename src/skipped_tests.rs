//! Tests that cannot run on every machine, because they need a mount, a privilege, a browser or
//! another program. A developer's machine may lack these; where all tests are required, a missing
//! one fails, so that no test passes without having run.
//!
//! Shared by the unit tests and those in `tests/`. `tests/checks.rs` checks that no test ends early
//! in any other way.

use std::env;
use std::path::PathBuf;

/// Proof that the reason for skipping a test was reported.
#[derive(Debug)]
pub(crate) struct Skipped(());

/// Returns true if every test must run: in continuous integration (`CI=true`), or with
/// `BTSINDEX_REQUIRE_ALL=1`.
fn are_all_required() -> bool {
    let is_set = |variable| {
        env::var(variable).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
    };
    is_set("BTSINDEX_REQUIRE_ALL") || is_set("CI")
}

/// Reports why a test is skipped; fails if all tests are required.
#[track_caller]
pub(crate) fn skip_or_fail(reason: &str) -> Skipped {
    assert!(!are_all_required(), "required test cannot run: {reason}");
    skip_without_material(reason)
}

/// Reports that a test is skipped because it reads files that are not part of the repository; never
/// fails.
#[expect(clippy::print_stderr, reason = "reports why a test is skipped")]
pub(crate) fn skip_without_material(reason: &str) -> Skipped {
    eprintln!("skipped: {reason}");
    Skipped(())
}

/// Returns the path of a program that `scripts/test` installs.
#[track_caller]
pub(crate) fn find_installed(program: &str) -> Result<PathBuf, Skipped> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            skip_or_fail(&format!(
                "`{program}` is not on the PATH: scripts/test installs it"
            ))
        })
}

/// Returns the value of a `Result<T, Skipped>`, or ends a test that is skipped.
macro_rules! or_skip {
    ($available:expr) => {
        match $available {
            Ok(value) => value,
            Err(crate::skipped_tests::Skipped { .. }) => return,
        }
    };
}
pub(crate) use or_skip;
