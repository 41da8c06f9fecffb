//! `btsindex browse`, driven key by key in a real terminal.

#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};

use crate::shoot::tmux::{READY, Tmux};
use crate::shoot::{Answer, Shoot, wait_until, write_program};
use serde_json::Value;

const DRUMMER: &str = "Studio Session - Night Owls/Day2/BTSInterview_Drummer_Laughing.mov";

fn small() -> Shoot {
    let shoot = Shoot::new();
    shoot.add("Location Scout/IMG_1234.MOV", "Scout/IMG_1234.MOV");
    shoot.add(
        "Location Scout/drone/DJI_0042.MP4",
        "Scout/drone/DJI_0042.MP4",
    );
    shoot.add(DRUMMER, "Night Owls/Day2/BTSInterview_Drummer_Laughing.mov");
    assert_eq!(shoot.scan().code, 0);
    shoot
}

fn browse(shoot: &Shoot, columns: u16, rows: u16, arguments: &str) -> Tmux {
    let tmux = Tmux::new(shoot, columns, rows, &[]);
    tmux.line(&format!("btsindex browse {arguments}"));
    tmux.wait("the screen", |screen| {
        screen.contains(" found") && screen.contains("─┬─")
    });
    tmux
}

/// Leaves the screen and checks that the terminal is restored.
fn quit_with(tmux: &Tmux, press_keys: impl FnOnce()) {
    assert_eq!(tmux.about("#{alternate_on}"), "1");
    press_keys();
    tmux.wait("the shell", |screen| {
        screen.trim_end().ends_with(READY) && !screen.contains("─┬─")
    });
    assert_restored(tmux);
}

fn assert_restored(tmux: &Tmux) {
    assert_eq!(tmux.about("#{alternate_on} #{cursor_flag}"), "0 1");
    tmux.line("stty -a | grep -wo -e '-*icanon' -e '-*echo' -e '-*isig'; echo over");
    let screen = tmux.wait_for("\nover");
    let mut modes: Vec<&str> = screen
        .lines()
        .filter(|line| line.ends_with("icanon") || line.ends_with("echo") || line.ends_with("isig"))
        .collect();
    modes.sort_unstable();
    assert_eq!(modes, ["echo", "icanon", "isig"], "{screen}");
}

/// Clip as `show --json` prints it.
fn clip_as_json(shoot: &Shoot, name: &str) -> Value {
    shoot.run(&["show", "--json", name]).json().remove(0)
}

#[test]
fn a_query_is_typed_and_the_match_is_rated() {
    let shoot = small();
    let tmux = browse(&shoot, 100, 30, "");
    let screen = tmux.wait_for("3 clips found");
    assert!(screen.contains("> search"), "{screen}");
    tmux.text("drumer");
    tmux.wait_for("nothing found");
    tmux.wait_for("no clip matches `drumer`; did you mean `drummer` (1 clip)?");
    tmux.keys(&["BSpace", "BSpace"]);
    tmux.text("m");
    let screen = tmux.wait_for("no matches yet; showing matches of drumm*");
    assert!(screen.contains("1 clip found"), "{screen}");
    tmux.text("er nothere");
    tmux.wait_for("nothing found");
    tmux.keys(&["C-w"]);
    tmux.text("laughing");
    let screen = tmux.wait_for("1 clip found");
    assert!(
        screen.contains(">         BTSInterview_Drummer_Laughing.mov"),
        "{screen}"
    );
    tmux.wait("a poster", |screen| screen.contains(['▀', '▄']));

    tmux.keys(&["Enter"]);
    tmux.keys(&["Space"]);
    tmux.wait_for("selected (u to undo)");
    tmux.keys(&["4"]);
    let screen = tmux.wait_for("stars: 4 (u to undo)");
    assert!(
        screen.contains("> + ****  BTSInterview_Drummer"),
        "{screen}"
    );
    tmux.keys(&["t"]);
    tmux.wait_for("a,b adds tags");
    tmux.text("Drummer laughs, -interview");
    tmux.keys(&["Enter"]);
    tmux.wait_for("tag added: drummer-laughs; tag removed: interview");
    tmux.keys(&["n"]);
    tmux.wait_for("Enter saves");
    tmux.text("hält den Takt");
    tmux.keys(&["Enter"]);
    tmux.wait_for("note: hält den Takt (u to undo)");
    tmux.keys(&["2"]);
    tmux.wait_for("stars: 2 (u to undo)");
    tmux.keys(&["u"]);
    tmux.wait_for("undone: stars: 2");
    let screen = tmux.wait_for("+ ****");
    assert!(screen.contains("selected, 4 stars"), "{screen}");
    tmux.keys(&["Enter"]);
    tmux.wait_for("┌ details");
    tmux.keys(&["End"]);
    tmux.wait_for("person:Ada");
    tmux.keys(&["Escape"]);
    tmux.wait_without("┌ details");

    // The next search finds the edits.
    tmux.keys(&["/", "C-u"]);
    tmux.wait_for("3 clips found");
    tmux.text("tag:drummer-laughs rating:4");
    tmux.wait_for("1 clip found");
    tmux.keys(&["Enter"]);
    quit_with(&tmux, || tmux.keys(&["q"]));

    let clip = clip_as_json(&shoot, "BTSInterview_Drummer_Laughing.mov");
    assert_eq!(
        (&clip["rating"], &clip["selection"]),
        (&4.into(), &"selected".into())
    );
    assert!(
        clip["tags"].to_string().contains("drummer-laughs"),
        "{clip}"
    );
    assert!(!clip["tags"].to_string().contains("interview"), "{clip}");
    assert!(
        clip["notes"].to_string().contains("hält den Takt"),
        "{clip}"
    );
    let history = shoot.run(&["history", "--json", "BTSInterview_Drummer_Laughing.mov"]);
    assert!(history.json().iter().all(|edit| edit["author"] == "Ada"));
    assert_eq!(history.json().len(), 7);
    shoot.assert_consistent("after browsing");
}

