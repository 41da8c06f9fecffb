//! Commands of a user whose access to files is restricted by their permissions. The superuser may
//! read everything.

use std::process::{Command, Stdio};

use super::Shoot;
use crate::skipped_tests::{Skipped, skip_or_fail};

/// User and group of `nobody`.
const NOBODY: &str = "65534";

/// Returns the same command for a user without privileges, who becomes the owner of the shoot if
/// the tests run as root.
pub(crate) fn without_privileges(shoot: &Shoot, own: &Command) -> Result<Command, Skipped> {
    let root = shoot.root();
    let mut command = if rustix::process::geteuid().is_root() {
        let owner = format!("{NOBODY}:{NOBODY}");
        let chown = Command::new("chown")
            .args(["-R", &owner])
            .arg(&root)
            .status();
        let mut command = as_nobody(own);
        let can_run = chown.is_ok_and(|status| status.success())
            && as_nobody(Command::new(own.get_program()).arg("--version"))
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if !can_run {
            return Err(skip_or_fail(
                "no user without privileges can run the program",
            ));
        }
        command.env("HOME", &root);
        command
    } else {
        let mut command = Command::new(own.get_program());
        command.args(own.get_args());
        command
    };
    command
        .env("BTSINDEX_CATALOGUE", shoot.catalogue())
        .current_dir(&root);
    Ok(command)
}

fn as_nobody(own: &Command) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(own.get_program())
        .args(own.get_args());
    command
}
