//! Real terminal: a shell in tmux that runs the program.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{HANGING, Shoot};

/// Prompt of the shell.
pub(crate) const READY: &str = "ready>";

/// Terminal of a certain size, closed when it is dropped.
pub(crate) struct Tmux {
    /// Folder of the socket, whose path is short enough for one wherever the tests are.
    sockets: tempfile::TempDir,
}

impl Tmux {
    /// Starts a shell in which `btsindex` is the program with the catalogue of the shoot.
    pub(crate) fn new(shoot: &Shoot, columns: u16, rows: u16, set: &[(&str, &str)]) -> Self {
        let tmux = Self {
            sockets: tempfile::tempdir().unwrap(),
        };
        let mut start = tmux.command();
        let program = env!("CARGO_BIN_EXE_btsindex");
        start
            .args(["-f", "/dev/null", "new-session", "-d"])
            .args(["-x", &columns.to_string(), "-y", &rows.to_string()])
            .arg(format!(
                "btsindex() {{ '{program}' \"$@\"; }}; PS1='{READY} ' exec sh -i"
            ))
            .env("BTSINDEX_CATALOGUE", shoot.catalogue())
            .env("BTSINDEX_AUTHOR", "Ada")
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env_remove("ENV")
            .current_dir(shoot.footage())
            .envs(["NO_COLOR", "COLORTERM", "TMUX", "BTSINDEX_POSTERS"].map(|it| (it, "")));
        start.envs(set.iter().copied());
        let started = start.status();
        assert!(
            started.is_ok_and(|status| status.success()),
            "tmux cannot be run; scripts/tmux installs it"
        );
        tmux.line(&format!("btsindex() {{ '{program}' \"$@\"; }}; clear"));
        tmux.wait("a clear screen", |screen| screen.trim() == READY);
        tmux
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .arg("-S")
            .arg(self.sockets.path().join("tmux"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Presses keys, named as in tmux: `Enter`, `C-c`, `x`.
    pub(crate) fn keys(&self, keys: &[&str]) {
        let sent = self.command().arg("send-keys").args(keys).status();
        assert!(sent.unwrap().success(), "{keys:?}");
    }

    /// Types literal text.
    pub(crate) fn text(&self, text: &str) {
        let sent = self.command().args(["send-keys", "-l", text]).status();
        assert!(sent.unwrap().success(), "{text}");
    }

    /// Types a line into the shell once its prompt appears.
    pub(crate) fn line(&self, text: &str) {
        self.wait("the shell", |screen| screen.trim_end().ends_with(READY));
        self.text(text);
        self.keys(&["Enter"]);
    }

    /// Text on the screen.
    pub(crate) fn screen(&self) -> String {
        self.capture(&[])
    }

    /// Text on the screen with colours, as escape codes.
    pub(crate) fn coloured(&self) -> String {
        self.capture(&["-e"])
    }

    fn capture(&self, options: &[&str]) -> String {
        let mut capture = self.command();
        capture.args(["capture-pane", "-p"]).args(options);
        let output = capture.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Property of the terminal itself, such as `#{alternate_on}`.
    pub(crate) fn about(&self, format: &str) -> String {
        let mut ask = self.command();
        ask.args(["display-message", "-p", format]);
        let output = ask.stdout(Stdio::piped()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Waits until the screen meets a condition, and returns it.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if condition(&screen) {
                return screen;
            }
            assert!(
                begun.elapsed() < HANGING,
                "waited for {what}; this is seen:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a text appears, and returns the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits until a text disappears, and returns the screen.
    pub(crate) fn wait_without(&self, text: &str) -> String {
        self.wait(&format!("no {text}"), |screen| !screen.contains(text))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // The server may have ended already.
        let _ = self.command().arg("kill-server").status();
    }
}