#[test]
fn facets_narrow_the_results_on_a_small_screen() {
    let shoot = small();
    let tmux = browse(&shoot, 80, 24, "");
    let screen = tmux.wait_for("…/location-scout");
    let is_narrow = |line: &str| line.chars().count() <= 80;
    assert!(
        screen.lines().count() <= 24 && screen.lines().all(is_narrow),
        "{screen}"
    );
    tmux.keys(&["Tab"]);
    tmux.wait_for("Enter adds to the query");
    tmux.wait("a chosen tag", |screen| {
        screen.contains("\n> …/location-scout")
    });
    tmux.keys(&["Enter"]);
    let screen = tmux.wait_for("2 clips found");
    assert!(
        screen.contains("search tag:\"pre-production/location-scout\""),
        "{screen}"
    );
    tmux.wait_for(">*…/location-scout");
    tmux.keys(&["Enter"]);
    tmux.wait_for("3 clips found");
    tmux.keys(&["?"]);
    tmux.wait_for("┌ keys");
    tmux.keys(&["?"]);
    tmux.wait_without("┌ keys");
    tmux.keys(&["Tab", "g"]);
    tmux.wait("posters side by side", |screen| {
        let line = screen.lines().find(|line| line.contains("IMG_1234.MOV"));
        line.is_some_and(|line| line.contains("BTSInterview"))
    });
    quit_with(&tmux, || tmux.keys(&["C-c"]));
}

#[test]
fn an_invalid_query_keeps_the_previous_results() {
    let shoot = small();
    let tmux = browse(&shoot, 100, 30, "scout");
    tmux.wait_for("2 clips found");
    tmux.keys(&["/"]);
    tmux.text(" camara:fx3");
    let screen = tmux.wait_for("error: no field `camara`");
    assert!(screen.contains("hint: did you mean `camera`?"), "{screen}");
    assert!(
        screen.contains("2 clips found") && screen.contains("IMG_1234.MOV"),
        "{screen}"
    );
    tmux.keys(&["C-w"]);
    tmux.text("drone");
    let screen = tmux.wait_for("1 clip found");
    assert!(!screen.contains("error:"), "{screen}");
    tmux.keys(&["Escape"]);
    tmux.wait_for("space select");
    quit_with(&tmux, || tmux.keys(&["Escape"]));
}

#[test]
fn file_names_cannot_send_control_codes_to_the_terminal() {
    let shoot = Shoot::new();
    let name = "two\nlines \x1b[2J\x1b]0;owned\x07\u{202e}.MOV";
    shoot.add("Location Scout/IMG_1234.MOV", format!("日本語\n/{name}"));
    assert_eq!(shoot.scan().code, 0);
    let tmux = browse(&shoot, 120, 30, "two");
    let screen = tmux.wait_for("1 clip found");
    assert!(
        screen.contains(r"two\nlines \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}.MOV"),
        "{screen}"
    );
    assert!(screen.contains(r"日本語\n"), "{screen}");
    assert_ne!(tmux.about("#{pane_title}"), "owned");
    tmux.keys(&["Enter"]);
    tmux.wait_for("┌ details");
    tmux.keys(&["q"]);
    quit_with(&tmux, || tmux.keys(&["q"]));
}

#[test]
fn a_signal_restores_the_terminal() {
    let shoot = small();
    let tmux = Tmux::new(&shoot, 80, 24, &[]);
    tmux.line("btsindex browse drone; echo \"ended with $?\"");
    tmux.wait_for("1 clip found");
    let shell = tmux.about("#{pane_pid}");
    let found = Command::new("pgrep").args(["-P", &shell]).output().unwrap();
    let browsing = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let killed = Command::new("kill").args(["-TERM", &browsing]).status();
    assert!(killed.unwrap().success());
    tmux.wait_for("ended with 130");
    assert_restored(&tmux);
}

