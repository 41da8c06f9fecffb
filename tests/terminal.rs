//! No command sends control or invisible characters to a terminal. JSON and paths for programs are
//! unescaped data; [`crate::hostile`] tests names that try to run something.

#![cfg(unix)]

use std::fs;

use crate::shoot::tmux::{READY, Tmux};
use crate::shoot::{Answer, Shoot};

const CLIP: &str = "Location Scout/old_tape.avi";
/// One of each kind: a soft hyphen, a Mongolian separator, joiners, bidirectional controls, an
/// invisible operator, a filler, variation selectors, an annotation, a tag, a line separator.
const UNSEEN: [char; 15] = [
    '\u{ad}',
    '\u{180e}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{202e}',
    '\u{2028}',
    '\u{2063}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{e0041}',
    '\u{e0100}',
];

fn is_raw(c: char) -> bool {
    c.is_control() && c != '\n' || UNSEEN.contains(&c)
}

fn unseen() -> String {
    UNSEEN.iter().collect()
}

/// Two clips with the same content and such characters in every name and every user text.
fn shoot() -> Shoot {
    let shoot = Shoot::new();
    for copy in ["one", "two"] {
        let name = format!("{copy}{}/C0001{}.avi", unseen(), unseen());
        shoot.add(CLIP, name);
    }
    shoot.add(CLIP, format!("broken{}.mov", unseen()));
    fs::write(
        shoot.footage().join(format!("text{}.mov", unseen())),
        "this is not a clip",
    )
    .unwrap();
    shoot
}

fn assert_clean(arguments: &[&str], answer: &Answer) {
    for text in [&answer.stdout, &answer.stderr] {
        assert!(
            !text.contains(is_raw),
            "{arguments:?}: {}",
            text.escape_unicode()
        );
    }
}

#[test]
fn no_command_prints_an_invisible_character() {
    let shoot = shoot();
    let unseen = unseen();
    let (tag, note) = (format!("laugh{unseen}ing"), format!("quiet{unseen}ly"));
    let footage = shoot.footage();
    let broken = footage.join(format!("broken{unseen}.mov"));
    let broken = broken.to_str().unwrap();
    let author = format!("anna{unseen}");
    let options = ["-y", "--author", author.as_str()];
    let commands: Vec<Vec<&str>> = vec![
        vec!["scan", "--no-pictures", footage.to_str().unwrap()],
        [&["tag", "add", &tag, broken], &options[..]].concat(),
        [&["note", &note, broken], &options[..]].concat(),
        [&["mark", "0.1s", &note, broken], &options[..]].concat(),
        vec!["search"],
        vec!["search", "--facet", "folder"],
        vec!["search", "--columns", "name,path,tags,notes"],
        vec!["search", &note],
        vec!["search", "nothing-is-called-so", &unseen],
        vec!["show", broken],
        vec!["show", &tag],
        vec!["history", broken],
        vec!["tags"],
        vec!["tags", "explain", broken],
        vec!["tags", "rename", &note, "calm", "-y"],
        vec!["stats"],
        vec!["volumes"],
        vec!["volumes", "rename", &note, "x"],
        vec!["copies"],
        vec!["duplicates"],
        vec!["sidecar", "write", "-y"],
        vec!["sidecar", "read"],
        vec!["report", "size:1..", "-o", &note],
        vec!["report", "size:1..", "-o", "nowhere/\u{ad}.html"],
        vec!["doctor"],
        vec!["undo", "--author", &author],
        vec!["ingest", &note],
        vec!["verify", &note],
        vec!["safe", &note],
        vec!["scan", &note],
    ];
    for arguments in &commands {
        assert_clean(arguments, &shoot.run(arguments));
    }
    let names = shoot.run(&["search"]).stdout;
    assert!(names.contains("broken\\u{ad}\\u{180e}"), "{names}");
}

#[test]
fn browse_shows_invisible_characters_as_code_points() {
    let shoot = shoot();
    assert_eq!(shoot.scan_facts().code, 3);
    let tmux = Tmux::new(&shoot, 180, 24, &[]);
    tmux.line("btsindex browse");
    let screen = tmux.wait("the clips", |screen| screen.contains("broken"));
    assert!(!screen.contains(is_raw), "{}", screen.escape_unicode());
    assert!(screen.contains("broken\\u{ad}"), "{screen}");
    tmux.keys(&["C-c"]);
    tmux.wait("the shell", |screen| screen.trim_end().ends_with(READY));
}
