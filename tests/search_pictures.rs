//! Search results as pictures and on the desktop: `--thumbs`, `--open`, `--reveal`.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::shoot::tmux::{READY, Tmux};
use crate::shoot::{Answer, Shoot, write_program};

/// Half blocks, with which pictures are drawn.
const BLOCKS: [char; 2] = ['▀', '▄'];

fn scanned_shoot() -> Shoot {
    let shoot = Shoot::new();
    shoot.add("Location Scout/IMG_1234.MOV", "Scout/IMG_1234.MOV");
    shoot.add("Location Scout/drone/DJI_0042.MP4", "Scout/DJI_0042.MP4");
    assert_eq!(shoot.scan().code, 0);
    shoot
}

#[test]
fn a_pipe_gets_the_table_and_no_escape_codes() {
    let shoot = scanned_shoot();
    let plain = shoot.run(&["search"]);
    let answer = shoot.run(&["search", "--thumbs"]);
    assert_eq!((answer.code, &answer.stdout), (0, &plain.stdout));
    assert!(!answer.stdout.contains('\x1b') && !answer.stderr.contains('\x1b'));
    assert!(answer.stderr.contains("--thumbs needs a terminal"));
}

#[test]
fn a_terminal_gets_posters_with_numbers_and_facts() {
    let shoot = scanned_shoot();
    let tmux = Tmux::new(&shoot, 80, 30, &[]);
    tmux.line("btsindex search --thumbs");
    let screen = tmux.wait_for("2 clips found");
    assert!(screen.contains("1  DJI_0042.MP4"), "{screen}");
    assert!(screen.contains("2  IMG_1234.MOV"), "{screen}");
    assert!(screen.contains(BLOCKS), "{screen}");
    let coloured = tmux.coloured();
    assert!(coloured.contains("\x1b[38;5;"), "{coloured}");
    let longest = screen
        .lines()
        .map(|line| line.trim_end().chars().count())
        .max();
    assert!(longest.unwrap() <= 80, "{screen}");

    tmux.line("clear; NO_COLOR=1 btsindex search --thumbs scout");
    let screen = tmux.wait("no posters", |screen| {
        screen.contains("(no poster)") && screen.contains("2 clips found")
    });
    assert!(
        screen.contains("DJI_0042.MP4") && !screen.contains(BLOCKS),
        "{screen}"
    );
    tmux.line("stty -a | grep -wo -e '-*icanon' -e '-*echo'; echo over");
    let screen = tmux.wait_for("\nover");
    assert!(screen.contains("\nicanon\necho\n"), "{screen}");
}

#[test]
fn an_undecodable_poster_is_left_out() {
    let shoot = scanned_shoot();
    for folder in fs::read_dir(shoot.catalogue().join("posters")).unwrap() {
        for poster in fs::read_dir(folder.unwrap().path()).unwrap() {
            fs::write(poster.unwrap().path(), b"\xff\xd8\xff\xe0 no picture").unwrap();
        }
    }
    let tmux = Tmux::new(&shoot, 80, 24, &[]);
    tmux.line("btsindex search --thumbs");
    let screen = tmux.wait_for("2 clips found");
    assert_eq!(screen.matches("(no poster)").count(), 2, "{screen}");
    assert!(screen.contains(READY), "{screen}");
}

/// Desktop programs that write down their arguments, one per line.
struct Desktop {
    folder: PathBuf,
}

impl Desktop {
    fn new(shoot: &Shoot, knows_items: bool) -> Self {
        let folder = shoot.folder("desktop");
        let write_stub = |name: &str, code: u8| {
            let file = folder.join(name).with_extension("arguments");
            let script = format!(
                "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nexit {code}\n",
                file.display()
            );
            write_program(&folder.join(name), &script);
        };
        write_stub("xdg-open", 0);
        write_stub("dbus-send", u8::from(!knows_items));
        Self { folder }
    }

    fn search(&self, shoot: &Shoot, arguments: &[&str]) -> Answer {
        let path = format!("{}:/usr/bin:/bin", self.folder.display());
        let mut command = shoot.command();
        command.arg("search").args(arguments).env("PATH", path);
        Answer::from_output(&command.output().unwrap())
    }

    fn arguments_of(&self, program: &str) -> Option<String> {
        let file = self.folder.join(program).with_extension("arguments");
        let arguments = fs::read_to_string(&file).ok();
        let _ = fs::remove_file(file);
        arguments
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_nth_clip_is_opened_or_revealed() {
    let shoot = Shoot::new();
    let odd = "Scout/$(touch x) ,'\"é.MOV";
    shoot.add("Location Scout/IMG_1234.MOV", odd);
    shoot.add("Location Scout/drone/DJI_0042.MP4", "Scout/DJI_0042.MP4");
    assert_eq!(shoot.scan().code, 0);
    let path = shoot.footage().join(odd);
    let desktop = Desktop::new(&shoot, false);

    let answer = desktop.search(&shoot, &["touch", "--open", "1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stdout, "");
    assert!(answer.stderr.starts_with("opened "), "{}", answer.stderr);
    assert_eq!(
        desktop.arguments_of("xdg-open").unwrap(),
        format!("{}\n", path.display())
    );

    let answer = desktop.search(&shoot, &["touch", "--reveal", "1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let folder = path.parent().unwrap();
    assert_eq!(
        desktop.arguments_of("xdg-open").unwrap(),
        format!("{}\n", folder.display())
    );

    let modern = Desktop::new(&shoot, true);
    let answer = modern.search(&shoot, &["touch", "--reveal", "1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(modern.arguments_of("xdg-open"), None);
    let arguments = modern.arguments_of("dbus-send").unwrap();
    assert!(
        arguments.contains("Scout/%24%28touch%20x%29%20%2C%27%22%C3%A9.MOV\n"),
        "{arguments}"
    );

    let answer = desktop.search(&shoot, &["--open", "3"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("no match 3: 2 found"),
        "{}",
        answer.stderr
    );
    assert_eq!(desktop.search(&shoot, &["--open", "0"]).code, 2);
    assert_eq!(
        desktop
            .search(&shoot, &["nothingofthesort", "--open", "1"])
            .code,
        4
    );
    assert!(!Path::new("x").exists() && !folder.join("x").exists());

    fs::remove_file(&path).unwrap();
    let answer = desktop.search(&shoot, &["touch", "--open", "1"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("is missing"), "{}", answer.stderr);
    assert_eq!(desktop.arguments_of("xdg-open"), None);
}