#[test]
fn browse_ends_when_the_terminal_closes_without_a_signal() {
    let shoot = small();
    let tmux = Tmux::new(&shoot, 80, 24, &[]);
    // As under `nohup`: no signal reports that the terminal is closed.
    let program = env!("CARGO_BIN_EXE_btsindex");
    tmux.line(&format!("trap '' HUP; exec '{program}' browse drone"));
    tmux.wait_for("1 clip found");
    let browsing = tmux.about("#{pane_pid}");
    let is_running = || {
        let mut ask = Command::new("kill");
        let status = ask.args(["-0", &browsing]).stderr(Stdio::null()).status();
        status.unwrap().success()
    };
    assert!(is_running());
    drop(tmux);
    wait_until("browse ends", || !is_running());
}

#[test]
fn an_index_truncated_while_browsing_is_rebuilt() {
    let shoot = small();
    let tmux = browse(&shoot, 100, 30, "");
    tmux.wait_for("3 clips found");
    for file in fs::read_dir(shoot.catalogue().join("index")).unwrap() {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(file.unwrap().path());
        file.unwrap().set_len(10).unwrap();
    }
    tmux.text("drone");
    tmux.wait_for("1 clip found");
    tmux.keys(&["Escape"]);
    tmux.wait_for("space select");
    quit_with(&tmux, || tmux.keys(&["Escape"]));
}

#[test]
fn a_letter_with_ctrl_is_not_typed() {
    let shoot = small();
    let tmux = browse(&shoot, 100, 30, "scout");
    tmux.wait_for("2 clips found");
    tmux.keys(&["C-x", "C-t", "C-z", "C-q", "C-o"]);
    tmux.keys(&["s"]);
    let screen = tmux.wait_for("search scout s");
    assert!(!screen.contains("rejected"), "{screen}");
    let clip = clip_as_json(&shoot, "IMG_1234.MOV");
    assert!(clip.get("selection").is_none(), "{clip}");
}

#[test]
fn browse_needs_a_terminal_and_a_catalogue() {
    let shoot = Shoot::new();
    let answer = shoot.run(&["browse"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("no catalogue at"),
        "{}",
        answer.stderr
    );
    shoot.add("Location Scout/IMG_1234.MOV", "IMG_1234.MOV");
    shoot.scan();
    let answer = shoot.run(&["browse"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    let expected = "error: `btsindex browse` needs a terminal\nhint: `btsindex search`";
    assert!(answer.stderr.starts_with(expected), "{}", answer.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn clips_open_and_reveal_and_no_color_hides_posters() {
    let shoot = small();
    let desktop = shoot.folder("desktop");
    for (program, code) in [("xdg-open", 0), ("dbus-send", 1)] {
        let note = desktop.join(program).with_extension("opened");
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nexit {code}\n",
            note.display()
        );
        write_program(&desktop.join(program), &script);
    }
    let path = format!("{}:/usr/bin:/bin", desktop.display());
    let tmux = Tmux::new(&shoot, 80, 24, &[("PATH", &path), ("NO_COLOR", "1")]);
    tmux.line("btsindex browse drone");
    tmux.wait_for("1 clip found");
    let screen = tmux.wait_for("(no poster)");
    assert!(!screen.contains(['▀', '▄']), "{screen}");
    let coloured = tmux.coloured();
    let colours = (30..=38).chain(40..=48).chain(90..=107);
    for colour in colours.map(|code| code.to_string()) {
        let is_set = [
            format!("[{colour}m"),
            format!(";{colour}m"),
            format!("[{colour};"),
        ];
        assert!(
            !is_set.iter().any(|code| coloured.contains(code)),
            "{coloured:?}"
        );
    }
    tmux.keys(&["o"]);
    tmux.wait_for("opened /");
    let clip = shoot.footage().join("Scout/drone/DJI_0042.MP4");
    let opened = || fs::read_to_string(desktop.join("xdg-open.opened")).unwrap();
    assert_eq!(opened(), format!("{}\n", clip.display()));
    tmux.keys(&["r"]);
    tmux.wait_for("shown /");
    assert_eq!(opened(), format!("{}\n", clip.parent().unwrap().display()));
    quit_with(&tmux, || tmux.keys(&["q"]));
}

#[test]
fn clips_scanned_while_browsing_appear() {
    let shoot = small();
    let tmux = browse(&shoot, 80, 24, "scout");
    tmux.wait_for("2 clips found");
    shoot.add("Location Scout/old_tape.avi", "Scout/old_tape.avi");
    let answer: Answer = shoot.scan();
    assert_eq!(answer.code, 0);
    tmux.wait_for("3 clips found");
    quit_with(&tmux, || tmux.keys(&["q"]));
}
